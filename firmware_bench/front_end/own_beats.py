"""Beats relative to the patient's own, in integers: how early a beat is, and how far from the average beat.

`ecg_edge.tasks.relative_beats` has the same in floating point, from which a model learns.
"""

from __future__ import annotations

import dataclasses
from collections import deque

import numpy as np

from firmware_bench.front_end.device_plan import find_multiplier
from firmware_bench.runtime.metadata import Tensor
from firmware_bench.runtime.quantisation import quantise

LONGEST_WAIT_S = 2.0  # a longer RR interval counts as this: so long the beat after is waited for
MEAN_OF = 64  # RR intervals, to whose mean each is related
LARGEST_RATIO = 3.0
BEFORE_S, AFTER_S = 0.3125, 0.4375  # what is compared of a beat, before and after its R peak
SHARE = 16  # of the difference by which the average beat moves to a new one
LARGEST_STEP = 0.5  # of that difference, in units of the window; more counts as this

RATIO_STEPS = 64  # of a ratio of 1
AVERAGE_BITS = 8  # fraction of the average beat
SHARE_BITS = SHARE.bit_length() - 1


@dataclasses.dataclass(frozen=True)
class OwnBeatsPlan:
    """The integers of a comparison.

    Attributes:
        longest: Samples of the detector; a longer RR interval counts as this.
        ratios: int8, the integer of a relative RR interval by its steps.
        means: int8 (longest + 1,), the integer of a mean RR interval by samples of the detector.
        begin, stop: What is compared of a window, samples.
        step: The largest difference that moves the average beat, in its integers.
        multiplier, shift, zero_point: From a sum of differences to the integer of a distance.
    """

    longest: int
    ratios: np.ndarray
    means: np.ndarray
    begin: int
    stop: int
    step: int
    multiplier: int
    shift: int
    zero_point: int


def find_part(samples: int, fs: float) -> slice:
    """Return what is compared of a window of so many samples at `fs` Hz."""
    centre = samples // 2
    return slice(max(0, centre - round(BEFORE_S * fs)), min(samples, centre + round(AFTER_S * fs)))


def plan_own_beats(ecg: Tensor, rr: Tensor, own: Tensor, fs: float, peak_fs: float) -> OwnBeatsPlan:
    """Plan a comparison.

    Args:
        ecg, rr, own: The inputs of the beat classifier.
        fs: Of its window, Hz.
        peak_fs: Of the samples in which R peaks are counted, Hz.
    """
    part, steps = find_part(ecg.shape[1], fs), np.arange(round(LARGEST_RATIO * RATIO_STEPS) + 1)
    counted = (1 << AVERAGE_BITS) * (part.stop - part.start)  # of a mean difference of one integer of the window
    longest = round(LONGEST_WAIT_S * peak_fs)
    return OwnBeatsPlan(
        longest,
        quantise(steps / RATIO_STEPS, rr.scale, rr.zero_point, rr.dtype),
        quantise(np.arange(longest + 1) / peak_fs, own.scale, own.zero_point, own.dtype),
        part.start,
        part.stop,
        round(LARGEST_STEP / ecg.scale * (1 << AVERAGE_BITS)),
        *find_multiplier(ecg.scale / (counted * own.scale)),
        own.zero_point,
    )


class OwnBeats:
    """The patient's own RR intervals and average beat."""

    def __init__(self, plan: OwnBeatsPlan):
        self.plan = plan
        self._intervals: deque[int] = deque(maxlen=MEAN_OF)
        self._average: np.ndarray | None = None

    def relate(self, interval: int) -> tuple[int, int]:
        """Take an RR interval, samples of the detector → the steps of it in relation to the mean of the last ones, and
        that mean, samples."""
        self._intervals.append(min(interval, self.plan.longest))
        total, count = sum(self._intervals), len(self._intervals)
        steps = (2 * RATIO_STEPS * self._intervals[-1] * count + total) // (2 * total)
        return min(steps, len(self.plan.ratios) - 1), (2 * total + count) // (2 * count)

    def compare(self, window: np.ndarray) -> np.ndarray:
        """Take the window of a beat, int8 (samples, leads) → the integers of its distances, int8 (leads,)."""
        plan = self.plan
        beat = window[plan.begin : plan.stop].astype(np.int64) << AVERAGE_BITS
        if self._average is None:
            self._average = beat
        difference = beat - self._average
        self._average = self._average + (np.clip(difference, -plan.step, plan.step) >> SHARE_BITS)
        sums = np.abs(difference).sum(axis=0)
        rounded = ((sums * plan.multiplier + (1 << (plan.shift - 1))) >> plan.shift) + plan.zero_point
        return np.clip(rounded, -128, 127).astype(np.int8)
