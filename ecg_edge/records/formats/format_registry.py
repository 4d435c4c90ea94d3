"""Every file format of recordings, and reading a recording whatever its format."""

from collections.abc import Iterator
from pathlib import Path

from ecg_edge.records.formats.cpsc_struct_format import CpscStructFormat
from ecg_edge.records.formats.record_format import RecordFormat
from ecg_edge.records.formats.wfdb_format import WfdbFormat
from ecg_edge.records.record import Entry, Record
from ecg_edge.records.record_error import RecordError

# Where files of several formats share a stem, the earlier format is read. A new format is one more line.
FORMATS: tuple[RecordFormat, ...] = (
    WfdbFormat(),
    CpscStructFormat(),
)
MAIN_SUFFIXES = tuple(record_format.suffixes[0] for record_format in FORMATS)
SUFFIXES = tuple(dict.fromkeys(suffix for record_format in FORMATS for suffix in record_format.suffixes))


def read_record(path: Path, entry: Entry | None = None) -> Record:
    """Read a recording in any known format.

    Args:
        path: The recording, with or without the suffix of one of its files.
        entry: Gives the record's name, patient and labels. By default the name is `path` without suffix.

    Returns:
        The recording, its signal float32 (samples, leads) in mV.

    Raises:
        RecordError: No known format, or a file is missing, truncated or corrupt.
    """
    record_format, stem = find_format(path)
    return record_format.read(stem, entry or Entry(str(stem), stem.name, stem.name))


def find_format(path: Path) -> tuple[RecordFormat, Path]:
    """Find the format of a recording.

    Args:
        path: The recording, with or without the suffix of one of its files.

    Returns:
        The format, and the recording's path without suffix. Where there is no file, the first format that has the
        suffix of `path`, so that reading names the missing file.

    Raises:
        RecordError: `path` is a file of no known format.
    """
    stem = strip_suffix(path)
    if found := _format_at(stem):
        return found, stem
    if stem is path and path.is_file():
        raise RecordError(f"{path} is in no known format: recordings are read from {describe_formats()} files")
    return next((known for known in FORMATS if path.suffix in known.suffixes), FORMATS[0]), stem


def strip_suffix(path: Path) -> Path:
    """`path` without the suffix of a known format; other suffixes are part of a recording's name."""
    return path.with_suffix("") if path.suffix in SUFFIXES else path


def describe_formats() -> str:
    """The known formats and their suffixes, for messages."""
    return ", ".join(f"{known.name} ({' '.join(known.suffixes)})" for known in FORMATS)


def identify_files(stem: str) -> Iterator[tuple[str, bytes]]:
    """The files of the recording at `stem`, each with the bytes that identify its content; none where there is none."""
    if found := _format_at(stem):
        yield from found.identity(stem)


def check_files(stem: Path) -> list[str]:
    """What is suspicious about the files of the recording at `stem`: one line each."""
    found = _format_at(stem)
    return found.check_files(stem) if found else []


def _format_at(stem: Path | str) -> RecordFormat | None:
    """The format of the recording at `stem`, None where there is none."""
    return next((known for known in FORMATS if known.is_at(stem)), None)
