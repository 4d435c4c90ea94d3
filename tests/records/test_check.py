import numpy as np
import pytest

from ecg_edge.records.check import check, check_signal, measure_longest_run
from ecg_edge.records.databases.cinc2017 import Cinc2017
from ecg_edge.records.databases.labelled_folder import LabelledFolder
from ecg_edge.records.databases.ltafdb import Ltafdb
from ecg_edge.records.databases.mitdb import Mitdb
from ecg_edge.records.formats.wfdb_format import import_wfdb
from ecg_edge.records.quality import count_clipped
from ecg_edge.records.record import Record


@pytest.fixture
def folder(tmp_path, write_record):
    """Twelve good recordings of two leads, r0 … r11, labelled."""
    for number in range(12):
        write_record(tmp_path, f"r{number}", leads=("I", "II"), seed=number)
    relabel(tmp_path, [f"r{number}" for number in range(12)])
    return tmp_path


def relabel(folder, names):
    (folder / "labels.csv").write_text("record,label\n" + "".join(f"{name},N\n" for name in names))


def findings(folder, database=None):
    report = check(database or LabelledFolder(folder), folder)
    return report, {(finding.record, finding.severity, finding.text) for finding in report.findings}


def store(folder, name, signal, fs=500, leads=("I", "II")):
    import_wfdb().wrsamp(name, fs, ["mV"] * 2, list(leads), signal, fmt=["16"] * 2, write_dir=str(folder))


def test_nothing_is_found_where_nothing_is_wrong(folder):
    done = []
    report = check(LabelledFolder(folder), folder, lambda *progress: done.append(progress))
    assert (report.records, report.findings, done[-1]) == (12, (), (12, 12))


def test_unreadable_recordings_are_errors(folder):
    (folder / "r1.hea").unlink()
    (folder / "r2.dat").unlink()
    (folder / "r3.dat").write_bytes((folder / "r3.dat").read_bytes()[:-100])
    content = bytearray((folder / "r4.dat").read_bytes())
    content[1000] ^= 1
    (folder / "r4.dat").write_bytes(content)
    relabel(folder, [f"r{number}" for number in range(13)])
    report, found = findings(folder)
    assert report.unreadable == ["r1", "r2", "r3", "r4", "r12"]
    assert report.suspicious == []
    assert {
        ("r1", "error", "r1.hea is missing (labels.csv, line 3)"),
        ("r12", "error", "r12.hea is missing (labels.csv, line 14)"),
    } <= found


@pytest.mark.parametrize("error", [ValueError("odd"), MemoryError(), KeyError(3), RecursionError("deep")])
def test_whatever_a_reader_raises_the_other_recordings_are_checked(folder, monkeypatch, error):
    read = LabelledFolder.read

    def fail(self, place, entry):
        if entry.name == "r5":
            raise error
        return read(self, place, entry)

    monkeypatch.setattr(LabelledFolder, "read", fail)
    report, found = findings(folder)
    assert (report.records, report.unreadable, report.suspicious) == (12, ["r5"], [])
    ((_, _, text),) = found
    assert text.startswith("cannot be read: ") and text.isprintable()


def test_databases_whose_leads_vary_have_no_usual_ones(tmp_path, write_record):
    for number in range(10):
        write_record(tmp_path, f"10{number}", leads=("MLII", "V5" if number == 4 else "V1"), fs=360, seed=number)
        import_wfdb().wrann(f"10{number}", "atr", np.array([50]), symbol=["N"], write_dir=str(tmp_path))
    assert findings(tmp_path, Mitdb())[1] == set()


def test_suspicious_recordings_are_warnings(folder):
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(2000, 2))
    holes, flat, clipped, still = signal.copy(), signal.copy(), signal.copy(), signal.copy()
    holes[:30, 1] = np.nan
    flat[:, 0] = 0.25
    clipped[300:340, 1] = 9.0
    still[:1200, 0] = 0.1
    for number, damaged in enumerate((holes, flat, clipped, still)):
        store(folder, f"r{number}", damaged + number * 0.01)
    store(folder, "r4", signal, leads=("I", "V1"))
    store(folder, "r5", signal + 1, fs=250)
    for suffix in ("hea", "dat"):
        text = (folder / f"r6.{suffix}").read_bytes()
        (folder / f"r7.{suffix}").write_bytes(text.replace(b"r6", b"r7") if suffix == "hea" else text)
    (folder / "r8.dat").write_bytes((folder / "r8.dat").read_bytes() + bytes(40))
    relabel(folder, [f"r{number}" for number in range(11)] + ["r0"])
    (folder / "labels.csv").write_text((folder / "labels.csv").read_text().replace("r9,N", "r9,"))
    report, found = findings(folder)
    assert report.unreadable == []
    assert found == {
        ("r0", "warning", "no valid sample (NaN) in places, of 2000: II 30"),
        ("r0", "warning", "listed more than once in the table of labels, in lines 2, 13: counted once"),
        ("r1", "warning", "flat lead: I"),
        ("r2", "warning", "saturated in lead: II"),
        ("r3", "warning", "stands still in lead: I 2.4 s"),
        ("r4", "warning", "missing lead: II"),
        ("r5", "warning", "250 Hz, not 500 Hz"),
        ("r7", "warning", "its signal is that of r6"),
        ("r8", "warning", "wrong length: r8.dat holds 10 samples more than the header says"),
        ("r9", "warning", "no label"),
        ("r11", "warning", "recording without label"),
    }


def test_compressed_files_that_are_too_long(folder, write_record):
    write_record(folder, "r0", leads=("I", "II"), form="516", samples=2500)
    header = (folder / "r0.hea").read_text()
    sums = np.round(import_wfdb().rdrecord(str(folder / "r0"), physical=False, sampto=2000).d_signal).sum(0) % 65536
    for old, new in zip(import_wfdb().rdheader(str(folder / "r0")).checksum, sums, strict=True):
        header = header.replace(f" {old} ", f" {new} ")
    (folder / "r0.hea").write_text(header.replace("500 2500", "500 2000"))
    _, found = findings(folder)
    assert found == {("r0", "warning", "wrong length: r0.dat holds 500 samples more than the header says")}


def test_annotations_alone_are_a_note(tmp_path, write_record):
    for number in range(3):
        write_record(tmp_path, f"0{number}", leads=("ECG", "ECG"), fs=128, seed=number)
        import_wfdb().wrann(f"0{number}", "atr", np.array([50]), symbol=["N"], write_dir=str(tmp_path))
    for number in range(2):
        (tmp_path / f"0{number}.dat").unlink()
    report, found = findings(tmp_path, Ltafdb())
    assert (report.records, report.unreadable, report.suspicious) == (3, [], [])
    text = "this and 1 more of the 3: annotations alone, the signal file is not here"
    assert found == {("00", "note", text)}


def test_labels_that_the_database_does_not_know(tmp_path, write_record):
    write_record(tmp_path, "A00001", fs=300)
    (tmp_path / "REFERENCE.csv").write_text("A00001,AF\n")
    _, found = findings(tmp_path, Cinc2017())
    assert found == {("A00001", "warning", "unknown label 'AF', known: N, A, O, ~")}


def test_many_short_clippings_are_saturation_and_a_rounded_peak_is_none():
    beats = np.zeros(5000, bool)
    beats[::500] = beats[1::500] = True
    assert count_clipped(beats, fs=500) == 0
    for offset in range(12):
        beats[offset::500] = True
    assert count_clipped(beats, fs=500) == 10 * 12
    assert measure_longest_run(np.array([True, False, True, True, True, False])) == 3


def test_a_lead_without_any_valid_sample_is_flat():
    record = Record("r", "r", np.full((100, 1), np.nan, np.float32), 100.0, ("I",))
    assert check_signal(record) == ["no valid sample (NaN) in places, of 100: I 100", "flat lead: I"]


def test_real_recordings(real_data):
    from ecg_edge.records.databases.cpsc2018 import Cpsc2018

    report = check(Cpsc2018(), real_data("cpsc2018"))
    assert (report.records, report.unreadable) == (133, [])
    assert report.suspicious == ["A0055", "A0115", "A1988"]
