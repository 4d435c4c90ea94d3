"""ISHNE Holter files against values written here."""

import struct

import numpy as np
import pytest
from small_files import HOLTER, ishne

from ecg_edge.records.formats.format_registry import check_files, read_record
from ecg_edge.records.record_error import RecordError
from ecg_edge.records.signal_description import SignalDescription


def test_samples_are_scaled_and_lead_faults_are_gaps(tmp_path):
    (tmp_path / "r.ecg").write_bytes(ishne())
    record = read_record(tmp_path / "r.ecg")
    expected = np.where(HOLTER == -32768, np.nan, HOLTER * np.array([2500, 5000, 1000]) * 1e-6)
    assert record.leads == ("I", "V3") and record.fs == 200.0  # a lead without a name among others with one is left out
    np.testing.assert_allclose(record.signal, expected[:, :2], rtol=1e-6)
    (tmp_path / "s.ecg").write_bytes(ishne(codes=(0, 1, 1)))
    assert read_record(tmp_path / "s").leads == ("channel 1", "channel 2", "channel 3")
    assert check_files(tmp_path / "r") == []


def test_the_checksum_may_be_in_either_order_or_absent(tmp_path):
    content = bytearray(ishne())
    content[8], content[9] = content[9], content[8]
    (tmp_path / "swapped.ecg").write_bytes(content)
    (tmp_path / "none.ecg").write_bytes(content[:8] + b"\0\0" + content[10:])
    for name in ("swapped", "none"):
        assert read_record(tmp_path / name).samples == 1000


def test_a_unit_that_is_missing_is_asked_for(tmp_path):
    (tmp_path / "r.ecg").write_bytes(ishne(nanovolts=(0, 0, 0)))
    with pytest.raises(RecordError, match=r"r\.ecg has no lead in a unit of voltage"):
        read_record(tmp_path / "r")
    record = read_record(tmp_path / "r", stated=SignalDescription(units="uV"))
    np.testing.assert_allclose(record.signal[:, 0], HOLTER[:, 0] / 1000, rtol=1e-6)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (ishne()[:-1], "truncated"),
        (ishne()[:-600], "truncated: it states 1000 samples, and holds 900 of each lead"),
        (ishne()[:300], "truncated: it ends within its header"),
        (ishne(crc=1), "checksum"),
        (ishne(fs=0), "0 Hz"),
        (ishne(counts=HOLTER[:0]), "no samples"),
        (ishne().replace(struct.pack("<i", 4), struct.pack("<i", 2**31 - 1), 1), "block of 2147483647 bytes"),
        (b"ISHNE2.0" + ishne()[8:], "in no known format"),
    ],
)
def test_damaged_files_are_named(tmp_path, content, complaint):
    (tmp_path / "r.ecg").write_bytes(content)
    with pytest.raises(RecordError, match=rf"r\.ecg.*{complaint}"):
        read_record(tmp_path / "r.ecg")


def test_other_lengths_are_remarks(tmp_path):
    (tmp_path / "r.ecg").write_bytes(ishne(stated=3000))
    assert check_files(tmp_path / "r") == []
    (tmp_path / "r.ecg").write_bytes(ishne(stated=990))
    assert check_files(tmp_path / "r") == ["wrong length: 10 samples more than the header says"]
