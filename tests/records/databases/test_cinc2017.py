from collections import Counter

import numpy as np
import pytest

from ecg_edge.records.databases.cinc2017 import Cinc2017
from ecg_edge.records.record_error import RecordError
from firmware_bench.runtime.errors import InputError

DATABASE = Cinc2017()


def test_unnamed_lead_is_lead_i(tmp_path, write_record):
    write_record(tmp_path, "A00001", leads=("ECG",), fs=300)
    (tmp_path / "REFERENCE.csv").write_text("A00001,~\n")
    assert DATABASE.is_at(tmp_path)
    (entry,) = DATABASE.index(tmp_path)
    record = DATABASE.read(tmp_path, entry)
    assert (record.leads, record.labels, record.patient) == (("I",), ("~",), "A00001")


def test_official_folders(tmp_path, write_record):
    for place in ("training/A00", "validation"):
        write_record(tmp_path / place, "A00001", leads=("ECG",))
    (tmp_path / "training" / "REFERENCE.csv").write_text("A00001,O\n")
    (tmp_path / "REFERENCE-v3.csv").write_text("A00001,N\nA00002,A\n")
    entries = DATABASE.index(tmp_path)
    assert [(entry.path, entry.labels) for entry in entries] == [("training/A00/A00001", ("N",)), ("A00002", ("A",))]
    with pytest.raises(RecordError, match="A00002.hea is missing"):
        DATABASE.read(tmp_path, entries[1])


def test_a_line_without_label_is_refused(tmp_path):
    (tmp_path / "REFERENCE.csv").write_text("A00001,N\nA00002\n")
    with pytest.raises(InputError, match="line 2"):
        DATABASE.index(tmp_path)


def test_real_recordings(real_data):
    folder = real_data("cinc2017")
    assert DATABASE.is_at(folder)
    entries = DATABASE.index(folder)
    assert Counter(entry.labels[0] for entry in entries) == {"N": 4481, "O": 2132, "A": 669, "~": 246}
    record = DATABASE.read(folder, entries[0])
    assert (record.name, record.fs, record.signal.shape) == ("A00001", 300.0, (9000, 1))
    assert record.signal[0, 0] == np.float32(-0.127)
