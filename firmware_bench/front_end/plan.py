"""What a front end computes, as integers: planned from the preprocessing that a model was trained with and the sensor.

    counts → missing samples held → resampled → scaled to the model's unit → filtered → scaled to unit deviation

Values behind the second step are numbers of 32 bits with 20 fractional bits: 1 mV is 2**20.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from firmware_bench.front_end.resampler import COEFFICIENT_BITS, LARGEST_FACTOR, design_resampler
from firmware_bench.runtime.errors import InputError

FRACTION_BITS = 20  # of a signal in the model's unit: 1 mV is 2**20, a µV about 1,000
SECTION_BITS = 29  # of a filter's coefficients, which lie within ±2
LARGEST_SIGNAL = 1 << 29  # 512 mV; what is beyond is clipped before the filters
MISSING = -32768  # the count that stands for a sample that was not taken
SCALE_BITS = 16  # of a running deviation
MULTIPLIER_BITS = 31  # of the multiplier from counts to the model's unit
OFFLINE = ("fill_gaps", "resample", "highpass", "lowpass", "bandpass", "notch", "zscore")
ORDER = ("hold_gaps", "resample_causal", "filter_causal", "scale_running")


@dataclasses.dataclass(frozen=True)
class Section:
    """A second-order section of a filter: y[n] = (b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]) / 2**29.

    Attributes:
        b0, b1, b2, a1, a2: Coefficients, 2**29 for 1.0.
        passes_constant: Whether a constant passes unchanged; otherwise it becomes exactly 0.
    """

    b0: int
    b1: int
    b2: int
    a1: int
    a2: int
    passes_constant: bool


@dataclasses.dataclass(frozen=True)
class RunningScale:
    """Division by a running standard deviation: see `ecg_edge.signals.causal_steps.scale_running`.

    Attributes:
        block: Samples after which the deviation is computed anew; the first block is the warm-up and gives zeros.
        memory: Blocks that the deviation remembers.
    """

    block: int
    memory: int


@dataclasses.dataclass(frozen=True)
class FrontEndPlan:
    """The integers of a front end.

    Attributes:
        sensor_fs, fs: Rates of the counts and of the result, Hz.
        counts_per_unit: Counts of the sensor in a unit of the model, such as 1 mV, for each lead.
        baselines: Counts that stand for 0, for each lead.
        up, down: The result has `up` samples where the sensor has `down`.
        half_length: Samples of the sensor by which the result is late.
        phases: Coefficients of the resampling filter, int16 (up, taps); (1, 1) where the rates are equal.
        multipliers, shifts: For each lead from counts to the model's unit: (count × 2**14 × multiplier) >> shift.
        sections: The filter.
        scale: The running scale, or None.
    """

    sensor_fs: float
    fs: float
    counts_per_unit: tuple[float, ...]
    baselines: tuple[int, ...]
    up: int
    down: int
    half_length: int
    phases: np.ndarray
    multipliers: tuple[int, ...]
    shifts: tuple[int, ...]
    sections: tuple[Section, ...]
    scale: RunningScale | None

    @property
    def leads(self) -> int:
        """Number of leads."""
        return len(self.multipliers)

    @property
    def taps(self) -> int:
        """Samples of the sensor that a resampled value is made of."""
        return self.phases.shape[1]

    @property
    def quality_block(self) -> int:
        """Samples of the sensor, a second, over which a lead must not be constant."""
        return max(2, round(self.sensor_fs))

    def count_ready(self, received: int) -> int:
        """Return how many values are made of the first `received` samples of the sensor."""
        return max(0, -((self.half_length - received) * self.up // self.down))

    @property
    def delay_s(self) -> float:
        """Time from a sample of the sensor to the value that stands for it, s, without the filters' own delay."""
        return self.half_length / self.sensor_fs


def find_offline_steps(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the steps that look ahead in a recording, which no device can compute."""
    return [step["step"] for step in steps if step.get("step") in OFFLINE]


def plan_front_end(
    steps: Sequence[Mapping[str, Any]],
    fs: float,
    sensor_fs: float,
    counts_per_unit: Sequence[float],
    baselines: Sequence[int],
) -> FrontEndPlan:
    """Plan the front end for a model and a sensor.

    Args:
        steps: The preprocessing of the model's metadata: causal steps.
        fs: The model's sampling rate, Hz.
        sensor_fs: The sensor's sampling rate, Hz.
        counts_per_unit: For each lead, counts of the sensor in a unit of the model, such as 1 mV.
        baselines: For each lead, the count that stands for 0.

    Returns:
        The plan.

    Raises:
        InputError: A step has no causal form, or a rate or a gain is not possible.
    """
    names = [str(step.get("step", "")) for step in steps]
    for name in names:
        if name in OFFLINE:
            raise InputError(
                f"the model was trained with the preprocessing step {name}, which looks ahead in a recording: a device "
                "has no front end for it; train with --set signal.mode=causal"
            )
        if name not in ORDER:
            raise InputError(f"no front end is known for the preprocessing step {name!r}")
    if names != sorted(names, key=ORDER.index) or names.count("scale_running") > 1:
        raise InputError(f"no front end computes the steps {', '.join(names)} in this order")
    up, down, half_length, phases = _plan_resampling(fs, sensor_fs)
    scaled = [_plan_gain(gain) for gain in counts_per_unit]
    running = next((step for step in steps if step["step"] == "scale_running"), None)
    return FrontEndPlan(
        sensor_fs,
        fs,
        tuple(counts_per_unit),
        tuple(baselines),
        up,
        down,
        half_length,
        phases,
        tuple(multiplier for multiplier, _ in scaled),
        tuple(shift for _, shift in scaled),
        tuple(
            quantise_section(section)
            for step in steps
            if step["step"] == "filter_causal"
            for section in step["sections"]
        ),
        RunningScale(round(fs), round(running["memory_s"])) if running else None,
    )


def _plan_resampling(fs, sensor_fs):
    if not 1 <= sensor_fs <= 100_000:
        raise InputError(f"a sensor's rate of {sensor_fs:g} Hz is not possible: 1 to 100,000 Hz")
    ratio = Fraction(str(float(fs))) / Fraction(str(float(sensor_fs)))
    if max(ratio.numerator, ratio.denominator) > LARGEST_FACTOR:
        raise InputError(
            f"{sensor_fs:g} Hz and the model's {fs:g} Hz have the ratio {ratio.denominator}:{ratio.numerator}, whose "
            f"filter is too large for a device (at most {LARGEST_FACTOR}): set the sensor to another rate"
        )
    if ratio == 1:
        return 1, 1, 0, np.full((1, 1), 1 << COEFFICIENT_BITS, np.int16)
    filtered = design_resampler(ratio)
    return filtered.up, filtered.down, filtered.half_length, filtered.quantise()


def _plan_gain(counts_per_unit):
    """The largest multiplier of 31 bits, and its shift, for counts with 14 fractional bits."""
    if not (math.isfinite(counts_per_unit) and 1e-3 <= abs(counts_per_unit) <= 1e9):
        raise InputError(f"{counts_per_unit:g} counts in a unit are not possible")
    factor = 2.0 ** (FRACTION_BITS - COEFFICIENT_BITS) / counts_per_unit
    shift = MULTIPLIER_BITS - math.frexp(abs(factor))[1]
    if shift > 62:
        raise InputError(f"{counts_per_unit:g} counts in a unit leave no digit of 16 bits: check the sensor's gain")
    multiplier = round(math.ldexp(factor, shift))
    return min(max(multiplier, 1 - (1 << MULTIPLIER_BITS)), (1 << MULTIPLIER_BITS) - 1), shift


def quantise_section(section: Sequence[float]) -> Section:
    """Quantise a section so that a constant stays exactly itself, or becomes exactly 0.

    Args:
        section: b0, b1, b2, 1, a1, a2.

    Raises:
        InputError: The section has another gain for constants, is unstable, or has coefficients beyond ±2.
    """
    b0, b1, b2, one, a1, a2 = (round(float(value) * (1 << SECTION_BITS)) for value in section)
    is_stable = abs(section[5]) < 1 and abs(section[4]) < 1 + section[5]
    gain = sum(section[:3]) / sum(section[3:]) if is_stable else math.inf
    passes_constant = gain > 0.5
    if one != 1 << SECTION_BITS or not abs(gain - passes_constant) < 1e-6 or max(map(abs, section)) > 2:
        raise InputError(f"the filter {list(section)} has no form in fixed point: train again")
    b1 += (one + a1 + a2 if passes_constant else 0) - (b0 + b1 + b2)
    return Section(b0, b1, b2, a1, a2, passes_constant)
