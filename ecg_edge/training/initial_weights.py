"""Initial weights from another model: those whose layer and shape agree are copied, the others stay fresh."""

import dataclasses
import math
import re
from collections import Counter

import keras
import numpy as np

SHOWN_WEIGHTS = 6


@dataclasses.dataclass(frozen=True)
class CopiedWeights:
    """What came of copying weights.

    Attributes:
        copied: paths of the weights that were copied.
        other_shape: paths of those whose shape differs.
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
            ("of another shape", self.other_shape),
            ("not in it", self.missing),
            ("unused", self.unused),
        ):
            if paths:
                more = f" and {len(paths) - SHOWN_WEIGHTS} more" if len(paths) > SHOWN_WEIGHTS else ""
                parts.append(f"{reason}: {', '.join(paths[:SHOWN_WEIGHTS])}{more}")
        return "; ".join(parts)


def copy_weights(source: keras.Model, model: keras.Model) -> CopiedWeights:
    """Copy the weights and statistics of `source` into `model`, by the paths of their layers.

    Numbers that Keras appends to layers without a name of their own count within each model, not within the process.
    """
    theirs, ours = _list_weights(source), _list_weights(model)
    fitting = [path for path in ours if path in theirs and theirs[path].shape == ours[path].shape]
    for path in fitting:
        ours[path].assign(np.asarray(theirs[path]))
    return CopiedWeights(
        tuple(fitting),
        tuple(path for path in ours if path in theirs and path not in fitting),
        tuple(path for path in ours if path not in theirs),
        tuple(path for path in theirs if path not in ours),
        sum(math.prod(ours[path].shape) for path in fitting) / sum(math.prod(each.shape) for each in ours.values()),
    )


def _list_weights(model: keras.Model) -> dict[str, keras.Variable]:
    """Path → weight, without the states of random generators."""
    weights, seen = {}, Counter()
    for weight in model.weights:
        if "seed_generator" in weight.path:
            continue
        path = re.sub(r"_\d+(?=/)", "", weight.path)
        seen[path] += 1
        weights[path if seen[path] == 1 else f"{path}#{seen[path]}"] = weight
    return weights
