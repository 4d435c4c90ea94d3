"""Recordings are found and read by path, with or without a suffix, whatever their format."""

import numpy as np
import pytest
import scipy.io

from ecg_edge.records.formats.format_registry import FORMATS, SUFFIXES, find_format, identify_files, read_record
from ecg_edge.records.formats.record_format import RecordFormat
from ecg_edge.records.record import STANDARD_LEADS, Entry
from ecg_edge.records.record_error import RecordError


def write_struct(path):
    data = np.random.default_rng(0).normal(size=(12, 700))
    scipy.io.savemat(path, {"ECG": {"data": data}})
    return data


@pytest.mark.parametrize("suffix", ["", ".hea", ".dat", ".mat"])
def test_a_recording_is_read_by_its_stem_or_by_any_of_its_files(tmp_path, write_record, suffix):
    signal = write_record(tmp_path, "r")
    record = read_record(tmp_path / f"r{suffix}")
    assert (record.name, record.patient) == (str(tmp_path / "r"), "r")
    np.testing.assert_allclose(record.signal, signal, atol=1e-3)
    assert read_record(tmp_path / f"r{suffix}", Entry("x", "r", "p", ("N",))).labels == ("N",)


def test_a_challenge_struct_is_read_where_there_is_no_header(tmp_path, write_record):
    data = write_struct(tmp_path / "r.mat")
    record = read_record(tmp_path / "r")
    assert (record.fs, record.leads) == (500.0, STANDARD_LEADS)
    np.testing.assert_allclose(record.signal, data.T, rtol=1e-6)
    write_record(tmp_path, "r", leads=("I",))
    assert read_record(tmp_path / "r.mat").leads == ("I",)


def test_other_suffixes_belong_to_the_name(tmp_path, write_record):
    write_record(tmp_path, "visit2")
    for end in (".hea", ".dat"):
        (tmp_path / f"visit2{end}").rename(tmp_path / f"visit.2{end}")
    assert find_format(tmp_path / "visit.2")[1] == tmp_path / "visit.2"
    assert {file.rpartition("/")[2] for file, _ in identify_files(str(tmp_path / "visit.2"))} == {
        "visit.2.hea",
        "visit2.dat",
    }


def test_unreadable_files_are_named(tmp_path):
    (tmp_path / "holter.pdf").write_bytes(b"%PDF")
    with pytest.raises(RecordError, match=r"holter\.pdf is in no known format: recordings are read from WFDB \(\.hea"):
        read_record(tmp_path / "holter.pdf")
    for name in ("r", "r.dat"):
        with pytest.raises(RecordError, match=r"r\.hea is missing"):
            read_record(tmp_path / name)
    assert list(identify_files(str(tmp_path / "r"))) == []


def test_formats_have_different_names_and_main_suffixes_or_look_into_the_file():
    assert len({known.name for known in FORMATS}) == len(FORMATS)
    for suffix in SUFFIXES:
        own = [known for known in FORMATS if known.suffixes[0] == suffix]
        assert sum(type(known).is_at is RecordFormat.is_at for known in own) <= 1


def test_by_default_the_whole_file_identifies_a_recording(tmp_path):
    class Plain(RecordFormat):
        name, suffixes = "plain", (".plain",)

        def read(self, stem, entry):
            raise NotImplementedError

    (tmp_path / "r.plain").write_bytes(b"content")
    assert list(Plain().identity(str(tmp_path / "r"))) == [(str(tmp_path / "r.plain"), b"content")]
