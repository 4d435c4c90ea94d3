"""A recording played back as a sensor would give it: counts at the recording's own rate."""

import dataclasses
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ecg_edge.api.live_signal import LiveSignal
from ecg_edge.records.formats.format_registry import find_format, read_record
from ecg_edge.records.formats.wfdb_format import WfdbFormat
from ecg_edge.records.formats.wfdb_header import SignalLine
from ecg_edge.records.formats.wfdb_layout import read_layout
from ecg_edge.records.signal_description import describe_signal
from ecg_edge.records.units import millivolts_per
from ecg_edge.reporter import Reporter
from firmware_bench.front_end.plan import MISSING
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ANY_UNIT, ModelMetadata

BLOCK_S = 0.04  # of time between two blocks
FAST_BLOCK_S = 1.0  # of signal in a block, where nothing waits
LARGEST_COUNT = 32767
STATED_GAIN = 1000.0  # counts in 1 mV of a recording that has no counts of 16 bits; less where they would not suffice


class Replay:
    """A recording played back.

    The counts of a WFDB record are those of its file, with each lead's gain and baseline. A recording in another
    format, or of more than 16 bits, is converted to 1,000 counts in 1 mV, or 100, 10, … where it is larger than that.

    Args:
        path: The recording, in any format that ecg_edge.records reads.
        speed: Seconds of signal in a second; "max": as fast as the model answers.
        **stated: fs, units, leads and rename_leads, as for `EcgModel.predict_record`.

    Raises:
        InputError: The speed is none, or what is stated cannot be meant.

    Examples:
        >>> source = ecg_edge.Replay("data/mitdb/100", speed=10, rename_leads={"MLII": "II"})
    """

    def __init__(self, path: Path | str, speed: float | str = 1.0, **stated: Any):
        self._path, self._stated = Path(path), describe_signal(**stated)
        try:
            self._speed = math.inf if speed == "max" else float(speed)
        except ValueError:
            self._speed = math.nan
        if not self._speed > 0:
            raise InputError(f"a speed of {speed} is not possible: name a number above 0, or max")

    def open(self, metadata: ModelMetadata, reporter: Reporter) -> LiveSignal:
        """Begin the signal: see `ecg_edge.api.live_signal.LiveSource`."""
        record = read_record(self._path, stated=self._stated)
        if metadata.units not in (ANY_UNIT, record.units):
            raise InputError(
                f"record {record.name}: its values are in {record.units}, the model takes {metadata.units}"
            )
        ordered = record.put_leads_first(metadata.lead_order)
        names = [ordered.leads[column] for column in ordered.find_columns(metadata.leads)]
        columns = [record.leads.index(name) for name in names]
        assert record.signal is not None
        signal = record.signal[:, columns]
        scales = [_scale_lead(signal[:, n], line) for n, line in enumerate(self._find_lines(columns))]
        converted = [name for name, own in zip(names, scales, strict=True) if own.is_converted]
        if converted:
            gains = ", ".join(dict.fromkeys(f"{own.gain:,g}" for own in scales if own.is_converted))
            reporter.message(f"{self._path}: {', '.join(converted)} replayed as {gains} counts in 1 {record.units}")
        lowest, highest = _find_range(scales)
        gains, baselines = [own.gain for own in scales], [own.baseline for own in scales]
        sensor = Sensor(record.fs, tuple(gains), tuple(baselines), lowest, highest)
        return LiveSignal(sensor, record.fs, self._play(signal, gains, baselines, record.fs), record.seconds)

    def _find_lines(self, columns: list[int]) -> list[SignalLine | None]:
        """What the header of a WFDB record says of each lead."""
        found, place = find_format(self._path)
        if not isinstance(found, WfdbFormat):
            return [None] * len(columns)
        layout = read_layout(place)
        return [layout.find_line(layout.leads[column]) for column in columns]

    def _play(self, signal, gains, baselines, fs: float) -> Iterator[np.ndarray]:
        seconds = FAST_BLOCK_S if math.isinf(self._speed) else BLOCK_S * self._speed
        length, begun = max(1, round(seconds * fs)), time.monotonic()
        for first in range(0, len(signal), length):
            physical = signal[first : first + length].astype(np.float64)
            due = begun + (first + len(physical)) / fs / self._speed
            if (early := due - time.monotonic()) > 0:  # a sleep of no time gives the processor away all the same
                time.sleep(early)
            counts = np.rint(physical * gains + baselines)
            yield np.where(np.isnan(counts), MISSING, counts).astype(np.int16)


@dataclasses.dataclass(frozen=True)
class _Scale:
    """How a lead becomes counts.

    Attributes:
        gain: Counts in 1 mV.
        baseline: The count that stands for 0 mV.
        range: Counts at which the lead's converter saturates, where they are known.
        is_converted: Whether the recording has no such counts.
    """

    gain: float
    baseline: int
    range: tuple[int, int] | None
    is_converted: bool


def _scale_lead(values: np.ndarray, line: SignalLine | None) -> _Scale:
    known = values[~np.isnan(values)].astype(np.float64)
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    if line:
        gain = line.gain / (millivolts_per(line.units) or 1.0)
        lowest, highest = round(low * gain + line.baseline), round(high * gain + line.baseline)
        if max(abs(lowest), abs(highest), abs(line.baseline)) <= LARGEST_COUNT:
            stated = line.find_range()
            fits = stated is not None and stated[0] <= lowest and highest <= stated[1]
            return _Scale(gain, line.baseline, stated if fits else None, False)
    gain = STATED_GAIN
    while max(-low, high) * gain > LARGEST_COUNT:
        gain /= 10
    return _Scale(gain, 0, None, True)


def _find_range(scales: list[_Scale]) -> tuple[int, int]:
    """The range that all leads share."""
    ranges = {own.range for own in scales}
    shared = ranges.pop() if len(ranges) == 1 else None
    lowest, highest = shared or (-LARGEST_COUNT, LARGEST_COUNT)
    return max(lowest, -LARGEST_COUNT), min(highest, LARGEST_COUNT)
