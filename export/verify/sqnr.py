"""Signal-to-quantisation-noise ratio (SQNR)."""

import numpy as np


def sqnr_db(expected: np.ndarray, found: np.ndarray) -> float:
    """SQNR of `found` against `expected`, dB; at most 200."""
    signal = np.square(expected, dtype=np.float64).sum()
    noise = np.square(np.subtract(found, expected, dtype=np.float64)).sum()
    return float(10 * np.log10(max(signal, 1e-300) / max(noise, signal * 1e-20, 1e-300)))
