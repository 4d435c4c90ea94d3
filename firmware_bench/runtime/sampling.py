"""Choosing a few of many."""

import numpy as np


def evenly_spaced(total: int, count: int) -> np.ndarray:
    """At most `count` of the positions 0 … total - 1, evenly spaced, first and last among them: int64, ascending."""
    if total <= count:
        return np.arange(total)
    return np.linspace(0, total - 1, count).round().astype(np.int64)
