"""Initial weights from another model: those whose layer and shape agree are copied, the others stay fresh.

Units of the output belong to classes: they are copied by the name of the class.
"""

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import keras
import numpy as np

SHOWN_WEIGHTS = 6
OUTPUT = "probabilities/"  # the layer of one unit for each class


@dataclasses.dataclass(frozen=True)
class CopiedWeights:
    """What came of copying weights.

    Attributes:
        copied: paths of the weights that were copied.
        other_shape: paths of those whose shape differs, or whose classes do.
        missing: paths of those that the source does not have.
        unused: paths of the source's that were not wanted.
        share: of the model's parameters that were copied, 0 to 1.
    """

    copied: tuple[str, ...]
    other_shape: tuple[str, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    share: float

    def describe(self) -> str:
        """One line: how many were copied, and which were not and why."""
        total = len(self.copied) + len(self.other_shape) + len(self.missing)
        parts = [f"{len(self.copied)} of {total} weights"]
        for reason, paths in (
            ("of another shape or other classes", self.other_shape),
            ("not in it", self.missing),
            ("unused", self.unused),
        ):
            if paths:
                more = f" and {len(paths) - SHOWN_WEIGHTS} more" if len(paths) > SHOWN_WEIGHTS else ""
                parts.append(f"{reason}: {', '.join(paths[:SHOWN_WEIGHTS])}{more}")
        return "; ".join(parts)


def copy_weights(
    source: keras.Model, model: keras.Model, learnt: Sequence[str] = (), classes: Sequence[str] = ()
) -> CopiedWeights:
    """Copy the weights and statistics of `source` into `model`, by the paths of their layers.

    Numbers that Keras appends to layers without a name of their own count within each model, not within the process.

    Args:
        source: The model to copy from.
        model: The model to copy into.
        learnt: The classes of `source`.
        classes: The classes of `model`; units of its output whose class `source` has not learnt stay fresh.

    Returns:
        What was copied.
    """
    theirs, ours = _list_weights(source), _list_weights(model)
    values = {path: np.asarray(weight) for path, weight in theirs.items()}
    if tuple(learnt) != tuple(classes):
        for path in [path for path in ours if path.startswith(OUTPUT) and path in values]:
            values[path] = _arrange_units(values[path], np.asarray(ours[path]), learnt, classes)
    fitting = [path for path in ours if path in values and values[path].shape == ours[path].shape]
    for path in fitting:
        ours[path].assign(values[path])
    return CopiedWeights(
        tuple(fitting),
        tuple(path for path in ours if path in theirs and path not in fitting),
        tuple(path for path in ours if path not in theirs),
        tuple(path for path in theirs if path not in ours),
        sum(math.prod(ours[path].shape) for path in fitting) / sum(math.prod(each.shape) for each in ours.values()),
    )


def _arrange_units(values: np.ndarray, fresh: np.ndarray, learnt: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """The output's weights in the order of `classes`, fresh where one is not learnt; empty where none is."""
    known = [label for label in classes if label in learnt]
    if not known:
        return np.empty(0)
    arranged = fresh.copy()
    arranged[..., [classes.index(label) for label in known]] = values[..., [learnt.index(label) for label in known]]
    return arranged


def _list_weights(model: keras.Model) -> dict[str, keras.Variable]:
    """Path → weight, without the states of random generators.

    A path begins with the layer's name, which those of a bidirectional layer lack once it was loaded from a file.
    """
    weights, seen = {}, Counter()
    for layer in _list_layers(model):
        for weight in layer.weights:
            if "seed_generator" in weight.path:
                continue
            own = weight.path.split(f"{layer.name}/", 1)[-1]
            path = re.sub(r"_\d+(?=/)", "", f"{layer.name}/{own}")
            seen[path] += 1
            weights[path if seen[path] == 1 else f"{path}#{seen[path]}"] = weight
    return weights


def _list_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a model, and those of models among them: pretraining puts the network into another one."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _list_layers(layer)
        else:
            yield layer
