"""Every file format of recordings, and reading a recording whatever its format."""

import dataclasses
import math
import os
from collections.abc import Iterator
from pathlib import Path

from ecg_edge.records.database_files import list_record_paths
from ecg_edge.records.formats.cpsc_struct_format import CpscStructFormat
from ecg_edge.records.formats.dicom_format import DicomFormat
from ecg_edge.records.formats.edf_format import EdfFormat
from ecg_edge.records.formats.ishne_format import IshneFormat
from ecg_edge.records.formats.kardia_format import KardiaFormat
from ecg_edge.records.formats.numpy_format import NumpyFormat
from ecg_edge.records.formats.record_format import RecordFormat, SingleFileFormat, read_head
from ecg_edge.records.formats.scp_format import ScpFormat
from ecg_edge.records.formats.table_format import TableFormat
from ecg_edge.records.formats.wearable_csv_formats import AppleWatchFormat, PolarFormat
from ecg_edge.records.formats.wfdb_format import WfdbFormat
from ecg_edge.records.formats.xml_formats import AecgFormat, GeFormat, PhilipsFormat, find_root
from ecg_edge.records.record import UNNAMED_LEAD, Entry, Record, standard_lead, standard_lead_names
from ecg_edge.records.record_error import RecordError
from ecg_edge.records.signal_description import SignalDescription

# Where files of several formats share a stem, the earlier format is read. A new format is one more line.
FORMATS: tuple[RecordFormat, ...] = (
    WfdbFormat(),
    CpscStructFormat(),
    EdfFormat(),
    IshneFormat(),
    ScpFormat(),
    DicomFormat(),
    AecgFormat(),
    PhilipsFormat(),
    GeFormat(),
    KardiaFormat(),
    AppleWatchFormat(),
    PolarFormat(),
    TableFormat(),
    NumpyFormat(),
)
MAIN_SUFFIXES = tuple(dict.fromkeys(suffix for record_format in FORMATS for suffix in record_format.main_suffixes))
SUFFIXES = tuple(dict.fromkeys(suffix for record_format in FORMATS for suffix in record_format.suffixes))


def read_record(path: Path, entry: Entry | None = None, stated: SignalDescription | None = None) -> Record:
    """Read a recording in any known format.

    Args:
        path: The recording, with or without the suffix of one of its files.
        entry: Gives the record's name, patient and labels. By default the name is `path` without suffix.
        stated: What is known of the signal besides, by default what the entry states.

    Returns:
        The recording, its signal float32 (samples, leads) in mV.

    Raises:
        RecordError: No known format, a file is missing, truncated or corrupt, or says otherwise than what is stated.
    """
    record_format, place = find_format(path)
    stem = strip_suffix(path)
    entry = entry or Entry(str(stem), stem.name, stem.name)
    entry = entry if stated is None else dataclasses.replace(entry, stated=stated)
    if entry.stated.units and not isinstance(record_format, SingleFileFormat):
        raise RecordError(f"{record_format.main_file(place)} states its own unit: leave units (--units) out")
    record = record_format.read(place, entry)
    return _apply_stated(record_format.main_file(place), record, entry.stated)


def find_format(path: Path) -> tuple[RecordFormat, Path]:
    """Find the format of a recording.

    Args:
        path: The recording, with or without the suffix of one of its files.

    Returns:
        The format, and the recording's path: without suffix, or the file itself where each recording is one file.
        Where there is no file, the first format that has the suffix of `path`, so that reading names the missing file.

    Raises:
        RecordError: `path` is a file of no known format.
    """
    stem, named = strip_suffix(path), [known for known in FORMATS if path.suffix.lower() in known.suffixes]
    if not path.is_file():
        if found := _format_at(stem):
            return found, stem
        other = next((file for suffix in MAIN_SUFFIXES if (file := Path(f"{stem}{suffix}")).is_file()), None)
        return find_format(other) if other else (next(iter(named), FORMATS[0]), stem)
    of_several_files = [known for known in named if not isinstance(known, SingleFileFormat)]
    if found := next((known for known in of_several_files if known.is_at(stem)), None):
        return found, stem
    head = read_head(str(path))
    single = [known for known in FORMATS if isinstance(known, SingleFileFormat)]
    likely = [known for known in single if known.certain_by_content or known in named]
    certain = (known for known in likely if known.recognises(head))
    by_suffix = (known for known in single if known in named and not known.shared_suffix)
    if found := next(certain, None) or next(by_suffix, None):
        return found, path
    if found := _format_at(path) or next(iter(of_several_files), None):
        return found, path if found.is_at(path) else stem
    root = find_root(head)
    what = f" (its root element is {root!r})" if root else ""
    raise RecordError(f"{path} is in no known format{what}: recordings are read from {describe_formats()} files")


def list_recordings(folder: Path) -> list[str]:
    """List the recordings of all formats in a folder and its subfolders.

    Args:
        folder: The folder.

    Returns:
        Paths without suffix, relative to `folder`, sorted. Where other files have the same suffix (.csv, .xml, .json),
        those that are recordings.
    """
    shared = {known for known in FORMATS if isinstance(known, SingleFileFormat) and known.shared_suffix}
    certain = {suffix for known in FORMATS if known not in shared for suffix in known.main_suffixes}
    found = set(list_record_paths(folder, tuple(certain)))
    others = set(list_record_paths(folder, tuple({*MAIN_SUFFIXES} - certain))) - found
    return sorted(found | {path for path in others if _format_at(folder / path)})


def strip_suffix(path: Path) -> Path:
    """`path` without the suffix of a known format; other suffixes are part of a recording's name."""
    return path.with_suffix("") if path.suffix.lower() in SUFFIXES else path


def describe_formats() -> str:
    """The known formats and their suffixes, for messages."""
    return ", ".join(f"{known.name} ({' '.join(known.suffixes)})" for known in FORMATS)


def identify_files(stem: str) -> Iterator[tuple[str, bytes]]:
    """The files of the recording at `stem`, each with the bytes that identify its content; none where there is none.

    Annotations (.atr) may lie beside a recording in any format.
    """
    if found := _format_at(stem):
        yield from found.identity(stem)
    if os.path.isfile(annotations := f"{stem}.atr"):
        yield annotations, Path(annotations).read_bytes()


def check_files(stem: Path) -> list[str]:
    """What is suspicious about the files of the recording at `stem`: one line each."""
    found = _format_at(stem)
    return found.check_files(stem) if found else []


def list_parts(stem: Path) -> list[Path]:
    """The stems of recordings that are parts of the one at `stem`, its segments."""
    found = _format_at(stem)
    return found.list_parts(stem) if found else []


def _format_at(stem: Path | str) -> RecordFormat | None:
    """The format of the recording at `stem`, None where there is none."""
    return next((known for known in FORMATS if known.is_at(stem)), None)


def _apply_stated(path: str, record: Record, stated: SignalDescription) -> Record:
    """Name the leads as stated. Raises RecordError: the file says otherwise than what is stated, or lacks a lead."""
    if stated.fs and not math.isclose(stated.fs, record.fs, rel_tol=1e-6):
        raise RecordError(f"{path} states {record.fs:g} Hz, not {stated.fs:g} Hz: leave fs (--fs) out")
    leads = record.leads
    if stated.leads and stated.leads != leads:
        if len(stated.leads) != len(leads):
            raise RecordError(f"{path} has {len(leads)} leads ({', '.join(leads)}), and {len(stated.leads)} are named")
        if not all(map(UNNAMED_LEAD.fullmatch, leads)) and standard_lead_names(stated.leads) != leads:
            raise RecordError(
                f"{path} names its leads {', '.join(leads)}: leave leads (--leads) out, or rename single ones with "
                "rename_leads (--rename-lead OLD=NEW)"
            )
        leads = standard_lead_names(stated.leads)
    new = {standard_lead(old): name for old, name in stated.rename_leads}
    names = [standard_lead(new.get(lead, lead)) for lead in leads]
    if len(set(names)) < len(names):
        raise RecordError(f"{path}: after renaming, two leads have one name: {', '.join(names)}")
    return dataclasses.replace(record, leads=tuple(names))
