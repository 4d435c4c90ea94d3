"""WFDB records: a header (.hea) and signal files of any WFDB format.

Signal files are decoded by the wfdb package; physical units, checks and messages are made here.
"""

import functools
import warnings
from pathlib import Path

import numpy as np

from ecg_edge.records.record import Entry, Record, lead_names
from ecg_edge.records.record_error import RecordError, describe_error

MILLIVOLTS = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6, "v": 1e3}  # both Unicode signs for micro


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
        record = import_wfdb().rdrecord(str(path), physical=False, return_res=32)
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
        header = import_wfdb().rdheader(str(path))
        leads, samples, fs = lead_names(header.sig_name), int(header.sig_len), float(header.fs)
    except Exception as error:  # wfdb answers damaged headers with almost any exception
        raise RecordError(_why_unreadable(path, error)) from None
    if fs <= 0:
        raise RecordError(f"{path}.hea: sampling rate {fs:g} Hz is not possible")
    return Record(entry.name, entry.patient, None, fs, leads, entry.labels, header_samples=samples)


@functools.cache
def import_wfdb():
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
        files = dict.fromkeys(import_wfdb().rdheader(str(path)).file_name or ())
    except Exception:
        return f"{header} is not a WFDB header: {describe_error(error)}"
    for file in files:
        if not (path.parent / file).is_file():
            return f"{path.parent / file} is missing"
    named = " or ".join(str(path.parent / file) for file in files) or "the signal"
    return f"{named} is truncated or corrupt, or {header.name} does not describe it: {describe_error(error)}"
