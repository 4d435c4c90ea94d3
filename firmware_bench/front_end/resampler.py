"""The polyphase filter that changes a sampling rate by a ratio of integers, with the same delay at every sample.

The filter is that of scipy's `resample_poly`: a sinc with a Kaiser window (β = 5) whose zero crossings on each side are
ten samples of the slower rate. Each phase is scaled to a sum of 1, so that a constant stays constant: electrodes have
offsets that are a hundred times larger than an ECG.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np

ZERO_CROSSINGS = 10
KAISER_BETA = 5.0
LARGEST_FACTOR = 1000  # of the ratio of rates on a device: the table has about 20 times as many values of 2 bytes
COEFFICIENT_BITS = 14  # 1.0 is 2**14: sums of products of 16 bits stay below 2**31, for no phase is louder than 2.3


@dataclasses.dataclass(frozen=True)
class Resampler:
    """A rational change of the sampling rate.

    Attributes:
        up, down: The output has `up` samples where the input has `down`.
        half_length: Input samples that an output takes after its own moment, and before it: the delay of a device.
        phases: Coefficients, (up, 2 half_length + 1); the last one of a row belongs to the oldest sample.
    """

    up: int
    down: int
    half_length: int
    phases: np.ndarray

    @property
    def taps(self) -> int:
        """Input samples that an output is made of."""
        return self.phases.shape[1]

    def quantise(self) -> np.ndarray:
        """Return the coefficients in fixed point.

        Returns:
            int16 (up, taps), 2**14 for 1.0; every phase has a sum of exactly 2**14.
        """
        scaled = self.phases * (1 << COEFFICIENT_BITS)
        rounded = np.floor(scaled).astype(np.int64)
        order = np.argsort(rounded - scaled, axis=1, kind="stable")  # those that were rounded down most first
        missing = (1 << COEFFICIENT_BITS) - rounded.sum(axis=1, keepdims=True)
        np.put_along_axis(rounded, order, np.take_along_axis(rounded, order, 1) + (np.arange(self.taps) < missing), 1)
        return rounded.astype(np.int16)


def design_resampler(ratio: Fraction) -> Resampler:
    """Design the filter for a ratio of the output's to the input's rate.

    Args:
        ratio: Above 0.

    Returns:
        The filter.
    """
    up, down = ratio.numerator, ratio.denominator
    slower = max(up, down)
    half_length = -(-ZERO_CROSSINGS * slower // up)
    offsets = np.arange(-half_length * up, half_length * up + up) / slower
    window_length = 2 * half_length * up + 1
    window = np.zeros(len(offsets))
    window[:window_length] = np.kaiser(window_length, KAISER_BETA)
    phases = (np.sinc(offsets) * window).reshape(-1, up).T  # tap k of phase p is value k * up + p of the prototype
    return Resampler(up, down, half_length, phases / phases.sum(axis=1, keepdims=True))
