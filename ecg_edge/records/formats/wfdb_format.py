"""WFDB records: a header (.hea) and signal files of any WFDB format, as on PhysioNet.

`wfdb_header` reads headers, `wfdb_layout` finds segments and leads, `wfdb_signal` decodes signal files; here samples
become physical values and are verified.
"""

import contextlib
import functools
import hashlib
import types
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ecg_edge.records.database_files import read_first_line
from ecg_edge.records.formats.record_format import RecordFormat
from ecg_edge.records.formats.wfdb_header import MAXIMUM_BYTES, WfdbHeader, parse_header, read_header_file
from ecg_edge.records.formats.wfdb_layout import Segment, WfdbLayout, describe_layout, read_layout
from ecg_edge.records.formats.wfdb_signal import (
    INVALID,
    SAMPLE_BITS,
    SignalFile,
    count_frames,
    list_signal_files,
    read_frames,
)
from ecg_edge.records.record import Entry, Record
from ecg_edge.records.record_error import RecordError
from ecg_edge.records.regular_file import open_regular_file, read_regular_file
from ecg_edge.records.units import millivolts_per

MAXIMUM_SAMPLES = 2**30  # of all leads of a record: 4 GiB


class WfdbFormat(RecordFormat):
    """See the module."""

    name = "WFDB"
    suffixes = (".hea", ".dat", ".mat")

    def read(self, stem: Path, entry: Entry) -> Record:
        return read_wfdb(stem, entry)

    def identity(self, stem: str) -> Iterator[tuple[str, bytes]]:
        """Headers whole, those of segments too. Of a signal file the name alone where its header has
        checksums that see every bit of it, else a digest of its content."""
        path = self.main_file(stem)
        content = read_regular_file(path, MAXIMUM_BYTES)
        yield path, content
        for header, own_content in _parse_headers(Path(path), content):
            if header.path != Path(path):
                yield str(header.path), own_content
            files = list_signal_files(header.path.parent, header.signals)
            for file in sorted(files, key=lambda file: file.path):
                yield str(file.path), b"" if _is_summed(file) else _digest(file.path)

    def check_files(self, stem: Path) -> list[str]:
        """What the headers say of left out signals, and where they do not fit the signal files."""
        layout = read_layout(stem)
        remarks = describe_layout(layout)
        for segment in layout.segments:
            if segment.header is not None:
                for file in list_signal_files(segment.header.path.parent, segment.header.signals):
                    remarks += _check_signal_file(file, segment.frames)
        return list(dict.fromkeys(remarks))

    def list_parts(self, stem: Path) -> list[Path]:
        first = read_first_line(stem.with_name(f"{stem.name}.hea"))
        if "/" not in first.partition(" ")[0] and not first.startswith("#"):  # before all of it is parsed
            return []
        with contextlib.suppress(RecordError):
            return [stem.parent / segment.name for segment in read_header_file(stem).segments]
        return []


def read_wfdb(stem: Path | str, entry: Entry | None = None) -> Record:
    """Read a WFDB record and verify it.

    Signals that are not voltages (respiration, pressure) are left out where others are; where none is (normalised
    signals, "NU"), all are kept in their own unit. Of signals with different numbers of samples per frame, those of the
    highest rate are read.

    Args:
        stem: The record's path without suffix.
        entry: Gives the record's name, patient and labels; by default the file's name.

    Returns:
        The record: signal float32 (samples, leads) in mV by each lead's gain and baseline, NaN where the format marks a
        sample as invalid and where there is none: in a gap between segments, in a segment without the lead, and at the
        end of a signal whose skew is corrected.

    Raises:
        RecordError: Missing or corrupt files, fewer samples than the header states, or samples that do not add up to
            its checksum (0 means "not computed", as in CinC 2017's original headers). In 24 and 32 bits the checksum
            does not see the bits above the 16th.
    """
    stem = Path(stem)
    entry = entry or Entry(stem.name, stem.name, stem.name)
    layout = read_layout(stem)
    frames = [_find_length(segment) for segment in layout.segments]
    shape = sum(frames) * layout.samples_per_frame, len(layout.leads)
    if not shape[0]:
        raise RecordError(f"{layout.header.path} describes no samples")
    if shape[0] * shape[1] > MAXIMUM_SAMPLES:
        raise RecordError(f"{layout.header.path} describes {shape[0]} samples of {shape[1]} leads, too many to read")
    signal = np.empty(shape, np.float32)
    start = 0
    for segment, length in zip(layout.segments, frames, strict=True):
        stop = start + length * layout.samples_per_frame
        _read_segment(layout, segment, length, signal[start:stop])
        start = stop
    return Record(entry.name, entry.patient, signal, layout.fs, layout.leads, entry.labels, units=layout.units)


def read_header(stem: Path, entry: Entry) -> Record:
    """Read a WFDB record's header alone.

    Args:
        stem: The record's path without suffix.
        entry: Gives the record's name, patient and labels.

    Returns:
        The record without signal; `header_samples` is its length.

    Raises:
        RecordError: No header, or not a WFDB header.
    """
    layout = read_layout(stem)
    samples = sum(segment.frames or 0 for segment in layout.segments) * layout.samples_per_frame
    return Record(entry.name, entry.patient, None, layout.fs, layout.leads, entry.labels, header_samples=samples)


@functools.cache
def import_wfdb() -> types.ModuleType:
    """The wfdb package, imported at its first use: it takes 0.4 s and pandas, and warns about its use of pandas."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb
    return wfdb


def _find_length(segment: Segment) -> int:
    """Frames of a segment. Raises RecordError where a signal file holds fewer than stated, or they differ."""
    if segment.header is None:
        return segment.frames or 0
    counts = {}
    for file in list_signal_files(segment.header.path.parent, segment.header.signals):
        try:
            counts[file.path] = count_frames(file)
        except RecordError as error:  # the header may be what is damaged
            raise RecordError(f"{error} (a signal file of {segment.header.path.name})") from None
    frames = segment.frames
    if frames is None:
        if len(set(counts.values())) > 1:
            raise RecordError(f"{segment.header.path} states no length, and its signal files differ in length")
        return next(iter(counts.values()), 0)
    for path, count in counts.items():
        if count < frames:
            raise RecordError(
                f"{path} is truncated or corrupt, or {segment.header.path.name} does not describe it: it holds {count} "
                f"of {frames} samples per signal"
            )
    return frames


def _read_segment(layout: WfdbLayout, segment: Segment, frames: int, out: np.ndarray) -> None:
    """Read a segment's leads into `out` (samples, leads) and verify the checksums of all its signals."""
    header, names = segment.header, tuple(segment.signals)
    files = list_signal_files(header.path.parent, header.signals) if header else []
    read = {name for file in files for name in names[file.first : file.first + len(file.signals)]}
    columns = {name: column for column, name in enumerate(layout.leads)}
    out[:, [column for name, column in columns.items() if name not in read]] = np.nan
    for file in files:
        own = names[file.first : file.first + len(file.signals)]
        sums = _read_file(file, [columns.get(name) for name in own], frames, out)
        for name, signal, total in zip(own, file.signals, sums, strict=True):
            if segment.frames is not None and signal.checksum is not None and total % 65536 != signal.checksum:
                raise RecordError(f"{file.path} is damaged: lead {name} does not add up to the checksum in its header")


def _read_file(file: SignalFile, columns: list[int | None], frames: int, out: np.ndarray) -> list[int]:
    """Read the signals of a file into the columns of `out`, None for those that are left out.

    Returns the sums of all their samples in ADC units.
    """
    sums, start = [0] * len(columns), 0
    for block in read_frames(file, frames):
        for position, (signal, column) in enumerate(zip(file.signals, columns, strict=True)):
            values = block[:, file.columns[position]].reshape(-1)
            sums[position] += int(values.sum(dtype=np.int64))
            if column is not None:
                first = start * signal.samples_per_frame - signal.skew
                values = values[max(0, -first) :]
                physical = (values - float(signal.baseline)) / signal.gain * (millivolts_per(signal.units) or 1.0)
                if file.format in INVALID:
                    physical[values == INVALID[file.format]] = np.nan
                out[max(0, first) : max(0, first) + len(physical), column] = physical
        start += len(block)
    for signal, column in zip(file.signals, columns, strict=True):
        if column is not None and signal.skew:
            out[max(0, len(out) - signal.skew) :, column] = np.nan
    return sums


def _check_signal_file(file: SignalFile, frames: int | None) -> list[str]:
    """What does not fit between a signal file and its header, which an error on reading does not cover."""
    remarks = []
    surplus = count_frames(file) - frames if frames is not None else 0
    if surplus > 0:
        remarks.append(f"wrong length: {file.path.name} holds {surplus} samples more than the header says")
    first = next(read_frames(file, min(frames or 1, 1)), None)
    for signal, column in zip(file.signals, file.columns, strict=True):
        lead = f"{file.path.name}, lead {signal.name}:"
        # 0 stands for any value where it was not computed; in format 8 the samples start from it.
        if signal.initial and first is not None and file.format != 8 and first[0, column][0] != signal.initial:
            remarks.append(f"{lead} the first sample is {first[0, column][0]}, the header says {signal.initial}")
        if signal.resolution is not None and signal.resolution > SAMPLE_BITS[file.format]:
            remarks.append(f"{lead} {signal.resolution} bits do not fit into format {file.format}")
        if signal.block_size:
            remarks.append(f"{lead} block size {signal.block_size}, of a tape")
    return remarks


def _parse_headers(path: Path, content: bytes) -> Iterator[tuple[WfdbHeader, bytes]]:
    """A record's header and those of its segments that can be read, each with its content."""
    with contextlib.suppress(RecordError):
        header = parse_header(path, content)
        yield header, content
        for name in dict.fromkeys(segment.name for segment in header.segments):
            with contextlib.suppress(RecordError):
                own = path.parent / f"{name}.hea"
                own_content = read_regular_file(own, MAXIMUM_BYTES)
                yield parse_header(own, own_content), own_content


def _is_summed(file: SignalFile) -> bool:
    """Whether the header's checksums change with every bit of every sample."""
    return SAMPLE_BITS[file.format] <= 16 and all(signal.checksum is not None for signal in file.signals)


def _digest(path: Path) -> bytes:
    """A digest of a file's content; b"" where there is none."""
    try:
        with open_regular_file(path) as file:
            return hashlib.file_digest(file, "sha256").digest()
    except RecordError:
        return b""
