"""How closely two sets of outputs agree."""

import numpy as np


def decibels(expected: np.ndarray, found: np.ndarray) -> float:
    """Signal-to-noise ratio of `found` against `expected`, dB; at most 200."""
    signal = np.square(expected, dtype=np.float64).sum()
    noise = np.square(np.subtract(found, expected, dtype=np.float64)).sum()
    return float(10 * np.log10(max(signal, 1e-300) / max(noise, signal * 1e-20, 1e-300)))
