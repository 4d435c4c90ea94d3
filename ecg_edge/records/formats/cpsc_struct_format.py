"""The MATLAB struct in which the China Physiological Signal Challenge 2018 publishes its recordings.

ECG.sex, ECG.age and ECG.data: (12, samples) in mV at 500 Hz, leads in the standard order (Liu et al., J. Med. Imaging
Health Inform. 8(7), 2018).
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ecg_edge.records.formats.record_format import RecordFormat
from ecg_edge.records.record import STANDARD_LEADS, Entry, Record
from ecg_edge.records.record_error import RecordError, describe_error

FS = 500.0  # Hz; the struct does not state it
IDENTIFYING_BYTES = 256, 64  # of the file's start and end: a compressed MATLAB file ends in a checksum


class CpscStructFormat(RecordFormat):
    """See the module."""

    name = "CPSC 2018 MATLAB struct"
    suffixes = (".mat",)

    def read(self, stem: Path, entry: Entry) -> Record:
        """Read a recording. Raises RecordError: the file is missing or corrupt, or holds no such struct."""
        import scipy.io

        path = self.main_file(stem)
        try:
            data = np.asarray(scipy.io.loadmat(path)["ECG"]["data"][0, 0], np.float32)
        except KeyError:
            raise RecordError(f"{path} holds no struct 'ECG', and no header {stem.name}.hea stands beside it") from None
        except Exception as error:  # scipy raises almost any exception for damaged files
            raise RecordError(f"{path} is truncated or corrupt: {describe_error(error)}") from None
        if data.ndim != 2 or len(data) != len(STANDARD_LEADS) or not data.size:
            raise RecordError(f"{path}: ECG.data is {data.shape}, expected (12, samples)")
        signal = np.ascontiguousarray(data.T)
        return Record(entry.name, entry.patient, signal, FS, STANDARD_LEADS, entry.labels)

    def identity(self, stem: str) -> Iterator[tuple[str, bytes]]:
        path = self.main_file(stem)
        start, end = IDENTIFYING_BYTES
        with open(path, "rb") as file:
            content = file.read(start)
            file.seek(max(0, os.fstat(file.fileno()).st_size - end))
            yield path, content + file.read()
