"""WFDB header files (.hea), read strictly by the grammar of https://physionet.org/physiotools/wag/header-5.htm.

The file's own bytes are read, because units and names may hold a micro sign in UTF-8 or Latin-1. A number that is none,
or text left over after a field, is refused: what a lenient reader skips there changes rates and amplitudes.
"""

import dataclasses
import re
from pathlib import Path

from ecg_edge.records.record_error import RecordError
from ecg_edge.records.regular_file import read_regular_file
from ecg_edge.records.signal_description import HIGHEST_FS

DEFAULT_RATE = 250.0  # Hz, where the header states none
DEFAULT_GAIN = 200.0  # ADC units per physical unit, where the header states none or 0
FORMATS = (0, 8, 16, 24, 32, 61, 80, 160, 212, 310, 311, 508, 516, 524)
NULL_FORMAT = 0  # no samples: all are invalid
NULL_NAME = "~"  # a segment without samples, or a signal without file
MAXIMUM_BYTES = 16 * 2**20
MAXIMUM_SIGNALS = 1024
MAXIMUM_SEGMENTS = 100_000
MAXIMUM_FRAMES = 2**40
GAINS = 1e-9, 1e15
INTEGERS = -(2**31), 2**31 - 1

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
RECORD = re.compile(r"(?P<name>[^/]+)(?:/(?P<segments>\d{1,18}))?", re.ASCII)
RATE = re.compile(rf"(?P<rate>{NUMBER})(?:/{NUMBER}(?:\({NUMBER}\))?)?", re.ASCII)
TIME = re.compile(r"[\[\]\w:./-]*\d[\[\]\w:./-]*", re.ASCII)
FORMAT = re.compile(r"(?P<format>\d{1,4})(?P<modifiers>(?:[x:+]\d{1,18})*)", re.ASCII)
GAIN = re.compile(rf"(?P<gain>{NUMBER})(?:\((?P<baseline>[+-]?\d{{1,18}})\))?(?:/(?P<units>.+))?", re.ASCII)
INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
GAP = re.compile(r"[ \t]+")


@dataclasses.dataclass(frozen=True)
class SignalLine:
    """A signal as its line of the header describes it.

    Attributes:
        file: Name of the signal file; several signals may share it.
        format: A number of FORMATS.
        samples_per_frame: How many samples each frame holds.
        skew: How many of its samples precede sample 0.
        offset: Bytes before sample 0 in the file; samples in a compressed file.
        gain: ADC units per physical unit.
        baseline: ADC units at 0 physical units.
        units: The physical unit.
        resolution: Of the ADC in bits; None where it is not stated.
        zero: ADC units in the middle of the ADC's range.
        initial: The first sample in ADC units; None where it is not stated.
        checksum: The sum of all samples modulo 65536; None where it is not stated or 0, "not computed".
        block_size: 0 for files on disk.
        name: The lead's name, "" where there is none.
        fields: How many of its fields are stated, nine with the name.
    """

    file: str
    format: int
    samples_per_frame: int = 1
    skew: int = 0
    offset: int = 0
    gain: float = DEFAULT_GAIN
    baseline: int = 0
    units: str = "mV"
    resolution: int | None = None
    zero: int = 0
    initial: int | None = None
    checksum: int | None = None
    block_size: int = 0
    name: str = ""
    fields: int = 2

    def find_range(self) -> tuple[int, int] | None:
        """Return the lowest and the highest value of the ADC; None where its resolution is not stated."""
        if not self.resolution:
            return None
        return self.zero - (1 << (self.resolution - 1)), self.zero + (1 << (self.resolution - 1)) - 1


@dataclasses.dataclass(frozen=True)
class SegmentLine:
    """A segment of a record: the name of its own record, NULL_NAME for a gap, and its length in frames."""

    name: str
    frames: int


@dataclasses.dataclass(frozen=True)
class WfdbHeader:
    """A header.

    Attributes:
        path: The header file.
        rate: Frames per second; None where it is not stated.
        frames: Length of the record in frames; None where it is not stated.
        signal_count: As the record line states it.
        signals: One per signal; empty where the record consists of segments.
        segments: Empty for an ordinary record.
        remarks: What is suspicious though it can be read, one line each.
    """

    path: Path
    rate: float | None
    frames: int | None
    signal_count: int
    signals: tuple[SignalLine, ...]
    segments: tuple[SegmentLine, ...]
    remarks: tuple[str, ...]

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return DEFAULT_RATE if self.rate is None else self.rate


def read_header_file(stem: Path | str) -> WfdbHeader:
    """Read the header of a record.

    Args:
        stem: The record's path without suffix.

    Returns:
        The header.

    Raises:
        RecordError: The file is missing, no regular file, or not a WFDB header; names the file and the line.
    """
    path = Path(f"{stem}.hea")
    return parse_header(path, read_regular_file(path, MAXIMUM_BYTES))


def parse_header(path: Path, content: bytes) -> WfdbHeader:
    """Parse the content of a header file.

    Args:
        path: The file, for messages and for the record's name.
        content: Its bytes.

    Returns:
        The header.

    Raises:
        RecordError: It is not a WFDB header; names the file and the line.
    """
    lines = _split_lines(path, content)
    if not lines:
        raise RecordError(f"{path} is not a WFDB header: it has no record line")
    (first, record), following = lines[0], lines[1:]
    where = f"{path}, line {first}"
    name, segment_count, signal_count, rate, frames = _parse_record_line(where, record)
    stated, kind = (signal_count, "signals") if segment_count is None else (segment_count, "segments")
    if stated > (maximum := MAXIMUM_SIGNALS if segment_count is None else MAXIMUM_SEGMENTS):
        raise RecordError(f"{where}: {stated} {kind} are more than the {maximum} that can be read")
    if stated > len(following):
        raise RecordError(f"{path} is truncated: it states {stated} {kind} and describes {len(following)}")
    remarks = [] if name == path.name.removesuffix(".hea") else [f"{path.name} is the header of record {name!r}"]
    signals, segments = (), ()
    if segment_count is None:
        signals = tuple(_parse_signal_line(f"{path}, line {number}", line) for number, line in following[:stated])
        _check_signals(path, signals, rate or DEFAULT_RATE)
        remarks += _check_surplus_lines(path, signals, following[stated:])
        remarks += _check_end(path, content, signals, following)
    else:
        segments = tuple(_parse_segment_line(f"{path}, line {number}", line) for number, line in following[:stated])
        total = sum(segment.frames for segment in segments)
        if frames is not None and frames != total:
            raise RecordError(f"{path} states {frames} samples, and its segments have {total}")
        frames = total
    return WfdbHeader(path, rate, frames, signal_count, signals, segments, tuple(remarks))


def _split_lines(path: Path, content: bytes) -> list[tuple[int, str]]:
    """The lines that are neither empty nor comments, with their numbers, each decoded by itself."""
    lines = []
    for number, line in enumerate(re.split(rb"\r*\n|\r+", content.removeprefix(b"\xef\xbb\xbf")), start=1):
        line = line.strip(b" \t")
        if not line or line.startswith(b"#"):
            continue
        try:
            text = line.decode()
        except UnicodeDecodeError:
            text = line.decode("latin-1")
        if not text.replace("\t", " ").isprintable():
            raise RecordError(f"{path} is not a WFDB header: line {number} holds control characters")
        lines.append((number, text))
    return lines


def _parse_record_line(where: str, line: str) -> tuple[str, int | None, int, float | None, int | None]:
    """The record's name, segments (None for an ordinary record), signals, rate in Hz and frames (None: not stated)."""
    fields = GAP.split(line)
    match = RECORD.fullmatch(fields[0])
    if match is None or len(fields) < 2 or not INTEGER.fullmatch(fields[1]):
        raise RecordError(f"{where.partition(', line')[0]} is not a WFDB header: {_quote(line)} is no record line")
    segments = None if match["segments"] is None else _parse_integer(where, "number of segments", match["segments"], 1)
    signals = _parse_integer(where, "number of signals", fields[1], 0)
    rate = _parse_rate(where, fields[2]) if len(fields) > 2 else None
    frames = _parse_integer(where, "number of samples", fields[3], 0, MAXIMUM_FRAMES) if len(fields) > 3 else 0
    if len(fields) > 7 or not all(map(TIME.fullmatch, fields[4:])):  # time and date in any order and form: not used
        raise RecordError(f"{where}: {_quote(' '.join(fields[4:]))} is no time and date")
    return match["name"], segments, signals, rate, frames or None


def _parse_rate(where: str, field: str) -> float:
    match = RATE.fullmatch(field)
    if match is None:
        raise RecordError(f"{where}: the sampling rate {_quote(field)} is no number")
    rate = float(match["rate"])
    if not 0 < rate <= HIGHEST_FS:
        raise RecordError(f"{where}: sampling rate {rate:g} Hz is not possible")
    return rate


def _parse_signal_line(where: str, line: str) -> SignalLine:
    fields = GAP.split(line, maxsplit=8)
    if len(fields) < 2:
        raise RecordError(f"{where}: {_quote(line)} is no signal line: it needs a file name and a format")
    check_file_name(where, fields[0])
    match = FORMAT.fullmatch(fields[1])
    if match is None or int(match["format"]) not in FORMATS:
        raise RecordError(f"{where}: {_quote(fields[1])} is no signal format")
    modifiers = re.findall(r"([x:+])(\d+)", match["modifiers"])
    marks = [mark for mark, _ in modifiers]
    if len(set(marks)) != len(marks):
        raise RecordError(f"{where}: {_quote(fields[1])} states a property of the format twice")
    properties = {mark: int(number) for mark, number in modifiers}
    if not 1 <= properties.get("x", 1) <= HIGHEST_FS or max(properties.values(), default=0) > MAXIMUM_FRAMES:
        raise RecordError(f"{where}: {_quote(fields[1])} is no possible signal format")
    gain, baseline, units = _parse_gain(where, fields[2]) if len(fields) > 2 else (DEFAULT_GAIN, None, "mV")
    names = ("ADC resolution", "ADC zero", "initial value", "checksum", "block size")
    numbers = [_parse_integer(where, name, field) for name, field in zip(names, fields[3:8], strict=False)]
    if numbers and not 0 <= numbers[0] <= 64:
        raise RecordError(f"{where}: an ADC resolution of {numbers[0]} bits is not possible")
    resolution, zero, initial, checksum, block_size = numbers + [None] * (5 - len(numbers))
    return SignalLine(
        file=fields[0],
        format=int(match["format"]),
        samples_per_frame=properties.get("x", 1),
        skew=properties.get(":", 0),
        offset=properties.get("+", 0),
        gain=gain,
        baseline=(zero or 0) if baseline is None else baseline,
        units=units,
        resolution=resolution,
        zero=zero or 0,
        initial=initial,
        checksum=checksum % 65536 if checksum else None,
        block_size=block_size or 0,
        name=fields[8] if len(fields) > 8 else "",
        fields=len(fields),
    )


def _parse_gain(where: str, field: str) -> tuple[float, int | None, str]:
    """The gain, the baseline (None: the ADC zero) and the unit."""
    match = GAIN.fullmatch(field)
    if match is None:
        raise RecordError(f"{where}: the gain {_quote(field)} is no number, number(baseline) or number/unit")
    gain = float(match["gain"])
    if gain != 0 and not GAINS[0] <= gain <= GAINS[1]:
        raise RecordError(f"{where}: a gain of {gain:g} is not possible")
    units = match["units"]
    if units is not None and not re.search(r"[^\W\d_]|%", units):
        raise RecordError(f"{where}: {_quote(units)} is no unit")
    baseline = None if match["baseline"] is None else _parse_integer(where, "baseline", match["baseline"])
    return gain or DEFAULT_GAIN, baseline, units or "mV"


def _parse_segment_line(where: str, line: str) -> SegmentLine:
    fields = GAP.split(line)
    if len(fields) != 2:
        raise RecordError(f"{where}: {_quote(line)} is no segment line: it needs a record name and a length")
    check_file_name(where, fields[0])
    return SegmentLine(fields[0], _parse_integer(where, "number of samples", fields[1], 0, MAXIMUM_FRAMES))


def _parse_integer(where: str, what: str, field: str, lowest: int = INTEGERS[0], highest: int = INTEGERS[1]) -> int:
    if not INTEGER.fullmatch(field):
        raise RecordError(f"{where}: the {what} {_quote(field)} is no whole number")
    if not lowest <= (value := int(field)) <= highest:
        raise RecordError(f"{where}: the {what} {field} is not possible")
    return value


def check_file_name(where: str, name: str) -> None:
    """Raise RecordError where a name in a header leads out of the header's folder."""
    if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or "\0" in name:
        raise RecordError(f"{where}: {_quote(name)} leads out of the record's folder, and is not followed")


def _check_signals(path: Path, signals: tuple[SignalLine, ...], rate: float) -> None:
    """Raise RecordError for signals that contradict each other."""
    seen = set()
    for position, signal in enumerate(signals):
        if rate * signal.samples_per_frame > HIGHEST_FS:
            raise RecordError(f"{path}: sampling rate {rate * signal.samples_per_frame:g} Hz is not possible")
        if signal.file == NULL_NAME:
            continue
        previous = signals[position - 1] if position else None
        if previous is None or previous.file != signal.file:
            if signal.file in seen:
                raise RecordError(f"{path}: the signals of {signal.file} do not stand together")
            seen.add(signal.file)
        elif (previous.format, previous.offset) != (signal.format, signal.offset):
            raise RecordError(f"{path}: the signals of {signal.file} differ in format or offset")


def _check_surplus_lines(path: Path, signals: tuple[SignalLine, ...], surplus: list[tuple[int, str]]) -> list[str]:
    """Remark lines beyond the stated signals. Raises RecordError where they share a file with one of those."""
    files = {signal.file for signal in signals}
    for number, line in surplus:
        if GAP.split(line)[0] in files:
            raise RecordError(f"{path}, line {number} describes one more signal than the {len(signals)} stated")
    return [f"{path.name} holds {len(surplus)} lines after its {len(signals)} signals"] if surplus else []


def _check_end(path: Path, content: bytes, signals: tuple[SignalLine, ...], lines: list) -> list[str]:
    """Remark a last signal line without line end. Raises RecordError where it also lacks fields of the others."""
    if content.endswith((b"\n", b"\r")) or len(lines) != len(signals) or not signals:
        return []
    if content.replace(b"\r", b"\n").rpartition(b"\n")[2].lstrip(b" \t").startswith(b"#"):
        return []
    if len(signals) > 1 and signals[-1].fields < min(signal.fields for signal in signals[:-1]):
        raise RecordError(f"{path} is truncated: its last line ends early")
    return [f"{path.name} ends within its last signal line, and may be cut off"]


def _quote(text: str) -> str:
    """Text of a header for a message."""
    return repr(text if len(text) <= 40 else text[:37] + "...")
