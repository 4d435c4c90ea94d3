"""What every database offers (Database), and reading one WFDB record whole and verified (read_wfdb).

Signal files of every WFDB format are decoded by the wfdb package; physical units, checks and messages are made here.
"""

import csv
import functools
import os
import re
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ecg_edge.records.record import Entry, Record, standard_lead
from firmware_bench.runtime.errors import InputError

MILLIVOLTS = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6, "v": 1e3}  # both Unicode signs for micro


class RecordError(InputError):
    """A recording that cannot be read. The message names the file and the cause."""


class Database:
    """One public database, or a kind of folder. Readers derive from it, one file each.

    name: as given to --data. folder_name: its folder under ECG_EDGE_DATA. physionet: "slug/version" or None, and
    physionet_files: shell patterns of the files there that are wanted.
    classes: the labels of whole recordings in their official order, () where it labels none. fs: in Hz, None where it
    varies. leads: those of a complete recording, None where they vary, () where they follow from the recordings.
    annotated: whether its records carry beats and rhythm intervals. numbering: data sets with the same one, not None,
    call the same recording by the same file name.
    """

    name: str
    title: str
    licence: str
    physionet: str | None = None
    physionet_files: tuple[str, ...] = ("*",)
    classes: tuple[str, ...] = ()
    fs: float | None = None
    leads: tuple[str, ...] | None = None
    annotated: bool = False
    numbering: str | None = None

    @property
    def folder_name(self) -> str:
        """The database's folder under ECG_EDGE_DATA."""
        return self.name

    def is_at(self, folder: Path) -> bool:
        """Whether `folder` holds this database: looks at marker files only."""
        raise NotImplementedError

    def index(self, folder: Path) -> list[Entry]:
        """The labelled recordings, without their signals. Raises InputError: label files missing or corrupt."""
        raise NotImplementedError

    def read(self, folder: Path, entry: Entry) -> Record:
        """The recording of `entry`. Raises RecordError."""
        return read_wfdb(folder / entry.path, entry)

    def recordings(self, folder: Path) -> dict[str, str]:
        """Every recording there is, labelled or not: name → path without suffix, relative to `folder`."""
        return {entry.name: entry.path for entry in self.index(folder)}

    def label_files(self, folder: Path) -> list[Path]:
        """The files, beside headers and annotations, that say what the recordings are."""
        return []

    def remarks(self, folder: Path) -> list[tuple[str, str]]:
        """What is suspicious about the labels themselves: pairs of record name and remark."""
        return []


def record_paths(folder: Path, suffixes: tuple[str, ...] = (".hea",), below: str = "") -> list[str]:
    """Files below `folder`/`below` with one of `suffixes`: paths without suffix, relative to `folder`, sorted."""
    found = set()
    for parent, folders, files in os.walk(folder / below):
        folders[:] = [name for name in folders if not name.startswith(".")]
        relative = os.path.relpath(parent, folder)
        prefix = "" if relative == "." else f"{relative}/"
        for file in files:
            stem, suffix = os.path.splitext(file)
            if suffix in suffixes and not file.startswith("."):
                found.add(prefix + stem)
    return sorted(found)


def first_line(path: Path) -> str:
    """A text file's first line, "" where the file is missing."""
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""


def read_rows(path: Path, header: bool = True) -> list[dict[str, str]] | list[list[str]]:
    """A CSV file's rows: dicts by column name, or lists where it has no `header`. Raises InputError, never empty."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = [row for row in (csv.DictReader(file) if header else csv.reader(file)) if row]
    except FileNotFoundError:
        raise InputError(f"{path} is missing: without it the recordings have no labels") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as CSV: {one_line(error)}") from None
    if not rows:
        raise InputError(f"{path} is empty: it must list the recordings and their labels")
    return rows


def read_wfdb(path: Path | str, entry: Entry | None = None) -> Record:
    """The WFDB record at `path` (without suffix): signal float32 (samples, leads) in mV by each lead's gain and
    baseline, NaN where the format marks a sample as invalid.

    Leads that are not voltages (respiration, pressure) are left out where others are; where none is (normalised
    signals, "NU"), all are kept in their own units. `entry` gives name, patient and labels; by default the file's
    name serves. Raises RecordError: missing or corrupt files, fewer samples than the header says, or samples that do
    not add up to the header's checksum (a checksum of 0 stands for "not computed", as in CinC 2017's original headers).
    """
    path = Path(path)
    entry = entry or Entry(path.name, path.name, path.name)
    try:
        record = wfdb_package().rdrecord(str(path), physical=False, return_res=32)
        digital = record.d_signal
    except Exception as error:  # wfdb and libsndfile answer damaged files with almost any exception
        raise RecordError(_why_unreadable(path, error)) from None
    if digital is None or digital.size == 0:
        raise RecordError(f"{path}.hea describes no samples")
    if not record.fs or record.fs <= 0:
        raise RecordError(f"{path}.hea: sampling rate {record.fs} Hz is not possible")
    _verify_checksums(path, record)
    physical = record.dac(return_res=32)

    scales = np.array([MILLIVOLTS.get(unit.strip().lower(), np.nan) for unit in record.units], np.float32)
    volts = np.isfinite(scales)
    names, units = np.array(record.sig_name, object), record.units[0]
    if volts.any():
        physical, names, units = physical[:, volts] * scales[volts], names[volts], "mV"
    return Record(
        name=entry.name,
        patient=entry.patient,
        signal=np.ascontiguousarray(physical, np.float32),
        fs=float(record.fs),
        leads=lead_names(names),
        labels=entry.labels,
        units=units,
    )


def read_header(path: Path, entry: Entry) -> Record:
    """What the header of the WFDB record at `path` (without suffix) says, as a record without signal.

    Raises RecordError: no header, or one that is none.
    """
    try:
        header = wfdb_package().rdheader(str(path))
        leads, samples, fs = lead_names(header.sig_name), int(header.sig_len), float(header.fs)
    except Exception as error:  # wfdb answers damaged headers with almost any exception
        raise RecordError(_why_unreadable(path, error)) from None
    if fs <= 0:
        raise RecordError(f"{path}.hea: sampling rate {fs:g} Hz is not possible")
    return Record(entry.name, entry.patient, None, fs, leads, entry.labels, header_samples=samples)


def lead_names(names: Iterable[str | None]) -> tuple[str, ...]:
    """A header's lead names as the standard spells them; one that several leads share is numbered: "ECG 1", "ECG 2"."""
    spelt = [standard_lead(name or f"lead {i}") for i, name in enumerate(names, start=1)]
    earlier = [spelt[:i].count(name) for i, name in enumerate(spelt)]
    return tuple(
        name if spelt.count(name) == 1 else f"{name} {count + 1}" for name, count in zip(spelt, earlier, strict=True)
    )


@functools.cache
def wfdb_package():
    """The wfdb package, imported at its first use: it takes 0.4 s and pandas, and warns about its use of pandas."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb
    return wfdb


def _verify_checksums(path: Path, record) -> None:
    """Every lead's samples must add up, modulo 65536, to its header's checksum."""
    as_stored = record.checksum and set(record.samps_per_frame) == {1} and not any(record.skew or ())
    if not as_stored:  # several samples a frame are averaged and skew is corrected on reading: the sums differ
        return
    sums = record.d_signal.sum(axis=0, dtype=np.int64) % 65536
    for column, (total, checksum) in enumerate(zip(sums, record.checksum, strict=True)):
        if checksum and total != checksum % 65536:
            file, lead = path.parent / record.file_name[column], record.sig_name[column]
            raise RecordError(f"{file} is damaged: lead {lead} does not add up to the checksum in {path.name}.hea")


def _why_unreadable(path: Path, error: Exception) -> str:
    """One line that names the file at fault, after wfdb failed on the record at `path`."""
    header = path.with_name(path.name + ".hea")
    if not header.is_file():
        return f"{header} is missing"
    try:
        files = dict.fromkeys(wfdb_package().rdheader(str(path)).file_name or ())
    except Exception:
        return f"{header} is not a WFDB header: {one_line(error)}"
    for file in files:
        if not (path.parent / file).is_file():
            return f"{path.parent / file} is missing"
    named = " or ".join(str(path.parent / file) for file in files) or "the signal"
    return f"{named} is truncated or corrupt, or {header.name} does not describe it: {one_line(error)}"


def one_line(error: Exception) -> str:
    """What an exception of another library says, on one line, without names of Python objects."""
    return " ".join(re.sub(r"<[^>]*>", "it", str(error)).split())[:160] or type(error).__name__
