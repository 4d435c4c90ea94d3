"""WFDB records as people have them, each against values made by hand."""

import os

import numpy as np
import pytest
from wfdb_files import Signal, write_record, write_signal_file

from ecg_edge.records.check import check
from ecg_edge.records.databases.labelled_folder import LabelledFolder
from ecg_edge.records.fingerprint import compute_cache_stamp, fingerprint
from ecg_edge.records.formats.format_registry import check_files
from ecg_edge.records.formats.wfdb_format import read_wfdb
from ecg_edge.records.record_error import RecordError


def digital(samples, low=-1000, high=1000, seed=0):
    return np.random.default_rng(seed).integers(low, high, samples)


def assert_reads(stem, expected, fs=250.0, leads=("I",)):
    record = read_wfdb(stem)
    assert (record.fs, record.leads, record.units) == (fs, leads, "mV")
    np.testing.assert_allclose(record.signal, expected, rtol=2e-7)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("sign", ["µ", "μ", "u"])
def test_unit_of_microvolts_with_the_micro_sign_in_utf_8_or_latin_1(tmp_path, sign, encoding):
    if (sign, encoding) == ("μ", "latin-1"):  # the Greek letter is not in Latin-1
        return
    values = digital(500)
    stem = write_record(tmp_path, "r", [(16, [Signal("Größe", values, 1.0, units=f"{sign}V")])], encoding=encoding)
    assert_reads(stem, values[:, None] * 1e-3, leads=("Größe",))


@pytest.mark.parametrize("unit", ["æV", "Â\u00b5V", "kV", "lV", "uV/bit", "?V", "m\ufffdV", "ÆÖ"])
def test_units_that_cannot_be_told_are_refused(tmp_path, unit):
    stem = write_record(tmp_path, "r", [(16, [Signal("I", digital(50)), Signal("II", digital(50), units=unit)])])
    with pytest.raises(RecordError, match=r"r\.hea: the unit .* of signal II is not known"):
        read_wfdb(stem)


def test_several_samples_per_frame_with_lost_samples(tmp_path):
    leads = [Signal(name, digital(400, seed=seed), per_frame=4) for seed, name in enumerate(("I", "II"))]
    leads[0].digital[[3, 7, 100]] = -32768
    low = Signal("RESP", digital(100), units="Ohm")
    slow = Signal("V9", digital(100))
    stem = write_record(tmp_path, "r", [(16, [leads[0], low, leads[1], slow])], rate="62.5")
    expected = np.stack([lead.digital / 200.0 for lead in leads], axis=1)
    expected[[3, 7, 100], 0] = np.nan
    assert_reads(stem, expected, 250.0, ("I", "II"))
    assert check_files(stem) == ["signals left out, beside leads in mV at 250 Hz: RESP (in Ohm), V9 (62.5 Hz)"]


@pytest.mark.parametrize("frames", ["", " 0"])
@pytest.mark.parametrize("form", [16, 212, 516])
def test_length_absent_or_0_means_unspecified(tmp_path, frames, form):
    values = digital(600)
    stem = write_record(tmp_path, "r", [(form, [Signal("I", values), Signal("II", values[::-1])])])
    header = stem.with_suffix(".hea")
    header.write_text(header.read_text().replace(" 250 600\n", f" 250{frames}\n"))
    assert_reads(stem, np.stack([values, values[::-1]], axis=1) / 200, leads=("I", "II"))
    assert check_files(stem) == []


def test_length_unspecified_and_files_of_different_length_is_refused(tmp_path):
    stem = write_record(tmp_path, "r", [(16, [Signal("I", digital(50))]), (16, [Signal("II", digital(60))])], frames=0)
    with pytest.raises(RecordError, match=r"r\.hea states no length, and its signal files differ in length"):
        read_wfdb(stem)


@pytest.mark.parametrize(
    ("record_line", "fields", "gain", "baseline", "name"),
    [
        ("r 1", "", 200, 0, "lead 1"),
        ("r 1 250", " 100", 100, 0, "lead 1"),
        ("r 1 2.5e2 300", " 1e2(5)", 100, 5, "lead 1"),
        ("r 1 250/1000(-7.5) 300", " 0", 200, 0, "lead 1"),
        ("r 1 250. 300 10:00", " 100/mV 12", 100, 0, "lead 1"),
        ("r 1 +250 300 10:00:00.5 1/2/2003", " 100/mV 12 7", 100, 7, "lead 1"),
        ("r 1 250 300 12-May-2020 12:33:59", " 100(0)/mV 12 7", 100, 0, "lead 1"),
        ("r\t1  250\t300 ", "\t100 12 7 {first} 0 0  left arm ", 100, 7, "left arm"),
    ],
)
def test_optional_fields_of_the_header(tmp_path, record_line, fields, gain, baseline, name):
    values = digital(300)
    write_signal_file(tmp_path / "r.dat", 16, [Signal("", values)])
    line = f"r.dat 16{fields.format(first=values[0])}"
    (tmp_path / "r.hea").write_text(f"#wfdb 10.7\r\n\r\n{record_line}\r\n# a comment\r\n{line}\r\n #Dx: 426783006\r\n")
    assert_reads(tmp_path / "r", (values[:, None] - baseline) / gain, leads=(name,))
    assert check_files(tmp_path / "r") == []


@pytest.mark.parametrize("gains", [(1000.0, 1000.0), (1000.0, 800.0)], ids=["equal gains", "different gains"])
def test_segments_of_fixed_layout_are_read_by_their_own_calibration(tmp_path, gains):
    parts, expected = [], []
    for number, (gain, unit, baseline) in enumerate(zip(gains, ("mV", "uV"), (0, 30), strict=True)):
        leads = [
            Signal(name, digital(200 + 100 * number, seed=number), gain, baseline, unit, checksum=True)
            for name in ("I", "II")
        ]
        parts.append(write_record(tmp_path, f"bed_{number}", [(16, leads)]).name)
        expected.append(np.stack([lead.physical(16) for lead in leads], axis=1))
    (tmp_path / "bed.hea").write_text(f"bed/2 2 250 500\n{parts[0]} 200\n{parts[1]} 300\n")
    assert_reads(tmp_path / "bed", np.concatenate(expected), leads=("I", "II"))
    assert check_files(tmp_path / "bed") == []
    (tmp_path / "bed_1.hea").write_text((tmp_path / "bed_1.hea").read_text().replace(" I\n", " V1\n"))
    with pytest.raises(RecordError, match=r"bed_1\.hea: its signals are V1, II, those of the record I, II"):
        read_wfdb(tmp_path / "bed")


def write_variable_layout(folder):
    """A record as MIMIC's: a layout, leads that come and go, a gap."""
    (folder / "m_layout.hea").write_text(
        "m_layout 3 125 0\n~ 0 1/mV 0 0 0 0 0 II\n~ 0 1/mV 0 0 0 0 0 V\n~ 0 1/mmHg 0 0 0 0 0 ABP\n"
    )
    both = Signal("II", digital(300, seed=1), 100.0), Signal("V", digital(300, seed=2), 50.0, 11)
    alone = Signal("ABP", digital(200, seed=3), 10.0, units="mmHg"), Signal("V", digital(200, seed=4), 25.0)
    write_record(folder, "m_1", [(16, list(both))], rate="125")
    write_record(folder, "m_2", [(212, list(alone))], rate="125")
    (folder / "m.hea").write_text("m/5 3 125 610\nm_layout 0\nm_1 300\n~ 100\nm_2 200\n~ 10\n")
    expected = np.full((610, 2), np.nan)
    expected[:300, 0], expected[:300, 1] = both[0].digital / 100, (both[1].digital - 11) / 50
    expected[400:600, 1] = alone[1].digital / 25
    return expected


def test_segments_of_variable_layout_with_gaps(tmp_path):
    expected = write_variable_layout(tmp_path)
    assert_reads(tmp_path / "m", expected, 125.0, ("II", "V"))
    assert check_files(tmp_path / "m") == ["signals left out, beside leads in mV at 125 Hz: ABP (in mmHg)"]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("m/5", "m/7", "m.hea is truncated: it states 7 segments and describes 5"),
        ("610", "600", "m.hea states 600 samples, and its segments have 610"),
        ("m_1 300\n~ 100", "m_1 299\n~ 101", "states 299 samples of segment m_1, and its header 300"),
        ("m_1 300", "m 300", "segment m consists of segments itself"),
        ("m_1 300", "../m_1 300", "'../m_1' leads out of the record's folder"),
        ("m_1 300", "m_9 300", "m_9.hea is missing"),
        ("m/5 3 125", "m/5 3 250", "its segments differ in sampling rate: 250 Hz in m.hea and 125 Hz in m_layout.hea"),
        ("m/5 3", "m/5 4", "states 4 signals, and its first segment describes 3"),
    ],
)
def test_segments_that_contradict_each_other_are_refused(tmp_path, old, new, why):
    write_variable_layout(tmp_path)
    header = tmp_path / "m.hea"
    header.write_text(header.read_text().replace(old, new))
    with pytest.raises(RecordError) as caught:
        read_wfdb(tmp_path / "m")
    assert why in str(caught.value)


def test_a_repaired_segment_changes_cache_stamp_and_fingerprint(tmp_path):
    write_variable_layout(tmp_path)
    (tmp_path / "labels.csv").write_text("record,label\nm,N\n")
    database = LabelledFolder(tmp_path)
    first = fingerprint(database, tmp_path, database.index(tmp_path))
    stamp = compute_cache_stamp(database, tmp_path, database.index(tmp_path))
    times = os.stat(tmp_path / "m_1_0.dat").st_mtime_ns
    repaired = [Signal("II", digital(300, seed=8), 100.0), Signal("V", digital(300, seed=2), 50.0, 11)]
    write_record(tmp_path, "m_1", [(16, repaired)], rate="125")
    os.utime(tmp_path / "m_1_0.dat", ns=(times, times))
    assert fingerprint(database, tmp_path, database.index(tmp_path)) != first
    assert compute_cache_stamp(database, tmp_path, database.index(tmp_path)) != stamp
    stamp = compute_cache_stamp(database, tmp_path, database.index(tmp_path))
    os.utime(tmp_path / "m_1_0.dat", ns=(times + 10**9, times + 10**9))
    assert compute_cache_stamp(database, tmp_path, database.index(tmp_path)) != stamp


def test_segments_are_no_recordings_without_label(tmp_path):
    write_variable_layout(tmp_path)
    write_record(tmp_path, "other", [(16, [Signal("II", digital(300, seed=9))])], rate="125")
    (tmp_path / "labels.csv").write_text("record,label\nm,N\n")
    report = check(LabelledFolder(tmp_path), tmp_path)
    assert [found.record for found in report.findings if found.text == "recording without label"] == ["other"]


@pytest.mark.parametrize(("form", "checksum"), [(32, True), (24, True), (524, True), (16, False)])
def test_samples_that_no_checksum_sees_change_the_fingerprint(tmp_path, form, checksum):
    """The header's sum is modulo 65536: bits above the 16th do not change it."""
    (tmp_path / "labels.csv").write_text("record,label\nr,N\n")
    marks = set()
    for bit in (0, 1 << 16) if checksum else (0, 1):
        values = digital(50)
        values[7] ^= bit
        write_record(tmp_path, "r", [(form, [Signal("I", values, checksum=checksum)])])
        database = LabelledFolder(tmp_path)
        marks.add(fingerprint(database, tmp_path, database.index(tmp_path)))
    assert len(marks) == 2


def test_skewed_signals_are_aligned(tmp_path):
    values = digital(100)
    late = Signal("II", np.concatenate([[0, 1, 2], values[:-3]]), skew=3)
    stem = write_record(tmp_path, "r", [(16, [Signal("I", values), late])])
    expected = np.stack([values, values], axis=1) / 200
    expected[-3:, 1] = np.nan
    assert_reads(stem, expected, leads=("I", "II"))


def test_checksums_are_verified_in_frames_skews_and_segments(tmp_path):
    frames = [Signal("I", digital(400), per_frame=4, skew=2), Signal("RESP", digital(100), units="Ohm")]
    write_record(tmp_path, "r_1", [(16, frames)])
    (tmp_path / "r.hea").write_text("r/1 2 250 100\nr_1 100\n")
    read_wfdb(tmp_path / "r")
    for position, lead in ((1, "I"), (4, "RESP")):  # a frame is four samples of I, one of RESP
        stored = np.fromfile(tmp_path / "r_1_0.dat", np.int16)
        stored[position] += 1
        stored.tofile(tmp_path / "r_1_0.dat")
        with pytest.raises(RecordError, match=rf"r_1_0\.dat is damaged: lead {lead} does not add up to the checksum"):
            read_wfdb(tmp_path / "r")
        stored[position] -= 1
        stored.tofile(tmp_path / "r_1_0.dat")


def test_a_preamble_before_the_samples(tmp_path):
    values = digital(90)
    stem = write_record(tmp_path, "r", [(212, [Signal("I", values)])], preamble=bytes(range(24)))
    assert_reads(stem, values[:, None] / 200)


ILLEGAL = ("nan", "inf", "-1", "1/0", "1,5", "0x10", "1e400", "1 e3", "٣", "--1", "1e", "1e99")


@pytest.mark.parametrize("number", ILLEGAL)
@pytest.mark.parametrize("place", ["rate", "gain"])
def test_rates_and_gains_that_are_no_numbers_are_refused(tmp_path, place, number):
    write_record(tmp_path, "r", [(16, [Signal("I", digital(50))])])
    old, new = (" 250 ", f" {number} ") if place == "rate" else (" 200.0(0)/mV ", f" {number}(0)/mV ")
    header = tmp_path / "r.hea"
    header.write_text(header.read_text().replace(old, new))
    with pytest.raises(RecordError, match=r"r\.hea"):
        read_wfdb(tmp_path / "r")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("r 1 250", "r 1 1e9", "line 1: sampling rate 1e+09 Hz is not possible"),
        ("r 1 250", "r 1 1e-3", "sampling rate 0.001 Hz is not possible"),
        ("r 1 250 50", "r 1 250 1000000000", "is truncated or corrupt"),
        ("r 1 250 50", "r 1 250 99999999999999999999", "number of samples '99999999999999999999' is no whole number"),
        ("r 1 250", "r 1000000000 250", "1000000000 signals are more than the 1024"),
        ("r 1 250", "r/1000000000 1 250", "1000000000 segments are more than the 100000"),
        ("(0)/mV", "(100000000000000000000)/mV", "line 2: the gain '200.0(100000000000000000000)/mV' is no number"),
        ("(0)/mV", "(99999999999)/mV", "the baseline 99999999999 is not possible"),
        ("(0)/mV", "(1.5)/mV", "is no number"),
        ("(0)/mV", "(0)mV", "is no number"),
        (" 16 ", " 16x1000000000 ", "'16x1000000000' is no possible signal format"),
        (" 16 ", " 16x0 ", "is no possible signal format"),
        (" 16 ", " 16x2x2 ", "states a property of the format twice"),
        (" 16 ", " 16; ", "line 2: '16;' is no signal format"),
        (" 16 ", " 61+9 ", "is truncated or corrupt"),
        ("r_0.dat", "../r_0.dat", "line 2: '../r_0.dat' leads out of the record's folder"),
        ("r_0.dat", "/dev/zero", "'/dev/zero' leads out of the record's folder"),
        ("r_0.dat", "a/../../r", "leads out of the record's folder"),
        ("r_0.dat", "fifo", "fifo is no regular file"),
        ("r_0.dat", "folder", "folder is no regular file"),
        ("r_0.dat", "null", "null is no regular file"),
        ("r_0.dat", "r_\x1b[31m", "r.hea is not a WFDB header: line 2 holds control characters"),
        (" 0 I\n", " 0 I\x9b31m\n", "line 2 holds control characters"),
        (" 0 0 ", " 0 0x ", "the ADC zero '0x' is no whole number"),
        (" 0 0 ", " 99 0 ", "an ADC resolution of 99 bits is not possible"),
        ("\nr_0", "\nr_1.dat 16\nr_0", "r_1.dat is missing"),
    ],
)
def test_headers_that_ask_for_the_impossible_are_refused_in_one_line(tmp_path, old, new, why):
    write_record(tmp_path, "r", [(16, [Signal("I", digital(50))])])
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "null").symlink_to("/dev/zero")
    header = tmp_path / "r.hea"
    text = header.read_text()
    assert old in text
    header.write_bytes(text.replace(old, new, 1).encode())
    with pytest.raises(RecordError) as caught:
        read_wfdb(tmp_path / "r")
    assert why in str(caught.value) and str(caught.value).isprintable()


@pytest.mark.parametrize("kind", ["fifo", "/dev/zero", "folder"])
def test_a_header_that_is_no_file_is_refused(tmp_path, kind):
    header = tmp_path / "r.hea"
    if kind == "fifo":
        os.mkfifo(header)
    elif kind == "folder":
        header.mkdir()
    else:
        header.symlink_to(kind)
    with pytest.raises(RecordError, match=r"r\.hea is no regular file"):
        read_wfdb(tmp_path / "r")


@pytest.mark.parametrize(
    ("old", "new", "remark"),
    [
        ("r 2 250", "q 2 250", "r.hea is the header of record 'q'"),
        (" {first} ", " {other} ", "r_0.dat, lead I: the first sample is {first}, the header says {other}"),
        (" 0 I\n", " 8 I\n", "r_0.dat, lead I: block size 8, of a tape"),
        ("/mV 0 ", "/mV 48 ", "r_0.dat, lead I: 48 bits do not fit into format 16"),
        ("/mV", "/mW", "signals left out, beside leads in mV at 250 Hz: I (in mW)"),
        (" 250 50\n", " 250 49\n", "wrong length: r_0.dat holds 1 samples more than the header says"),
        (" II\n", " I\n", "leads named more than once: I"),
        (" II\n", " I", "r.hea ends within its last signal line, and may be cut off"),
        ("r 2 250", "r 1 250", None),
        (" II\n", " II\nmore.dat 16 200\n", "r.hea holds 1 lines after its 2 signals"),
    ],
)
def test_headers_with_one_wrong_byte_are_refused_or_remarked(tmp_path, old, new, remark):
    signals = [Signal("I", digital(50), checksum=False), Signal("II", digital(50, seed=1), checksum=False)]
    write_record(tmp_path, "r", [(16, signals)])
    header, first = tmp_path / "r.hea", int(signals[0].digital[0])
    text = header.read_text()
    values = {"first": first, "other": first + 8}
    assert old.format(**values) in text
    header.write_text(text.replace(old.format(**values), new.format(**values), 1))
    if remark is None:
        with pytest.raises(RecordError, match="line 3 describes one more signal than the 1 stated"):
            read_wfdb(tmp_path / "r")
    else:
        read_wfdb(tmp_path / "r")
        assert remark.format(**values) in check_files(tmp_path / "r")


def test_a_header_cut_off_anywhere_is_refused_remarked_or_read_as_the_whole(tmp_path):
    signals = [Signal(name, digital(50, seed=seed), 946.0) for seed, name in enumerate(("I", "II", "V1"))]
    stem = write_record(tmp_path, "r", [(16, signals)])
    header, whole = tmp_path / "r.hea", read_wfdb(stem)
    content = header.read_bytes()
    for size in range(len(content) - 1):
        header.write_bytes(content[:size])
        try:
            record = read_wfdb(stem)
        except RecordError:
            continue
        assert any("may be cut off" in remark for remark in check_files(stem)), content[:size]
        if record.leads == whole.leads:
            np.testing.assert_array_equal(record.signal, whole.signal)


def test_one_bad_record_does_not_stop_the_check_of_the_others(tmp_path):
    for number in range(4):
        write_record(tmp_path, f"r{number}", [(16, [Signal("I", digital(2000, seed=number))])])
    for number, rate in ((1, "1e9"), (2, "1,5")):
        header = tmp_path / f"r{number}.hea"
        header.write_text(header.read_text().replace(" 250 ", f" {rate} "))
    (tmp_path / "labels.csv").write_text("record,label\n" + "".join(f"r{number},N\n" for number in range(4)))
    report = check(LabelledFolder(tmp_path), tmp_path)
    assert (report.records, report.unreadable) == (4, ["r1", "r2"])
