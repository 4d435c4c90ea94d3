"""Targets that read the file of a recording: what they have in common."""

import math
import warnings
from pathlib import Path

import numpy as np

from ecg_edge.records.formats.format_registry import check_files, identify_files, read_record
from ecg_edge.records.signal_description import SignalDescription
from fuzz.fuzzing import FuzzTarget


class RecordTarget(FuzzTarget):
    """Reads the content as a file of a recording.

    Attributes:
        file: Name of the file.
        stated: What is stated about its signal.
    """

    file: str
    stated = SignalDescription()

    def attempt(self, content, folder):
        path = Path(folder) / self.file
        path.write_bytes(content)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            record = read_record(path, stated=self.stated)
        if caught:
            return f"a warning is printed: {caught[0].message!s:.100}"
        list(identify_files(str(path.with_suffix(""))))
        remarks = check_files(path.with_suffix(""))
        return check_record(record) or next((f"remark {text!r}" for text in remarks if not text.isprintable()), None)

    def check_refusal(self, message):
        if self.file.partition(".")[0] not in message:
            return f"refused without the file's name: {message!r}"
        return super().check_refusal(message)


def check_record(record) -> str | None:
    """What is wrong with a record that was read; None where it may be true."""
    if record.signal is None or record.signal.dtype != np.float32 or record.signal.ndim != 2 or not record.signal.size:
        return "no signal of float32"
    if np.isinf(record.signal).any():
        return "infinite values"
    if not (math.isfinite(record.fs) and record.fs > 0):
        return f"sampling rate {record.fs}"
    if record.signal.shape[1] != len(record.leads) or len(set(record.leads)) != len(record.leads):
        return f"{record.signal.shape[1]} columns, leads {record.leads}"
    return None
