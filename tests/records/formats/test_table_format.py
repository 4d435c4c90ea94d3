"""Tables of numbers: delimiter, decimal sign, names, units and times are told from the file, stated, or refused."""

import numpy as np
import pytest

from ecg_edge.records.formats.format_registry import read_record
from ecg_edge.records.record_error import RecordError
from ecg_edge.records.signal_description import SignalDescription

VALUES = np.round(np.random.default_rng(0).normal(0, 0.4, (600, 2)), 3)
STATED = SignalDescription(fs=250, units="mV")
DAYS = "2026-01-01T23:59:", "2026-01-02 00:00:"
LEADS = SignalDescription(fs=250, units="mV", leads=("I", "II"))


def write(folder, lines, name="r.csv", encoding="utf-8"):
    (folder / name).write_text("\n".join(lines) + "\n", encoding=encoding)
    return folder / name


def rows(delimiter=",", comma=False, values=VALUES, times=None):
    cells = [[f"{value:.3f}" for value in row] for row in values]
    cells = cells if times is None else [[time, *row] for time, row in zip(times, cells, strict=True)]
    return [delimiter.join(row).replace(".", "," if comma else ".") for row in cells]


@pytest.mark.parametrize(
    ("delimiter", "comma"),
    [(",", False), (";", False), (";", True), ("\t", False), ("\t", True), (" ", False), (" ", True)],
)
@pytest.mark.parametrize("header", [True, False])
def test_delimiter_and_decimal_sign_are_told_from_the_file(tmp_path, delimiter, comma, header):
    path = write(tmp_path, ([delimiter.join(("I", "II"))] if header else []) + rows(delimiter, comma))
    record = read_record(path, stated=STATED if header else LEADS)
    np.testing.assert_allclose(record.signal, VALUES, atol=1e-6)
    assert (record.leads, record.fs, record.units, record.name) == (("I", "II"), 250.0, "mV", str(tmp_path / "r"))


def test_normalised_units_are_stated_or_read_and_stay(tmp_path):
    for header, stated in (("I,II", "NU"), ("I,II", "nu"), ("I [NU],II (NU)", None), ("I [NU],II (NU)", "NU")):
        record = read_record(write(tmp_path, [header, *rows()]), stated=SignalDescription(fs=250, units=stated))
        np.testing.assert_allclose(record.signal, VALUES, atol=1e-6)
        assert (record.leads, record.units) == (("I", "II"), "NU")
    for header, stated in (("I [NU],II (NU)", "mV"), ("I [mV],II (mV)", "NU"), ("I [NU],II", "mV")):
        with pytest.raises(RecordError, match=r"r\.csv states .*leave units"):
            read_record(write(tmp_path, [header, *rows()]), stated=SignalDescription(fs=250, units=stated))
    beside = read_record(write(tmp_path, ["I [NU],II [mV]", *rows()]), stated=SignalDescription(fs=250))
    assert (beside.leads, beside.units) == (("II",), "mV")


@pytest.mark.parametrize("unit", ["uV", "µV", "mV", "V", "nV"])
def test_a_unit_is_stated_or_read_from_the_header(tmp_path, unit):
    factor = {"uV": 1e-3, "µV": 1e-3, "mV": 1, "V": 1e3, "nV": 1e-6}[unit]
    stated = read_record(write(tmp_path, ["I,II", *rows()]), stated=SignalDescription(fs=250, units=unit))
    read = read_record(write(tmp_path, [f"I [{unit}],II ({unit})", *rows()]), stated=SignalDescription(fs=250))
    for record in (stated, read):
        np.testing.assert_allclose(record.signal, VALUES * factor, rtol=1e-6)
        assert record.leads == ("I", "II")
    with pytest.raises(RecordError, match=r"r\.csv states .*leave units"):
        read_record(tmp_path / "r.csv", stated=SignalDescription(fs=250, units="mV" if unit != "mV" else "V"))


@pytest.mark.parametrize(
    ("header", "times"),
    [
        ("time [s]", [f"{i / 250:.3f}" for i in range(600)]),
        ("time (ms)", [f"{i * 4}" for i in range(600)]),
        ("Time", [f"{i / 250}" for i in range(600)]),
        ("timestamp [ns]", [f"{1700000000000000000 + i * 4000000}" for i in range(600)]),
        ("'Elapsed time'", [f"'{i // 15000}:{i / 250 % 60:06.3f}'" for i in range(600)]),
        ("time", [f"{day}{i / 250 % 2 + 58 * (i < 500):06.3f}" for i in range(600) for day in [DAYS[i >= 500]]]),
        ("timestamp_unknown [s]", [f"{i / 250:.3f}" for i in range(600)]),
    ],
)  # fmt: skip
def test_a_regular_time_column_gives_the_rate(tmp_path, header, times):
    path = write(tmp_path, [f"{header},I (mV),II (mV)", *rows(times=times)])
    record = read_record(path)
    assert record.fs == 250.0 and record.leads == ("I", "II")
    np.testing.assert_allclose(record.signal, VALUES, atol=1e-6)
    with pytest.raises(RecordError, match="make 250 Hz, not 360 Hz"):
        read_record(path, stated=SignalDescription(fs=360))


def test_rounded_times_give_the_rate_that_they_were_rounded_from(tmp_path):
    for fs in (360, 128, 512, 300):
        times = [f"{i / fs:.3f}" for i in range(600)]
        assert read_record(write(tmp_path, ["time [s],I (mV),II (mV)", *rows(times=times)])).fs == fs
    times = [f"{i / 127.95:.6f}" for i in range(600)]
    found = read_record(write(tmp_path, ["time [s],I (mV),II (mV)", *rows(times=times)])).fs
    assert found == pytest.approx(127.95, rel=1e-5)


def test_physionets_two_lines_of_names_and_units(tmp_path):
    times = [f"'0:{i / 250:06.3f}'" for i in range(600)]
    header = ["'Elapsed time','MLII','V5'", "'hh:mm:ss.mmm','mV','mV'"]
    record = read_record(write(tmp_path, header + rows(times=times)))
    assert (record.fs, record.leads) == (250.0, ("MLII", "V5"))
    header = ["'sample #','MLII','V5'"]
    record = read_record(write(tmp_path, header + rows(times=map(str, range(600)))), stated=STATED)
    np.testing.assert_allclose(record.signal, VALUES, atol=1e-6)


@pytest.mark.parametrize(
    ("lines", "stated", "complaint"),
    [
        (["I,II", *rows()], SignalDescription(), r"sampling rate with fs \(--fs\) and its unit with units \(--units\)"),
        (["I,II", *rows()], SignalDescription(fs=250), r"state its unit with units \(--units\)"),
        (["I,II", *rows()], SignalDescription(units="mV"), r"state its sampling rate with fs \(--fs\)"),
        (rows(), STATED, r"does not name its 2 leads: state them with leads \(--leads I,II\)"),
        (["I,II", *rows()], SignalDescription(250, "mV", ("I",)), "has 2 columns of signals, and 1 are named"),
        (["0,512", "0,498", "0,487"], STATED, "cannot be told"),
        (["512,4", "498,3", "487,1"], SignalDescription(250, "uV", ("I",)), "cannot be told"),
        (["1.234,5;2", "1.234,5;3"], LEADS, "commas and points"),
        (["time,I", *(f"{i},5" for i in range(600))], SignalDescription(units="mV"), r"state its sampling rate"),
        (["time [s],I", *(f"{i / 250 + (i > 300):.3f},5.0" for i in range(600))], STATED, "not sampled regularly"),
        (["sample,I", *(f"{i + (i > 300)},5.0" for i in range(600))], STATED, "leaves out samples"),
        (["I,II", *rows(), "0.1,x"], STATED, "line 602"),
        (["I,II", *rows(), "0.1"], STATED, "no table of numbers"),
        (["time,I (mV)", *(f"0:{i / 25:06.3f},1.0" for i in range(99)), "0:04.000"], STATED, "no table of"),
        (["I,II", *rows(), "0.1,0.2,0.3"], STATED, "no table of numbers"),
        (["I;II", "1;2", "3"], STATED, "1 or 2 cells"),
        (["Patient", "Jones", "I,II", *rows()], STATED, "are no names"),
        (["I,II", *rows(), "0.1,inf"], STATED, "infinite"),
        (["I,II"], STATED, "in no known format"),
        (["record,label", "1,2", "3,4"], STATED, "in no known format"),
        (["A0001,N", "A0002,AF"], STATED, "in no known format"),
        (["I,I", *rows()], SignalDescription(250, "mV", (), (("I 1", "I 2"),)), "two leads have one name"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_refused_and_says_what_to_state(tmp_path, lines, stated, complaint):
    path = write(tmp_path, lines)
    with pytest.raises(RecordError, match=complaint) as caught:
        read_record(path, stated=stated)
    assert "r.csv" in str(caught.value) and "\n" not in str(caught.value)


def test_long_tables_are_parsed_in_pieces(tmp_path, monkeypatch):
    times = [f"23:59:{58 + i / 250:06.3f}" if i < 500 else f"0:00:{i / 250 - 2:06.3f}" for i in range(600)]
    path = write(tmp_path, ["time,I (mV),II (mV)", *rows(times=times)])
    whole = read_record(path)
    monkeypatch.setattr("ecg_edge.records.formats.text_table.PIECE", 500)
    pieces = read_record(path)
    np.testing.assert_array_equal(pieces.signal, whole.signal)
    assert pieces.fs == whole.fs == 250.0
    path = write(tmp_path, ["I,II", *rows(), "0.1,x"])
    with pytest.raises(RecordError, match="line 602"):
        read_record(path, stated=STATED)


def test_empty_cells_are_gaps(tmp_path):
    lines = ["I,II", *rows(), ",0.5", "nan,0.5", "NA,-", "0.1,0.2"]
    signal = read_record(write(tmp_path, lines), stated=STATED).signal
    assert np.isnan(signal[-4:]).tolist() == [[True, False], [True, False], [True, True], [False, False]]


def test_one_column_without_a_name_serves_as_any_lead(tmp_path):
    path = write(tmp_path, [f"{value:.3f}" for value in VALUES[:, 0]], "r.txt")
    record = read_record(path, stated=STATED)
    np.testing.assert_allclose(record.select_leads(("II",))[:, 0], VALUES[:, 0], atol=1e-6)
    decimal_commas = write(tmp_path, ["ECG", *(f"{v:.3f}".replace(".", ",") for v in VALUES[:, 0])], "s.csv")
    np.testing.assert_array_equal(read_record(decimal_commas, stated=STATED).signal, record.signal)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_encodings_of_excel(tmp_path, encoding):
    path = write(tmp_path, ["I [µV];II [µV]", *rows(";", True)], encoding=encoding)
    np.testing.assert_allclose(read_record(path, stated=SignalDescription(fs=250)).signal, VALUES / 1000, rtol=1e-6)


def test_leads_are_renamed(tmp_path):
    path = write(tmp_path, ["Lead A,DI", *rows()])
    stated = SignalDescription(250, "mV", (), (("Lead A", "V1"),))
    assert read_record(path, stated=stated).leads == ("V1", "I")
