"""Where the windows of a recording start."""

import math

import numpy as np


def compute_window_starts(length: int, samples: int, stride: int) -> np.ndarray:
    """Compute where windows start so that they cover a signal evenly from its start to its end.

    Args:
        length: Length of the signal in samples.
        samples: Length of a window in samples.
        stride: Windows start at most about this many samples apart; a remainder under a tenth of a stride gets no
            window of its own.

    Returns:
        First sample of each window: int64 (windows,), at least one. A signal shorter than a window gets one.
    """
    count = max(1, math.ceil((length - samples) / stride - 0.1) + 1)
    last = max(0, length - samples) if count > 1 else 0
    return np.linspace(0, last, count).round().astype(np.int64)
