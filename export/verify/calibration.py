"""Acceptance checks of a calibration: enough windows, and no input that clips."""

from collections.abc import Mapping

import numpy as np

from export.verify.acceptance import AcceptanceCheck
from firmware_bench.runtime.metadata import Tensor

MIN_WINDOWS = 10
MAX_CLIPPED = 0.02  # calibration by percentiles leaves out up to a hundredth on purpose
REMEDY = "train and export on more recordings, so that calibration sees the amplitudes that occur"


def check_window_count(count: int) -> AcceptanceCheck:
    """Checks that enough windows calibrate.

    Args:
        count: The number of calibration windows.
    """
    return AcceptanceCheck("windows that calibrate", str(count), f"≥ {MIN_WINDOWS}", count >= MIN_WINDOWS, REMEDY)


def check_clipping(inputs: Mapping[str, Tensor], windows: Mapping[str, np.ndarray]) -> AcceptanceCheck:
    """Checks that few samples of windows that did not calibrate are outside of the range of their input.

    Args:
        inputs: The inputs of the file, by name.
        windows: Check windows, float32 (n, …), by input name.

    Returns:
        The check of the input that clips most.
    """
    shares = {name: measure_clipping(inputs[name], values) for name, values in windows.items() if name in inputs}
    worst = max(shares, key=lambda name: shares[name])
    name = f"samples of input {worst} that clip, {len(windows[worst])} windows"
    return AcceptanceCheck(name, f"{shares[worst]:.2%}", f"≤ {MAX_CLIPPED:.0%}", shares[worst] <= MAX_CLIPPED, REMEDY)


def measure_clipping(tensor: Tensor, values: np.ndarray) -> float:
    """The share of real values outside of the range of an integer tensor; 0 for one of floats."""
    if not tensor.scale:
        return 0.0
    limits = np.iinfo(tensor.dtype)
    low, high = ((end - tensor.zero_point) * tensor.scale for end in (limits.min - 0.5, limits.max + 0.5))
    return float(np.mean((values < low) | (values > high)))
