"""What samples the signal of a device."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from firmware_bench.runtime.errors import InputError


@dataclasses.dataclass(frozen=True)
class Sensor:
    """What samples the signal.

    Attributes:
        fs: Its rate, Hz; None: that of the model.
        counts_per_unit: Counts in a unit of the model, such as 1 mV, for each lead, or one for all.
        baselines: Counts that stand for 0, for each lead, or one for all.
        lowest, highest: Counts at which it saturates.
    """

    fs: float | None
    counts_per_unit: tuple[float, ...]
    baselines: tuple[int, ...] = (0,)
    lowest: int = -32767
    highest: int = 32767

    def __post_init__(self):
        if not -32768 < self.lowest < self.highest <= 32767:
            raise InputError(f"a sensor from {self.lowest} to {self.highest} counts is none of 16 bits")
        for baseline in self.baselines:
            if not -32768 < baseline <= 32767:
                raise InputError(f"a baseline of {baseline} counts is not within 16 bits")

    def for_leads(self, values: tuple, leads: int) -> tuple:
        """Return one value for each lead. Raises InputError: there are several values, but not one for each lead."""
        if len(values) not in (1, leads):
            raise InputError(f"the sensor has {len(values)} gains or baselines, the model {leads} leads")
        return values * leads if len(values) == 1 else values


def parse_sensor(rate: float | None, counts_per_unit: str | None, baseline: str, adc_range: str) -> Sensor | None:
    """Return the sensor that texts such as "200" or "200,150" describe, None where no counts per unit are given.

    Raises:
        InputError: A text is none, or the others are given alone.
    """
    if counts_per_unit is None:
        if rate is not None:
            raise InputError("a sensor has counts in a unit: add --counts-per-unit, such as 200 for 200 counts in 1 mV")
        return None
    gains = _parse_numbers("--counts-per-unit", counts_per_unit, float)
    limits = _parse_numbers("--adc-range", adc_range, int)
    if len(limits) != 2:
        raise InputError(f"--adc-range is {adc_range!r}, not two numbers such as 0,4095")
    return Sensor(rate, gains, _parse_numbers("--baseline", baseline, int), *limits)


def _parse_numbers(name: str, text: str, kind: Callable[[str], Any]) -> tuple:
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"{name} is {text!r}, not numbers such as 200 or 200,150") from None
