"""The state of an interrupted training in one file, written atomically after every epoch."""

import dataclasses
import json
import zipfile
from pathlib import Path

import numpy as np

from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import atomic_write


@dataclasses.dataclass
class Progress:
    """Where training stands.

    Attributes:
        epoch: epochs done.
        best_loss: lowest validation loss so far, or negative score where the recipe monitors that.
        best_epoch: the epoch that reached it.
        halved_epoch: the epoch after which the learning rate was last halved.
        history: one row per epoch.
    """

    epoch: int = 0
    best_loss: float = float("inf")
    best_epoch: int = 0
    halved_epoch: int = 0
    history: list[dict] = dataclasses.field(default_factory=list)


def save(path: Path, model, progress: Progress) -> None:
    """Write every variable of the compiled `model` (weights, statistics, random state) and of its optimizer."""
    arrays = {f"v{i}": np.asarray(variable) for i, variable in enumerate(_variables(model))}
    arrays["progress"] = np.asarray(json.dumps(dataclasses.asdict(progress)))
    with atomic_write(path) as temporary:
        np.savez(temporary, **arrays)  # pyright: ignore[reportArgumentType]  taken for allow_pickle


def restore(path: Path, model) -> Progress:
    """Put the saved state back into a `model` built and compiled as it was.

    Raises:
        InputError: the file is damaged or belongs to another model.
    """
    try:
        with np.load(path) as saved:
            variables = _variables(model)
            arrays = [saved[f"v{i}"] for i in range(len(saved.files) - 1)]
            progress = Progress(**json.loads(str(saved["progress"])))
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read ({error}): delete it to train from the start") from None
    if [array.shape for array in arrays] != [tuple(variable.shape) for variable in variables]:
        raise InputError(f"{path} belongs to another model: delete it to train from the start")
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
    return progress


def _variables(model) -> list:
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]
