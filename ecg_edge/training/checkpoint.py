"""The state of an interrupted training in one file, written atomically after every epoch."""

import dataclasses
import json
from pathlib import Path

import numpy as np

from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import atomic_write
from firmware_bench.runtime.npz_file import OtherArraysError, read_npz


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
    variables = _variables(model)
    expected: dict[str, tuple[tuple[int, ...], np.dtype]] = {
        f"v{i}": (tuple(variable.shape), np.asarray(variable).dtype) for i, variable in enumerate(variables)
    }
    try:
        arrays = read_npz(path, {**expected, "progress": ((), np.dtype("U"))})
        progress = _read_progress(str(arrays.pop("progress")))
    except OtherArraysError as error:
        raise InputError(f"{path} belongs to another model ({error}): delete it to train from the start") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read ({error}): delete it to train from the start") from None
    for variable, array in zip(variables, arrays.values(), strict=True):
        variable.assign(array)
    return progress


def _read_progress(text: str) -> Progress:
    """The progress in a checkpoint. Raises ValueError: it is none."""
    value = json.loads(text)
    kinds = {"epoch": int, "best_loss": (int, float), "best_epoch": int, "halved_epoch": int, "history": list}
    if not isinstance(value, dict) or value.keys() != kinds.keys():
        raise ValueError("its progress is none")
    for name, kind in kinds.items():
        if not isinstance(value[name], kind) or isinstance(value[name], bool):
            raise ValueError(f"its {name} is {str(value[name])[:40]!r}")
    rows_are_sound = all(
        isinstance(row, dict) and all(isinstance(each, (int, float, type(None))) for each in row.values())
        for row in value["history"]
    )
    if not rows_are_sound or len(value["history"]) != value["epoch"] or not 0 <= value["best_epoch"] <= value["epoch"]:
        raise ValueError("its history does not fit its epochs")
    return Progress(**value)


def _variables(model) -> list:
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]
