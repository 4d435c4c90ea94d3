"""What is wrong with the samples of a sensor, and for which answers it counts."""

from __future__ import annotations

import numpy as np

from firmware_bench.front_end.plan import MISSING, FrontEndPlan
from firmware_bench.front_end.sensor import Sensor

QUALITY = {"missing": 1, "saturated": 2, "flat": 4, "lost": 8, "warm-up": 16}  # flags of an answer


class SampleFaults:
    """What was wrong with samples, and how many values for the model were made before."""

    def __init__(self, sensor: Sensor, plan: FrontEndPlan):
        self.sensor, self.plan = sensor, plan
        self.block = plan.quality_block
        self.faults: dict[str, int] = {}  # values made before the last sample with that fault
        self._held = np.array(plan.baselines, np.int64)
        self._begin_block()

    def _begin_block(self):
        self._low, self._high = np.full(self.plan.leads, 1 << 16), np.full(self.plan.leads, -(1 << 16))

    def add(self, counts: np.ndarray, first: int) -> None:
        """Judge samples, of which `first` is the number of the first one."""
        while len(counts):
            length = self.block - first % self.block
            part, counts = counts[:length].astype(np.int64), counts[length:]
            missing = part == MISSING
            self._note("missing", missing, first)
            saturated = (part <= self.sensor.lowest) | (part >= self.sensor.highest)
            self._note("saturated", saturated & ~missing, first)
            for lead in range(self.plan.leads):
                self._hold(part[:, lead], missing[:, lead], lead)
            first += len(part)
            if first % self.block == 0:
                self._note("flat", (self._low >= self._high)[None], first - 1)
                self._begin_block()

    def _hold(self, column, missing, lead):
        known = column[~missing]
        seen = np.append(known, self._held[lead]) if missing[0] else known
        self._low[lead], self._high[lead] = min(self._low[lead], seen.min()), max(self._high[lead], seen.max())
        self._held[lead] = known[-1] if len(known) else self._held[lead]

    def _note(self, name, found, first):
        if found.any():
            number = first + int(np.flatnonzero(found.any(axis=1))[-1])
            self.faults[name] = self.plan.count_ready(number)

    def find_faults(self, made: int, span: int) -> tuple[str, ...]:
        """Return the names of the faults among the last `span` of `made` values."""
        faults = {name for name, moment in self.faults.items() if made - moment <= span}
        if self.plan.scale and made < span + self.plan.scale.block:
            faults.add("warm-up")
        return tuple(name for name in QUALITY if name in faults)
