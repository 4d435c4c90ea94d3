"""A recording cut into windows of the length a model takes."""

import math

import numpy as np


def compute_window_starts(length: int, samples: int, stride: int) -> np.ndarray:
    """First sample of each window over a signal of `length` samples: int64 (windows,), at least one.

    Evenly spaced from the start to the end of the signal, at most about `stride` apart; a remainder under a tenth of
    a stride does not get a window of its own.
    """
    count = max(1, math.ceil((length - samples) / stride - 0.1) + 1)
    last = max(0, length - samples) if count > 1 else 0
    return np.linspace(0, last, count).round().astype(np.int64)
