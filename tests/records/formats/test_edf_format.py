"""EDF and BDF files: signal, unit, rate and gaps, against values computed here by hand."""

import struct

import numpy as np
import pytest
from small_files import RAMP, ecg, edf

from ecg_edge.records.formats.format_registry import check_files, identify_files, read_record
from ecg_edge.records.record_error import RecordError
from ecg_edge.records.signal_description import SignalDescription


@pytest.mark.parametrize(("unit", "factor"), [("uV", 1e-3), ("µV", 1e-3), ("mV", 1), ("V", 1e3), ("nV", 1e-6)])
def test_values_are_those_of_the_stated_ranges_in_mv(tmp_path, unit, factor):
    (tmp_path / "r.edf").write_bytes(edf([ecg(unit=unit)]))
    record = read_record(tmp_path / "r.edf")
    physical = (RAMP.astype(float) + 2048) * 6000 / 4095 - 3000
    np.testing.assert_allclose(record.signal[:, 0], physical * factor, rtol=1e-6, atol=1e-6 * factor)
    assert (record.fs, record.leads, record.units, record.name) == (250.0, ("ECG",), "mV", str(tmp_path / "r"))


def test_the_rate_is_exact(tmp_path):
    (tmp_path / "r.edf").write_bytes(edf([ecg()], seconds=1.953887))
    assert read_record(tmp_path / "r").fs == pytest.approx(250 / 1.953887, rel=1e-12)


def test_an_inverted_range_inverts_the_signal(tmp_path):
    (tmp_path / "r.edf").write_bytes(edf([ecg(physical=(3000, -3000))]))
    (tmp_path / "s.edf").write_bytes(edf([ecg()]))
    np.testing.assert_allclose(read_record(tmp_path / "r").signal, -read_record(tmp_path / "s").signal, atol=1e-6)


def test_bdf_has_24_bits_a_sample(tmp_path):
    values = np.arange(-8388608, 8388608, 16777, dtype=np.int32)[:1000]
    signal = ecg(values=values, physical=(-262144, 262143), digital=(-8388608, 8388607))
    (tmp_path / "r.bdf").write_bytes(edf([signal], version=b"\xffBIOSEMI", reserved="24BIT"))
    expected = (values + 8388608.0) * (524287 / 16777215) - 262144
    np.testing.assert_allclose(read_record(tmp_path / "r").signal[:, 0], expected / 1000, rtol=1e-5, atol=1e-5)


def test_the_gaps_of_an_interrupted_recording_are_gaps(tmp_path):
    content = edf([ecg()], reserved="EDF+D", onsets=[0.5, 1.5, 4.5, 5.5])
    (tmp_path / "r.edf").write_bytes(content)
    record = read_record(tmp_path / "r")
    missing = np.isnan(record.signal[:, 0])
    assert record.samples == 1500 and missing[500:1000].all() and missing.sum() == 500
    (tmp_path / "c.edf").write_bytes(edf([ecg()], reserved="EDF+C", onsets=[0, 1, 2, 3]))
    joined = read_record(tmp_path / "c").signal
    np.testing.assert_array_equal(record.signal[~missing], joined)
    for onsets in ([0, 1, 1.5, 3], [0, 2, 1, 3], [0, 1, 2, 1e8]):
        (tmp_path / "r.edf").write_bytes(edf([ecg()], reserved="EDF+D", onsets=onsets))
        with pytest.raises(RecordError, match=r"r\.edf is (damaged|interrupted)"):
            read_record(tmp_path / "r")


def test_a_value_outside_the_stated_range_is_no_sample(tmp_path):
    (tmp_path / "r.edf").write_bytes(edf([ecg(digital=(-400, 400))]))
    assert np.isnan(read_record(tmp_path / "r").signal[:, 0]).tolist() == (abs(RAMP) > 400).tolist()


def test_leads_are_chosen_by_name_then_by_unit_and_rate(tmp_path):
    half = RAMP[:500]
    signals = [
        ecg("EEG C3", per_record=250), ecg("EKG II"), ecg("ECG V1", values=half, per_record=125), ecg("Lead I"),
        ecg("Resp", "l/s"),
    ]  # fmt: skip
    (tmp_path / "r.edf").write_bytes(edf(signals))
    assert read_record(tmp_path / "r").leads == ("II", "I")
    (tmp_path / "r.edf").write_bytes(edf([ecg("ch1"), ecg("EMG"), ecg("CVP", "mmHg"), ecg("ch2")]))
    assert read_record(tmp_path / "r").leads == ("ch1", "ch2")
    (tmp_path / "r.edf").write_bytes(edf([ecg("EEG C3"), ecg("EMG")]))
    with pytest.raises(RecordError, match="has no ECG lead: its signals are EEG C3, EMG"):
        read_record(tmp_path / "r")


def test_a_unit_that_is_missing_is_asked_for_and_one_that_is_there_not_contradicted(tmp_path):
    (tmp_path / "r.edf").write_bytes(edf([ecg(unit="")]))
    with pytest.raises(RecordError, match=r"no lead in a unit of voltage \(.*not stated\).*units"):
        read_record(tmp_path / "r")
    stated = read_record(tmp_path / "r", stated=SignalDescription(units="mV", fs=250, leads=("V1",)))
    (tmp_path / "s.edf").write_bytes(edf([ecg(unit="mV")]))
    np.testing.assert_array_equal(stated.signal, read_record(tmp_path / "s").signal)
    assert stated.leads == ("V1",)
    for wrong in (SignalDescription(units="uV"), SignalDescription(fs=500), SignalDescription(leads=("I", "II"))):
        with pytest.raises(RecordError, match=r"s\.edf (states|has)"):
            read_record(tmp_path / "s", stated=wrong)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda content: content[:-10], "truncated: its header states 4 data records, and it holds 3"),
        (lambda content: content[:300], "truncated: it ends within its header"),
        (lambda content: b"1" + content[1:], "no EDF file"),
        (lambda content: content[:252] + b"9999" + content[256:], "number of signals"),
        (lambda content: content[:236] + b"99999999" + content[244:], "truncated"),
        (lambda content: content[:236] + b"0       " + content[244:], "no data records"),
        (lambda content: content[:244] + b"0       " + content[252:], "last 0 s"),
        (lambda content: content[:244] + b"nan     " + content[252:], "duration of a data record"),
        (lambda content: content.replace(b"-3000   ", b"-3,1    "), "range of signal"),
        (lambda content: content.replace(b"-2048   ", b"2047    "), "no lead in a unit of voltage"),
        (lambda content: content.replace(b"250     ", b"0       "), "samples of signal"),
    ],
)
def test_damaged_files_are_named(tmp_path, damage, complaint):
    content = edf([ecg()])
    assert damage(content) != content
    (tmp_path / "r.edf").write_bytes(damage(content))
    with pytest.raises(RecordError, match=rf"r\.edf.*{complaint}"):
        read_record(tmp_path / "r.edf")


def test_surplus_bytes_and_an_open_end_are_remarks(tmp_path):
    content = edf([ecg()])
    (tmp_path / "r.edf").write_bytes(content + b"\0" * 7)
    assert check_files(tmp_path / "r") == ["wrong length: 7 bytes more than the header says"]
    (tmp_path / "r.edf").write_bytes(edf([ecg()], records=-1) + b"\0" * 7)
    assert "(-1)" in check_files(tmp_path / "r")[0] and read_record(tmp_path / "r").samples == 1000
    before = dict(identify_files(str(tmp_path / "r")))
    (tmp_path / "r.edf").write_bytes(content[:-1] + b"\x7f")
    assert dict(identify_files(str(tmp_path / "r"))).keys() == before.keys()
    assert dict(identify_files(str(tmp_path / "r"))) != before


def test_the_sample_file_read_by_hand(real_data):
    path = real_data("format_samples") / "edf" / "test_generator_2_30s.edf"
    content = path.read_bytes()
    signals = int(content[252:256])
    labels = [content[256 + 16 * i : 272 + 16 * i].decode().strip() for i in range(signals)]
    column = labels.index("ECG")
    at = lambda offset, i: float(content[256 + offset * signals + 8 * i : 264 + offset * signals + 8 * i])  # noqa: E731
    low, high, d_low, d_high = (at(offset, column) for offset in (104, 112, 120, 128))
    counts = [int(at(216, i)) for i in range(signals)]
    start = 256 * (signals + 1)
    raw = np.array(struct.unpack(f"<{(len(content) - start) // 2}h", content[start:])).reshape(-1, sum(counts))
    digital = raw[:, sum(counts[:column]) : sum(counts[: column + 1])].ravel()
    record = read_record(path)
    expected = ((digital - d_low) / (d_high - d_low) * (high - low) + low) / 1000
    np.testing.assert_allclose(record.signal[:, 0], expected, rtol=1e-5, atol=1e-9)
    assert record.fs == counts[column] / float(content[244:252])
