import numpy as np
import pytest
import scipy.io

from ecg_edge.records.databases.cpsc2018 import CLASSES, Cpsc2018
from ecg_edge.records.record import STANDARD_LEADS
from ecg_edge.records.record_error import RecordError
from firmware_bench.runtime.errors import InputError

DATABASE = Cpsc2018()
REFERENCE = "Recording,First_label,Second_label,Third_label\n"


def write_struct(path, samples=3000):
    data = np.random.default_rng(0).normal(size=(12, samples))
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, {"ECG": {"sex": "Male", "age": 43, "data": data}}, do_compression=True)
    return data


def test_wfdb_form_and_struct_in_one_folder(tmp_path, write_record):
    write_record(tmp_path / "training", "A0001", leads=STANDARD_LEADS[::-1])
    for place in ("training", "z_copies"):
        write_struct(tmp_path / place / "A0001.mat")  # the same recording again
    data = write_struct(tmp_path / "original_mat" / "A0002.mat")
    (tmp_path / "REFERENCE.csv").write_text(REFERENCE + "A0001,5,2,\nA0002,1,,\n")
    assert DATABASE.is_at(tmp_path)
    first, second = DATABASE.index(tmp_path)
    assert (first.path, first.labels) == ("training/A0001", ("RBBB", "AF"))
    assert (second.path, second.labels) == ("original_mat/A0002", ("SNR",))
    assert DATABASE.read(tmp_path, first).leads == STANDARD_LEADS[::-1]
    record = DATABASE.read(tmp_path, second)
    assert (record.fs, record.leads, record.units) == (500.0, STANDARD_LEADS, "mV")
    np.testing.assert_array_equal(record.signal, data.T.astype(np.float32))


@pytest.mark.parametrize("dx", ["STE,AF", "164931005,164889003"])
def test_labels_from_headers_by_name_or_snomed_code(tmp_path, write_record, dx):
    write_record(tmp_path / "training" / "cpsc_2018" / "g1", "A0001", leads=STANDARD_LEADS, comments=[f"Dx: {dx}"])
    assert DATABASE.is_at(tmp_path)
    (entry,) = DATABASE.index(tmp_path)
    assert (entry.path, entry.labels) == ("training/cpsc_2018/g1/A0001", ("STE", "AF"))
    assert DATABASE.check_labels(tmp_path) == []


def test_a_header_that_contradicts_the_reference_is_reported(tmp_path, write_record):
    write_record(tmp_path, "A0001", leads=STANDARD_LEADS, comments=["Dx: Normal"])
    (tmp_path / "REFERENCE.csv").write_text(REFERENCE + "A0001,9,,\n")
    assert DATABASE.index(tmp_path)[0].labels == ("STE",)
    assert DATABASE.check_labels(tmp_path) == [("A0001", "header says SNR, REFERENCE.csv STE")]


def test_damaged_struct_and_missing_recording_are_named(tmp_path):
    file = tmp_path / "A0001.mat"
    write_struct(file)
    (tmp_path / "REFERENCE.csv").write_text(REFERENCE + "A0001,1,,\nA0002,1,,\nA0003,1,,\nA0004,1,,\n")
    scipy.io.savemat(tmp_path / "A0003.mat", {"val": np.zeros((12, 100))})
    scipy.io.savemat(tmp_path / "A0004.mat", {"ECG": {"data": np.zeros((100, 12))}})
    good = file.read_bytes()
    entries = DATABASE.index(tmp_path)
    for damaged in (good[:1000], good[:-100], b"", good[:500] + b"\xff" * 50 + good[550:]):
        file.write_bytes(damaged)
        with pytest.raises(RecordError, match=r"A0001\.mat is truncated or corrupt"):
            DATABASE.read(tmp_path, entries[0])
    for entry, why in zip(entries[1:], ("A0002.hea is missing", "holds no struct", "expected"), strict=True):
        with pytest.raises(RecordError, match=why):
            DATABASE.read(tmp_path, entry)


def test_no_labels_anywhere(tmp_path, write_record):
    write_record(tmp_path, "A0001", leads=STANDARD_LEADS)
    with pytest.raises(InputError, match="no REFERENCE.csv"):
        DATABASE.index(tmp_path)


def test_real_recordings(real_data):
    folder = real_data("cpsc2018")
    assert DATABASE.is_at(folder)
    entries = {entry.name: entry for entry in DATABASE.index(folder)}
    assert len(entries) == 133
    assert {label for entry in entries.values() for label in entry.labels} == set(CLASSES)
    assert entries["A0079"].labels == ("RBBB", "AF")
    record = DATABASE.read(folder, entries["A0001"])
    assert (record.signal.shape, record.leads) == ((7500, 12), STANDARD_LEADS)
    assert record.signal[0, 6] == np.float32(-0.29)
    struct = DATABASE.read(folder, entries["A1960"])
    assert struct.signal.shape == (9593, 12)
    assert struct.signal[0, 0] == pytest.approx(-0.02374747)
    assert DATABASE.check_labels(folder) == []
