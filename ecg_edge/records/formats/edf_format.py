"""EDF, EDF+ and BDF: the European Data Format with 16 bits, BioSemi's with 24 bits a sample.

https://www.edfplus.info/specs/edf.html, edfplus.html. Read here and not by ecgdatakit, which rounds sampling rates to
whole Hz, joins the parts of an interrupted recording (EDF+D) end to end, warns only of a truncated file, and holds a
day of ECG several times in float64.
"""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ecg_edge.records.formats.lead_signals import LARGEST_VALUES, FileSignal, make_record, select_leads
from ecg_edge.records.formats.record_format import SingleFileFormat
from ecg_edge.records.record import Entry, Record
from ecg_edge.records.record_error import RecordError

VERSIONS = {b"0       ": 2, b"\xffBIOSEMI": 3}  # the first bytes → bytes per sample
FIELDS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)  # widths of a signal's fields, each stored for all signals in turn
ANNOTATIONS = ("EDF Annotations", "BDF Annotations")
LARGEST_SIGNALS = 4096
ONSET = re.compile(rb"([+-]\d{1,9}(?:\.\d{1,12})?)(?:\x15[\d.]*)?\x14")
CHUNK_SAMPLES = 2**22


@dataclasses.dataclass(frozen=True)
class EdfSignal:
    """A signal's fields in the header: `offset` is its first sample in a data record, `count` its samples there."""

    label: str
    unit: str
    physical: tuple[float, float]
    digital: tuple[float, float]
    count: int
    offset: int


@dataclasses.dataclass(frozen=True)
class EdfHeader:
    """A header: `bytes_per_sample` is 2 or 3, `interrupted` that of EDF+D, `records` those that the file states."""

    bytes_per_sample: int
    interrupted: bool
    records: int
    seconds: float
    signals: tuple[EdfSignal, ...]

    @property
    def length(self) -> int:
        """Length of the header in bytes."""
        return 256 * (len(self.signals) + 1)

    @property
    def record_samples(self) -> int:
        """Samples of all signals in a data record."""
        return sum(signal.count for signal in self.signals)


class EdfFormat(SingleFileFormat):
    """See the module."""

    name = "EDF"
    suffixes = (".edf", ".bdf")
    largest_bytes = 2**35

    def recognises(self, head: bytes) -> bool:
        return head[:8] in VERSIONS and len(head) > 256

    def read(self, stem: Path, entry: Entry) -> Record:
        path, size = self.open_main_file(stem)
        header = read_edf_header(path)
        records = _count_records(path, header, size)
        numbers = [i for i, signal in enumerate(header.signals) if signal.label not in ANNOTATIONS]
        signals = [_describe(path, header, header.signals[i], records) for i in numbers]
        columns, millivolts, unit = select_leads(path, signals, entry)
        leads, fs = [header.signals[numbers[column]] for column in columns], signals[columns[0]].fs
        data = _map_records(path, header, records)
        starts = _find_starts(path, header, data, fs, leads[0].count)
        samples = int(starts[-1]) + leads[0].count
        if samples * len(leads) > min(LARGEST_VALUES, 100 * size):
            raise RecordError(f"{path} is interrupted for most of its {samples / fs:.0f} s: cut it into parts")
        signal = np.full((samples, len(leads)), np.nan, np.float32)
        step = max(1, CHUNK_SAMPLES // leads[0].count)
        for first in range(0, records, step):
            rows = starts[first : first + step, None] + np.arange(leads[0].count)
            for column, (lead, scale) in enumerate(zip(leads, millivolts, strict=True)):
                block = data[first : first + step, lead.offset : lead.offset + lead.count]
                signal[rows, column] = _convert(_decode(block), lead) * scale
        return make_record(path, [lead.label for lead in leads], signal, fs, entry, unit)

    def check_files(self, stem: Path) -> list[str]:
        """Bytes after the last data record that the header states."""
        path, size = self.open_main_file(stem)
        header = read_edf_header(path)
        surplus = size - header.length - header.records * header.record_samples * header.bytes_per_sample
        if header.records == -1:
            return ["the header states no length (-1): the recorder did not end the file"]
        return [f"wrong length: {surplus} bytes more than the header says"] if surplus > 0 else []


def read_edf_header(path: str) -> EdfHeader:
    """Read the header of an EDF or BDF file.

    Args:
        path: The file.

    Returns:
        The header, every number in it verified.

    Raises:
        RecordError: The header is truncated or holds something that is no number or an impossible one.
    """
    with open(path, "rb") as file:
        fixed = file.read(256)
        count = int(_parse_number(path, fixed[252:256], "number of signals", 1, LARGEST_SIGNALS))
        variable = file.read(256 * count)
    if len(fixed) < 256 or len(variable) < 256 * count:
        raise RecordError(f"{path} is truncated: it ends within its header")
    fields, at = [], 0
    for width in FIELDS:
        fields.append([variable[at + i * width : at + (i + 1) * width] for i in range(count)])
        at += width * count
    labels, _, units, *numbers, _, counts, _ = fields
    signals, offset = [], 0
    for i in range(count):
        label = _decode_text(labels[i])
        ranges = [_parse_number(path, column[i], f"range of signal {label}") for column in numbers]
        samples = int(_parse_number(path, counts[i], f"samples of signal {label}", 1, 2**24))
        physical, digital = (ranges[0], ranges[1]), (ranges[2], ranges[3])
        signals.append(EdfSignal(label, _decode_text(units[i]), physical, digital, samples, offset))
        offset += samples
    return EdfHeader(
        bytes_per_sample=VERSIONS[fixed[:8]],
        interrupted=fixed[192:197] in (b"EDF+D", b"BDF+D"),
        records=int(_parse_number(path, fixed[236:244], "number of data records", -1, 2**31)),
        seconds=_parse_number(path, fixed[244:252], "duration of a data record", 0, 1e6),
        signals=tuple(signals),
    )


def _decode_text(field: bytes) -> str:
    """A text field. It ought to be ASCII; micro signs are written in UTF-8 or Latin-1."""
    field = field.strip(b"\0 ")
    try:
        return field.decode().strip()
    except UnicodeDecodeError:
        return field.decode("latin-1").strip()


def _parse_number(path: str, field: bytes, what: str, lowest: float = -1e30, highest: float = 1e30) -> float:
    """A number field. Raises RecordError: no number, or outside `lowest` … `highest`."""
    text = _decode_text(field)
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text) and lowest <= float(text) <= highest:
        return float(text)
    raise RecordError(f"{path} is damaged: the {what} in its header is {text!r}")


def _count_records(path: str, header: EdfHeader, size: int) -> int:
    """The number of data records. Raises RecordError: the file holds fewer than it states, or none."""
    held = (size - header.length) // (header.record_samples * header.bytes_per_sample)
    records = held if header.records == -1 else header.records
    if held < records:
        raise RecordError(f"{path} is truncated: its header states {records} data records, and it holds {held}")
    if records < 1:
        raise RecordError(f"{path} holds no data records")
    return records


def _describe(path: str, header: EdfHeader, signal: EdfSignal, records: int) -> FileSignal:
    """A signal of the file as the choice of leads looks at it. Raises RecordError: it has no duration."""
    if header.seconds <= 0:
        raise RecordError(f"{path} is damaged: its data records last {header.seconds:g} s")
    (p_low, p_high), (d_low, d_high) = signal.physical, signal.digital
    calibrated = p_low != p_high and d_low < d_high
    unit = signal.unit if calibrated else "uncalibrated"
    return FileSignal(signal.label, unit, signal.count / header.seconds, records * signal.count)


def _map_records(path: str, header: EdfHeader, records: int) -> np.ndarray:
    """The data records in the file: int16 (records, samples), or uint8 (records, samples, 3) of BDF."""
    shape: tuple[int, ...] = records, header.record_samples
    if header.bytes_per_sample == 3:
        return np.memmap(path, np.uint8, "r", header.length, (*shape, 3))
    return np.memmap(path, "<i2", "r", header.length, shape)


def _decode(block: np.ndarray) -> np.ndarray:
    """The digital values of a part of `_map_records`: float64 (records, samples)."""
    if block.dtype != np.uint8:
        return block.astype(np.float64)
    low, middle, high = (block[..., i].astype(np.int32) for i in range(3))
    return (low | middle << 8 | (high ^ 0x80) - 0x80 << 16).astype(np.float64)


def _convert(digital: np.ndarray, signal: EdfSignal) -> np.ndarray:
    """Physical values; NaN for a digital value outside the range that the header states, which none may have."""
    (p_low, p_high), (d_low, d_high) = signal.physical, signal.digital
    physical = (digital - d_low) * ((p_high - p_low) / (d_high - d_low)) + p_low
    return np.where((digital >= d_low) & (digital <= d_high), physical, np.nan)


def _find_starts(path: str, header: EdfHeader, data: np.ndarray, fs: float, count: int) -> np.ndarray:
    """The first sample of each data record, int64 (records,): one after the other, or by the times in an EDF+D file.

    Raises RecordError: an EDF+D file states no times, or its data records overlap.
    """
    if not header.interrupted:
        return np.arange(len(data), dtype=np.int64) * count
    annotations = [signal for signal in header.signals if signal.label in ANNOTATIONS]
    if not annotations:
        raise RecordError(f"{path} is damaged: it is interrupted (EDF+D) and has no times of its data records")
    first = annotations[0]
    onsets = [
        ONSET.match(np.ascontiguousarray(record).tobytes())
        for record in data[:, first.offset : first.offset + first.count]
    ]
    return _place_records(path, onsets, fs, count)


def _place_records(path: str, onsets: Sequence[re.Match[bytes] | None], fs: float, count: int) -> np.ndarray:
    """The first sample of each data record by the times that annotations give. Raises RecordError as `_find_starts`."""
    if None in onsets:
        raise RecordError(f"{path} is damaged: data record {onsets.index(None) + 1} of it does not state its time")
    seconds = np.array([float(onset[1]) for onset in onsets if onset])
    starts = np.rint((seconds - seconds[0]) * fs).astype(np.int64)
    if (np.diff(starts) < count).any():
        late = int(np.flatnonzero(np.diff(starts) < count)[0])
        raise RecordError(f"{path} is damaged: data record {late + 2} begins before the one before it ends")
    return starts
