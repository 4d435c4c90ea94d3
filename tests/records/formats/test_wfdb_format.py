import numpy as np
import pytest

from ecg_edge.records.database_files import read_table
from ecg_edge.records.formats.wfdb_format import import_wfdb, read_header, read_wfdb
from ecg_edge.records.record import Entry
from ecg_edge.records.record_error import RecordError
from firmware_bench.runtime.errors import InputError


def refused(path, *parts):
    """The message of the RecordError that reading `path` raises: one line that contains `parts`."""
    with pytest.raises(RecordError) as caught:
        read_wfdb(path)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, message


@pytest.mark.parametrize(("units", "millivolts"), [("mV", 1), ("uV", 1e-3), ("V", 1e3)])
@pytest.mark.parametrize("gain", [200.0, 1000.0])
def test_physical_units_by_gain_baseline_and_unit(tmp_path, write_record, units, millivolts, gain):
    signal = write_record(tmp_path, "r", units=units, gain=gain)
    record = read_wfdb(tmp_path / "r")
    assert record.signal.dtype == np.float32
    assert record.units == "mV"
    np.testing.assert_allclose(record.signal, signal * millivolts, atol=0.51 / gain * millivolts)


def test_leads_are_named_as_the_standard_spells_them_in_the_files_order(tmp_path, write_record):
    signal = write_record(tmp_path, "r", leads=("V2", "AVR", "ii", "MLII"))
    record = read_wfdb(tmp_path / "r")
    assert record.leads == ("V2", "aVR", "II", "MLII")
    np.testing.assert_allclose(record.select_leads(("II", "V2")), signal[:, [2, 0]], atol=1e-3)


def test_leads_of_one_name_and_of_none_are_numbered(tmp_path, write_record):
    signal = write_record(tmp_path, "r", leads=("ECG", "ECG", "II", ""))
    record = read_wfdb(tmp_path / "r")
    assert record.leads == ("ECG 1", "ECG 2", "II", "lead 4")
    np.testing.assert_allclose(record.select_leads(record.leads), signal, atol=1e-3)


def test_a_header_alone_is_a_record_without_signal(tmp_path, write_record):
    write_record(tmp_path, "r", leads=("I", "AVR"), fs=250, samples=1000)
    (tmp_path / "r.dat").unlink()
    record = read_header(tmp_path / "r", Entry("r", "r", "p", ("AF",)))
    assert (record.signal, record.samples, record.seconds, record.fs) == (None, 1000, 4.0, 250.0)
    assert (record.patient, record.leads, record.labels) == ("p", ("I", "aVR"), ("AF",))
    with pytest.raises(InputError, match="record r has annotations alone: fetch its signal file"):
        record.select_leads(("I",))


@pytest.mark.parametrize(
    ("header", "why"),
    [(None, "r.hea is missing"), ("nonsense", "r.hea is not a WFDB header"), ("r 1 0 9\nr.dat 16", "0 Hz is not")],
)
def test_a_header_alone_that_is_damaged_is_named(tmp_path, header, why):
    if header:
        (tmp_path / "r.hea").write_text(header)
    with pytest.raises(RecordError, match=why):
        read_header(tmp_path / "r", Entry("r", "r", "r"))


def test_invalid_samples_are_nan(tmp_path):
    signal = np.random.default_rng(0).normal(size=(500, 2))
    signal[100:110, 1] = np.nan
    import_wfdb().wrsamp("r", 250, ["mV"] * 2, ["I", "II"], signal, fmt=["16"] * 2, write_dir=str(tmp_path))
    np.testing.assert_array_equal(np.isnan(read_wfdb(tmp_path / "r").signal), np.isnan(signal))


def test_other_signals_than_voltages_are_left_out_and_normalised_ones_keep_their_unit(tmp_path):
    signal = np.random.default_rng(0).normal(size=(500, 2))
    import_wfdb().wrsamp("mixed", 250, ["mmHg", "mV"], ["ABP", "II"], signal, fmt=["16"] * 2, write_dir=str(tmp_path))
    import_wfdb().wrsamp("normal", 250, ["NU", "NU"], ["I", "II"], signal, fmt=["16"] * 2, write_dir=str(tmp_path))
    mixed, normal = read_wfdb(tmp_path / "mixed"), read_wfdb(tmp_path / "normal")
    assert (mixed.leads, mixed.units, mixed.signal.shape) == (("II",), "mV", (500, 1))
    assert (normal.leads, normal.units, normal.signal.shape) == (("I", "II"), "NU", (500, 2))


@pytest.mark.parametrize("form", ["16", "212", "516"])
def test_damaged_signal_files_are_named(tmp_path, write_record, form):
    write_record(tmp_path, "r", form=form, gain=200.0)
    file = tmp_path / "r.dat"
    content = file.read_bytes()
    for damaged in (content[: len(content) // 2], content[:-3], content[:20], b""):
        file.write_bytes(damaged)
        refused(tmp_path / "r", str(file), "truncated or corrupt")
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 0x5A
    file.write_bytes(flipped)
    refused(tmp_path / "r", str(file), "damaged" if form != "516" else "corrupt")
    file.unlink()
    refused(tmp_path / "r", f"{file} is missing")


def test_one_wrong_sample_breaks_the_checksum_of_its_lead(tmp_path, write_record):
    write_record(tmp_path, "r", leads=("I", "II"))
    samples = np.fromfile(tmp_path / "r.dat", np.int16)
    samples[1001] += 1
    samples.tofile(tmp_path / "r.dat")
    refused(tmp_path / "r", "lead II does not add up to the checksum")


def test_a_checksum_of_zero_means_that_none_was_computed(tmp_path, write_record):
    signal = write_record(tmp_path, "r")
    header = tmp_path / "r.hea"
    fields = header.read_text().split()
    header.write_text(header.read_text().replace(f" {fields[10]} ", " 0 "))
    np.testing.assert_allclose(read_wfdb(tmp_path / "r").signal, signal, atol=1e-3)


def test_damaged_headers_are_named(tmp_path, write_record):
    write_record(tmp_path, "r")
    header = tmp_path / "r.hea"
    good = header.read_text()
    for bad in ("", "\0\1\2 nonsense", good.splitlines()[0], good.replace("r 1", "r 2"), good.replace(" 16 ", " 999 ")):
        header.write_text(bad)
        refused(tmp_path / "r", "r.hea")
    header.write_text(good.replace(" 500 ", " 0 "))
    refused(tmp_path / "r", "sampling rate 0 Hz")
    header.write_text(good.replace(" 2000", " 2500"))
    refused(tmp_path / "r", "truncated or corrupt")
    header.unlink()
    refused(tmp_path / "r", f"{header} is missing")


@pytest.mark.parametrize(
    ("content", "why"), [(None, "missing"), (b"", "empty"), (b"a,b\n\xff\xfe,1", "cannot be read")]
)
def test_unusable_tables_are_refused(tmp_path, content, why):
    if content is not None:
        (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(InputError, match=why):
        read_table(tmp_path / "labels.csv")


def test_real_filtered_recording_is_in_no_unit(real_data):
    record = read_wfdb(real_data("ptbxl_filtered") / "00009")
    assert (record.units, record.fs, record.leads[3]) == ("NU", 250.0, "aVR")
    assert record.signal[0, 0] == np.float32(-0.377)
