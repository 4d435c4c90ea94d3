"""The front end in integers, as the generated C program computes it: equal in every bit."""

from __future__ import annotations

import math

import numpy as np

from firmware_bench.front_end.plan import (
    COEFFICIENT_BITS,
    FRACTION_BITS,
    LARGEST_SIGNAL,
    MISSING,
    SCALE_BITS,
    SECTION_BITS,
    FrontEndPlan,
    RunningScale,
    Section,
)

LOWEST_OUTPUT, HIGHEST_OUTPUT = -(1 << 30), (1 << 30) - 1  # of a filter
CHUNK = 1 << 16  # resampled values at once
POWER_BITS = 8  # a power has 2 × (20 − 8) fractional bits, and 8 more where it is averaged
SMALLEST_DEVIATION = 3  # in 1/65,536 of the unit: a flat lead stays flat
SCALE_SHIFT = 2 * SCALE_BITS
POWER_SHIFT = 2 * SCALE_BITS - 2 * (FRACTION_BITS - POWER_BITS)


class IntegerFrontEnd:
    """A front end in integers, fed block by block.

    Args:
        plan: What it computes.
    """

    def __init__(self, plan: FrontEndPlan):
        self.plan = plan
        self._phases = plan.phases.astype(np.int64)
        self._history = np.zeros((0, plan.leads), np.int64)  # counts, from the oldest that an output still needs
        self._first = 0  # the number of the first of them, in samples of the sensor
        self._next_output = 0
        self._filters = [[_SectionState(section) for section in plan.sections] for _ in range(plan.leads)]
        self._scales = [_ScaleState(plan.scale) for _ in range(plan.leads)] if plan.scale else []

    def push(self, counts: np.ndarray) -> np.ndarray:
        """Process samples of the sensor.

        Args:
            counts: int16 (samples, leads); -32768 where no sample was taken.

        Returns:
            What is ready: int32 (samples', leads), 2**20 for 1 of the model's unit.
        """
        counts = np.asarray(counts, np.int64).reshape(-1, self.plan.leads)
        resampled = self._resample(self._hold(counts))
        columns = []
        for lead in range(self.plan.leads):
            values = self._to_unit(resampled[:, lead], lead).tolist()
            for section in self._filters[lead]:
                values = section.run(values)
            if self._scales:
                values = self._scales[lead].run(values)
            columns.append(values)
        return np.array(columns, np.int32).T.reshape(-1, self.plan.leads)

    def _hold(self, counts):
        """Replace missing samples by the last one that was taken, 0 counts above the baseline before the first one."""
        if not len(counts):
            return counts
        last = self._history[-1:] if len(self._history) else np.array([self.plan.baselines], np.int64)
        taken = counts != MISSING
        source = np.maximum.accumulate(np.where(taken, np.arange(1, len(counts) + 1)[:, None], 0), axis=0)
        return np.take_along_axis(np.concatenate([last, counts]), source, axis=0)

    def _resample(self, counts):
        plan = self.plan
        if not len(self._history) and len(counts):
            # The first sample stands for everything before it.
            before = plan.taps - 1
            self._history, self._first = np.repeat(counts[:1], before, axis=0), -before
        received = self._first + len(self._history) + len(counts)
        history = np.concatenate([self._history, counts])
        ready = plan.count_ready(received)
        results = []
        for first in range(self._next_output, ready, CHUNK):
            moments = np.arange(first, min(first + CHUNK, ready)) * plan.down
            newest = moments // plan.up + plan.half_length - self._first
            windows = history[newest[:, None] - np.arange(plan.taps)]  # (outputs, taps, leads)
            results.append(np.einsum("nkl,nk->nl", windows, self._phases[moments % plan.up]))
        self._next_output = max(self._next_output, ready)
        oldest = self._next_output * plan.down // plan.up + plan.half_length - plan.taps + 1 - self._first
        keep = min(max(oldest, 0), max(len(history) - max(plan.taps - 1, 1), 0))
        self._history, self._first = history[keep:], self._first + keep
        return np.concatenate(results) if results else np.zeros((0, plan.leads), np.int64)

    def _to_unit(self, resampled, lead):
        plan = self.plan
        centred = resampled - (plan.baselines[lead] << COEFFICIENT_BITS)
        scaled = (centred * plan.multipliers[lead]) >> plan.shifts[lead]
        return np.clip(scaled, -LARGEST_SIGNAL, LARGEST_SIGNAL)


def scale_window(values: np.ndarray) -> np.ndarray:
    """Scale a window to zero mean and unit standard deviation.

    Args:
        values: Of the front end, int64 (samples, leads).

    Returns:
        int64 (samples, leads), 2**20 for one standard deviation.
    """
    centred = values - values.sum(axis=0) // len(values)
    power = (np.square(centred >> POWER_BITS).sum(axis=0) // len(values)) << POWER_SHIFT
    deviations = [max(math.isqrt(int(each)), SMALLEST_DEVIATION) for each in power]
    factors = np.array([(1 << SCALE_SHIFT) // deviation for deviation in deviations], np.int64)
    return np.clip((centred * factors) >> SCALE_BITS, LOWEST_OUTPUT, HIGHEST_OUTPUT)


class _SectionState:
    """A section and its last values. The remainder of each rounding is added at the next sample, which keeps the noise
    of a filter whose poles lie near 1 below a µV."""

    def __init__(self, section: Section):
        self.section = section
        self.last: tuple[int, int, int, int, int] | None = None

    def run(self, values: list[int]) -> list[int]:
        if not values:
            return []
        s = self.section
        b0, b1, b2, a1, a2 = s.b0, s.b1, s.b2, s.a1, s.a2
        if self.last is None:  # as if the first value had always been there
            start = values[0]
            settled = start if s.passes_constant else 0
            self.last = start, start, settled, settled, 0
        x1, x2, y1, y2, remainder = self.last
        mask, results = (1 << SECTION_BITS) - 1, []
        for x in values:
            total = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2 + remainder
            y, remainder = total >> SECTION_BITS, total & mask
            y = min(max(y, LOWEST_OUTPUT), HIGHEST_OUTPUT)
            x2, x1, y2, y1 = x1, x, y1, y
            results.append(y)
        self.last = x1, x2, y1, y2, remainder
        return results


class _ScaleState:
    """A running scale: sums of a block, the mean power of the blocks before, and the factor of this block."""

    def __init__(self, scale: RunningScale):
        self.scale = scale
        self.count = self.blocks = self.power = self.total = self.factor = 0

    def run(self, values: list[int]) -> list[int]:
        results = []
        for x in values:
            results.append(min(max((x * self.factor) >> SCALE_BITS, LOWEST_OUTPUT), HIGHEST_OUTPUT))
            self.total += (x >> POWER_BITS) ** 2
            self.count += 1
            if self.count == self.scale.block:
                self._end_block()
        return results

    def _end_block(self):
        self.blocks = min(self.blocks + 1, self.scale.memory)
        power = (self.total // self.count) << POWER_SHIFT
        self.power += power // self.blocks - self.power // self.blocks
        self.factor = (1 << SCALE_SHIFT) // max(math.isqrt(self.power), SMALLEST_DEVIATION)
        self.total = self.count = 0
