"""numpy arrays: .npy, or .npz with one array or one called signal, ecg or data, and perhaps fs, units and leads.

An array is (samples,), (samples, leads) or (leads, samples): the number of leads tells which.
"""

import math
import warnings
import zipfile
from pathlib import Path

import numpy as np

from ecg_edge.records.formats.lead_signals import LARGEST_VALUES, FileSignal, make_record, select_leads, to_float32
from ecg_edge.records.formats.record_format import SingleFileFormat
from ecg_edge.records.record import Entry, Record
from ecg_edge.records.record_error import RecordError, describe_error

SIGNAL_NAMES = ("signal", "ecg", "data")
FACTS = ("fs", "units", "leads")
LARGEST_RATIO = 1000  # of a compressed file's content to itself


class NumpyFormat(SingleFileFormat):
    """See the module."""

    name = "numpy"
    suffixes = (".npy", ".npz")
    largest_bytes = 2**33

    def recognises(self, head: bytes) -> bool:
        return head[:6] == b"\x93NUMPY" or (head[:4] == b"PK\x03\x04" and b".npy" in head[:300])

    def read(self, stem: Path, entry: Entry) -> Record:
        path, size = self.open_main_file(stem)
        try:
            with warnings.catch_warnings():  # numpy warns of old headers
                warnings.simplefilter("ignore")
                array, facts = _load(path, size)
        except RecordError:
            raise
        except Exception as error:  # of a damaged file almost any
            raise RecordError(f"{path} is damaged: {describe_error(error)}") from None
        if array.dtype.kind not in "iuf" or array.ndim not in (1, 2) or not array.size:
            raise RecordError(
                f"{path} holds {array.dtype} of shape {array.shape}: a signal is (samples, leads) of numbers"
            )
        stated, own_fs = entry.stated, facts.get("fs")
        fs, unit = own_fs or stated.fs, facts.get("units", "")
        own_leads = facts.get("leads", ())
        leads = own_leads or stated.leads or (("ECG",) if array.ndim == 1 or 1 in array.shape else ())
        missing = [
            text
            for text, known in (
                ("its sampling rate with fs (--fs)", fs),
                ("its unit with units (--units)", unit or stated.units),
                ("its leads with leads (--leads I,II)", leads),
            )
            if not known
        ]
        if missing or not fs:
            raise RecordError(f"{path} does not say it: state {' and '.join(missing)}")
        columns = _orient(path, array, len(leads))
        signals = [FileSignal(name, unit, float(fs), len(columns)) for name in leads]
        chosen, scales, unit = select_leads(path, signals, entry, all_leads=True)
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = [columns[:, i] * np.float64(scale) for i, scale in zip(chosen, scales, strict=True)]
        signal = to_float32(np.stack(scaled, axis=1))
        return make_record(path, [leads[i] for i in chosen], signal, float(fs), entry, unit)


def _load(path: str, size: int) -> tuple[np.ndarray, dict]:
    """The signal of a file and what it says of it. Raises RecordError, or almost any error for a damaged file."""
    if not zipfile.is_zipfile(path):
        return np.load(path, mmap_mode="r", allow_pickle=False), {}
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(info.file_size for info in archive.infolist())
    if unpacked > min(8 * LARGEST_VALUES, LARGEST_RATIO * size):
        raise RecordError(f"{path} would hold {unpacked} bytes unpacked: no recording does")
    with np.load(path, allow_pickle=False) as arrays:
        names = [name for name in arrays.files if name not in FACTS]
        chosen = next((name for name in SIGNAL_NAMES if name in names), names[0] if len(names) == 1 else None)
        if chosen is None:
            raise RecordError(f"{path} holds several arrays ({', '.join(names[:9])}): call the signal's signal")
        facts: dict = {}
        if "fs" in arrays.files:
            facts["fs"] = float(arrays["fs"])
            if not (math.isfinite(facts["fs"]) and facts["fs"] > 0):
                raise RecordError(f"{path} states a sampling rate of {facts['fs']} Hz")
        if "units" in arrays.files:
            facts["units"] = str(arrays["units"])
        if "leads" in arrays.files:
            facts["leads"] = tuple(map(str, np.atleast_1d(arrays["leads"])))
        return arrays[chosen], facts


def _orient(path: str, array: np.ndarray, leads: int) -> np.ndarray:
    """The array as (samples, leads). Raises RecordError: its shape does not tell which axis is which."""
    if array.ndim == 1:
        array = array[:, None]
    if (array.shape == (leads, leads) and leads > 1) or leads not in array.shape:
        raise RecordError(f"{path} has shape {array.shape}, and {leads} leads are named")
    return array if array.shape[1] == leads else array.T
