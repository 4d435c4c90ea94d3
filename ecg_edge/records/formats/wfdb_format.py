"""WFDB records: a header (.hea) and signal files of any WFDB format, as on PhysioNet.

https://physionet.org/physiotools/wag/header-5.htm, signal-5.htm. The wfdb package decodes signal files; physical units,
checks and messages are made here.
"""

import functools
import os
import types
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ecg_edge.records.formats.record_format import RecordFormat
from ecg_edge.records.record import Entry, Record, standard_lead_names
from ecg_edge.records.record_error import RecordError, describe_error

MILLIVOLTS = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6, "v": 1e3}  # both Unicode signs for micro
COMPRESSED_FORMATS = ("508", "516", "524")  # FLAC
BYTES_PER_SAMPLE = {"16": 2, "24": 3, "32": 4, "61": 2, "80": 1, "160": 2, "212": 1.5, "310": 4 / 3, "311": 4 / 3}


class WfdbFormat(RecordFormat):
    """See the module."""

    name = "WFDB"
    suffixes = (".hea", ".dat", ".mat")

    def read(self, stem: Path, entry: Entry) -> Record:
        return read_wfdb(stem, entry)

    def identity(self, stem: str) -> Iterator[tuple[str, bytes]]:
        """The header and the annotations whole; of the signal files the name alone: the header has their checksums."""
        with open(self.main_file(stem), "rb") as file:
            header = file.read()
        yield self.main_file(stem), header
        signal_lines = [line.split() for line in header.splitlines()[1:] if not line.startswith(b"#")]
        for name in sorted({os.fsdecode(line[0]) for line in signal_lines if line}):
            yield os.path.join(os.path.dirname(stem), name), b""
        if os.path.isfile(f"{stem}.atr"):
            with open(f"{stem}.atr", "rb") as file:
                yield f"{stem}.atr", file.read()

    def check_files(self, stem: Path) -> list[str]:
        """Signal files that hold more samples than the header states; fewer are an error on reading."""
        header = import_wfdb().rdheader(str(stem))
        remarks = []
        for file in dict.fromkeys(header.file_name or ()):
            columns = [i for i, name in enumerate(header.file_name) if name == file]
            surplus = _surplus_samples(header, stem.parent / file, columns)
            per_frame = sum(header.samps_per_frame[i] for i in columns)
            if surplus >= per_frame:
                remarks.append(f"wrong length: {file} holds {surplus // per_frame} samples more than the header says")
        return remarks


def read_wfdb(stem: Path | str, entry: Entry | None = None) -> Record:
    """Read a WFDB record and verify it.

    Leads that are not voltages (respiration, pressure) are left out where others are; where none is (normalised
    signals, "NU"), all are kept in their own units.

    Args:
        stem: The record's path without suffix.
        entry: Gives the record's name, patient and labels; by default the file's name.

    Returns:
        The record: signal float32 (samples, leads) in mV by each lead's gain and baseline, NaN where the format marks a
        sample as invalid.

    Raises:
        RecordError: Missing or corrupt files, fewer samples than the header states, or samples that do not add up to
            its checksum (0 means "not computed", as in CinC 2017's original headers).
    """
    stem = Path(stem)
    entry = entry or Entry(stem.name, stem.name, stem.name)
    try:
        record = import_wfdb().rdrecord(str(stem), physical=False, return_res=32)
        digital = record.d_signal
    except Exception as error:  # wfdb and libsndfile raise almost any exception for damaged files
        raise RecordError(_explain_unreadable(stem, error)) from None
    if digital is None or digital.size == 0:
        raise RecordError(f"{stem}.hea describes no samples")
    if not record.fs or record.fs <= 0:
        raise RecordError(f"{stem}.hea: sampling rate {record.fs} Hz is not possible")
    _verify_checksums(stem, record)
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
        leads=standard_lead_names(names),
        labels=entry.labels,
        units=units,
    )


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
    try:
        header = import_wfdb().rdheader(str(stem))
        leads, samples, fs = standard_lead_names(header.sig_name), int(header.sig_len), float(header.fs)
    except Exception as error:  # wfdb raises almost any exception for damaged headers
        raise RecordError(_explain_unreadable(stem, error)) from None
    if fs <= 0:
        raise RecordError(f"{stem}.hea: sampling rate {fs:g} Hz is not possible")
    return Record(entry.name, entry.patient, None, fs, leads, entry.labels, header_samples=samples)


@functools.cache
def import_wfdb() -> types.ModuleType:
    """The wfdb package, imported at its first use: it takes 0.4 s and pandas, and warns about its use of pandas."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb
    return wfdb


def _verify_checksums(stem: Path, record) -> None:
    """Raise RecordError where a lead's samples do not add up, modulo 65536, to its header's checksum."""
    as_stored = record.checksum and set(record.samps_per_frame) == {1} and not any(record.skew or ())
    if not as_stored:  # several samples a frame are averaged and skew is corrected on reading: the sums differ
        return
    sums = record.d_signal.sum(axis=0, dtype=np.int64) % 65536
    for column, (total, checksum) in enumerate(zip(sums, record.checksum, strict=True)):
        if checksum and total != checksum % 65536:
            file, lead = stem.parent / record.file_name[column], record.sig_name[column]
            raise RecordError(f"{file} is damaged: lead {lead} does not add up to the checksum in {stem.name}.hea")


def _surplus_samples(header, file: Path, columns: list[int]) -> int:
    """How many samples `file` holds beyond those that the header states for its signals `columns`; 0 where unknown."""
    samples = header.sig_len * sum(header.samps_per_frame[i] for i in columns)
    form = header.fmt[columns[0]]
    if form in COMPRESSED_FORMATS:
        import soundfile

        return soundfile.info(file).frames * len(columns) - samples
    if form in BYTES_PER_SAMPLE:
        size = file.stat().st_size - (header.byte_offset[columns[0]] or 0)
        return int(size / BYTES_PER_SAMPLE[form]) - samples
    return 0


def _explain_unreadable(stem: Path, error: Exception) -> str:
    """One line that names the file at fault, after wfdb failed on the record at `stem`."""
    header = stem.with_name(stem.name + ".hea")
    if not header.is_file():
        return f"{header} is missing"
    try:
        files = dict.fromkeys(import_wfdb().rdheader(str(stem)).file_name or ())
    except Exception:
        return f"{header} is not a WFDB header: {describe_error(error)}"
    for file in files:
        if not (stem.parent / file).is_file():
            return f"{stem.parent / file} is missing"
    named = " or ".join(str(stem.parent / file) for file in files) or "the signal"
    return f"{named} is truncated or corrupt, or {header.name} does not describe it: {describe_error(error)}"
