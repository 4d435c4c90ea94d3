"""The layout of a WFDB record: its segments, its signals by name, and which of them are read as leads.

An ordinary record is one segment. A record of fixed layout has the same signals in every segment; one of variable
layout begins with a segment of no samples, which names all signals, and its segments hold some of them. Every segment
is read by its own gains, baselines and units.
"""

import dataclasses
import functools
import re
from collections import Counter
from pathlib import Path

from ecg_edge.records.formats.wfdb_header import NULL_NAME, SignalLine, WfdbHeader, read_header_file
from ecg_edge.records.record import STANDARD_LEADS, standard_lead, standard_lead_names
from ecg_edge.records.record_error import RecordError
from ecg_edge.records.signal_description import LOWEST_FS
from ecg_edge.records.units import millivolts_per

VOLTAGE_LIKE = re.compile(r"v(olts?)?\b", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Segment:
    """A part of a record.

    Attributes:
        header: Its own header; None where no samples were taken.
        frames: Its length; None where the size of its files tells.
    """

    header: WfdbHeader | None
    frames: int | None

    @functools.cached_property
    def signals(self) -> dict[str, SignalLine]:
        """Its signals by name; names that occur twice are numbered."""
        if self.header is None:
            return {}
        names = standard_lead_names(signal.name for signal in self.header.signals)
        return dict(zip(names, self.header.signals, strict=True))


@dataclasses.dataclass(frozen=True)
class WfdbLayout:
    """What the headers of a record say.

    Attributes:
        header: The record's own header.
        headers: All headers that were read, the record's own first.
        segments: In time order, at least one.
        frame_rate: Frames per second.
        leads: Names of the signals that are read, in the header's order.
        samples_per_frame: Of these leads.
        units: Of the values that are read: "mV", or the leads' own unit where none is a voltage.
        left_out: Names of the other signals, and why.
    """

    header: WfdbHeader
    headers: tuple[WfdbHeader, ...]
    segments: tuple[Segment, ...]
    frame_rate: float
    leads: tuple[str, ...]
    samples_per_frame: int
    units: str
    left_out: tuple[tuple[str, str], ...]

    @property
    def fs(self) -> float:
        """Sampling rate of the leads in Hz."""
        return self.frame_rate * self.samples_per_frame

    def find_line(self, lead: str) -> SignalLine | None:
        """Return what the header says of a lead; None where its segments differ in gain, baseline, unit or ADC."""
        lines = [own for segment in self.segments if (own := segment.signals.get(lead))]
        kinds = {(own.gain, own.baseline, own.units, own.resolution, own.zero) for own in lines}
        return lines[0] if len(kinds) == 1 else None


def read_layout(stem: Path | str) -> WfdbLayout:
    """Read all headers of a record, and no samples.

    Args:
        stem: The record's path without suffix.

    Returns:
        The layout.

    Raises:
        RecordError: A header is missing or corrupt, headers contradict each other, or none describes a lead.
    """
    header = read_header_file(stem)
    headers, segments, described = [header], [Segment(header, header.frames)], [Segment(header, None)]
    if header.segments:
        headers, segments, described = _read_segments(header)
    rates = {own.rate: own.path for own in reversed(headers) if own.rate is not None}
    if len(rates) > 1:
        texts = [f"{rate:g} Hz in {path.name}" for rate, path in list(rates.items())[:-3:-1]]
        raise RecordError(f"{header.path}: its segments differ in sampling rate: {' and '.join(texts)}")
    frame_rate = next(iter(rates), header.frame_rate)
    signals = _merge_signals(header, described)
    units, volts = _find_units(header, signals)
    kept = {name: signal for name, signal in signals.items() if name in volts}
    highest = max(signal.samples_per_frame for signal in kept.values())
    leads = tuple(name for name, signal in kept.items() if signal.samples_per_frame == highest)
    left_out = [(name, f"in {signal.units}") for name, signal in signals.items() if name not in volts]
    left_out += [
        (name, f"{signal.samples_per_frame * frame_rate:g} Hz") for name, signal in kept.items() if name not in leads
    ]
    if (fs := frame_rate * highest) < LOWEST_FS:
        raise RecordError(f"{header.path}: sampling rate {fs:g} Hz is not possible for an ECG")
    return WfdbLayout(header, tuple(headers), tuple(segments), frame_rate, leads, highest, units, tuple(left_out))


def _read_segments(header: WfdbHeader) -> tuple[list[WfdbHeader], list[Segment], list[Segment]]:
    """All headers, the segments that hold time, and the segments whose signals count."""
    folder, own = header.path.parent, {}
    for line in header.segments:
        if line.name != NULL_NAME and line.name not in own:
            own[line.name] = read_header_file(folder / line.name)
            if own[line.name].segments:
                raise RecordError(f"{header.path}: segment {line.name} consists of segments itself, which WFDB forbids")
    first = header.segments[0]
    variable = first.frames == 0 and first.name != NULL_NAME
    segments = []
    for line in header.segments[1:] if variable else header.segments:
        segment_header = own.get(line.name)
        stated = segment_header.frames if segment_header else None
        if stated is not None and stated != line.frames:
            raise RecordError(
                f"{header.path} states {line.frames} samples of segment {line.name}, and its header {stated}"
            )
        segments.append(Segment(segment_header, line.frames))
    described = [Segment(own[first.name], 0)] if variable else [part for part in segments if part.header][:1]
    if not described or not segments:
        raise RecordError(f"{header.path} describes no samples")
    if len(described[0].signals) != header.signal_count:
        raise RecordError(
            f"{header.path} states {header.signal_count} signals, and its first segment describes "
            f"{len(described[0].signals)}"
        )
    names = described[0].signals.keys()
    for part in segments:
        other = part.signals.keys()
        if part.header and (not other <= names if variable else other != names):
            raise RecordError(
                f"{part.header.path}: its signals are {', '.join(other)}, those of the record {', '.join(names)}"
            )
    return [header, *own.values()], segments, described + [part for part in segments if part.header]


def _merge_signals(header: WfdbHeader, described: list[Segment]) -> dict[str, SignalLine]:
    """The record's signals, each as its first segment describes it.

    Raises RecordError: segments differ in a signal's samples per frame or kind of unit.
    """
    merged = dict(described[0].signals)
    if not merged:
        raise RecordError(f"{header.path} describes no samples")
    for position, part in enumerate(described):
        for name, signal in part.signals.items():
            first = merged[name]
            kinds = [_kind_of_unit(header, name, line.units) for line in (first, signal)]
            if first.samples_per_frame != signal.samples_per_frame or kinds[0] != kinds[1]:
                raise RecordError(
                    f"{header.path}: its segment {position + 1} describes signal {name} in another unit or with other "
                    "samples per frame than the first"
                )
    return merged


def _kind_of_unit(header: WfdbHeader, name: str, units: str) -> str:
    """ "mV" for a voltage, else the unit itself. Raises RecordError where that cannot be told."""
    if millivolts_per(units) is not None:
        return "mV"
    if VOLTAGE_LIKE.search(units) or not units.replace("°", "").replace("Ω", "").isascii():
        raise RecordError(f"{header.path}: the unit {units!r} of signal {name} is not known; voltages are in mV, uV, V")
    return units


def _find_units(header: WfdbHeader, signals: dict[str, SignalLine]) -> tuple[str, set[str]]:
    """The unit of the values to read, and the signals that are in it: voltages, where there are any."""
    kinds = {name: _kind_of_unit(header, name, signal.units) for name, signal in signals.items()}
    units = "mV" if "mV" in kinds.values() else next(iter(kinds.values()))
    if units != "mV" and len(set(kinds.values())) > 1:
        raise RecordError(
            f"{header.path}: no signal is a voltage, they are in {', '.join(dict.fromkeys(kinds.values()))}"
        )
    return units, {name for name, kind in kinds.items() if kind == units}


def describe_layout(layout: WfdbLayout) -> list[str]:
    """What is suspicious about the headers of a record that can be read: one line each."""
    remarks = [remark for header in layout.headers for remark in header.remarks]
    if layout.left_out:
        texts = [f"{name} ({why})" for name, why in layout.left_out]
        remarks.append(f"signals left out, beside leads in {layout.units} at {layout.fs:g} Hz: {', '.join(texts)}")
    spelt = Counter(standard_lead(signal.name) for signal in layout.header.signals)
    if twice := [lead for lead in STANDARD_LEADS if spelt[lead] > 1]:
        remarks.append(f"leads named more than once: {', '.join(twice)}")
    return remarks
