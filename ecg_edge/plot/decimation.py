"""Fewer points of a signal than it has samples, without losing a peak."""

import numpy as np


def decimate(values: np.ndarray, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Keep the lowest and the highest sample of each of equal parts of a signal, where they are.

    Args:
        values: (samples,), NaN where no sample was taken.
        points: At most so many samples stay, and two at least.

    Returns:
        Indices of the samples that stay, int64, in order, and their values. A part that has a gap keeps a NaN as well,
        so that a line drawn through the points has the gap too.
    """
    if len(values) <= points:
        return np.arange(len(values)), values
    parts = max(1, points // 3)
    edges = np.linspace(0, len(values), parts + 1).astype(np.int64)
    missing = np.isnan(values)
    low = _first_of_parts(np.where(missing, np.inf, values), edges, np.minimum)
    high = _first_of_parts(np.where(missing, -np.inf, values), edges, np.maximum)
    gaps = edges[:-1][np.add.reduceat(missing, edges[:-1]) > 0]
    gaps = gaps + np.array([missing[start:].argmax() for start in gaps], np.int64)
    kept = np.unique(np.concatenate([low, high, gaps]))
    return kept, values[kept]


def _first_of_parts(values: np.ndarray, edges: np.ndarray, extreme: np.ufunc) -> np.ndarray:
    """The index of the first sample of each part that has the part's extreme value."""
    extremes = np.repeat(extreme.reduceat(values, edges[:-1]), np.diff(edges))
    hits = np.flatnonzero(values == extremes)
    return hits[np.unique(np.searchsorted(edges, hits, side="right"), return_index=True)[1]]
