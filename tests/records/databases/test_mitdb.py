import shutil

import numpy as np
import pytest

from ecg_edge.records.databases.mitdb import Mitdb
from ecg_edge.records.formats.wfdb_format import import_wfdb
from ecg_edge.records.record import RhythmInterval
from ecg_edge.records.record_error import RecordError

DATABASE = Mitdb()


def write_annotated(folder, name, write_record):
    """2000 samples with 4 beats, two rhythm marks, a flutter wave and a change of signal quality."""
    write_record(folder, name, leads=("MLII", "V1"), fs=360)
    import_wfdb().wrann(
        name,
        "atr",
        np.array([10, 180, 500, 520, 900, 1200, 1300, 1600]),
        symbol=["+", "N", "V", "+", "A", "!", "~", "/"],
        aux_note=["(N", "", "", "(AFIB\0", "", "", "", ""],
        write_dir=str(folder),
    )


def test_rhythm_marks_are_intervals_and_never_beats(tmp_path, write_record):
    write_annotated(tmp_path, "100", write_record)
    assert DATABASE.is_at(tmp_path)
    (entry,) = DATABASE.index(tmp_path)
    record = DATABASE.read(tmp_path, entry)
    assert record.beats.samples.tolist() == [180, 500, 900, 1600]
    assert record.beats.symbols.tolist() == ["N", "V", "A", "/"]
    assert record.rhythms == (RhythmInterval(10, 520, "N"), RhythmInterval(520, 2000, "AFIB"))


def test_beats_without_any_rhythm_mark(tmp_path, write_record):
    write_record(tmp_path, "100", leads=("MLII", "V1"), fs=360)
    import_wfdb().wrann("100", "atr", np.array([50]), symbol=["N"], write_dir=str(tmp_path))
    record = DATABASE.read(tmp_path, DATABASE.index(tmp_path)[0])
    assert (record.beats.samples.tolist(), record.rhythms) == ([50], ())


def test_201_and_202_are_one_patient(tmp_path, write_record):
    for name in ("201", "202", "203"):
        write_annotated(tmp_path, name, write_record)
    assert [entry.patient for entry in DATABASE.index(tmp_path)] == ["201", "201", "203"]


def test_the_published_split_between_patients(tmp_path):
    names = ("100", "101", "102", "104", "107", "201", "202", "217")
    (tmp_path / "RECORDS").write_text("\n".join(names))
    parts = {entry.name: entry.part for entry in DATABASE.index(tmp_path)}
    assert parts == dict.fromkeys(names) | {"100": "test", "101": "train", "201": "train", "202": "test"}


def test_a_rhythm_mark_may_stand_at_the_end_and_nothing_beyond(tmp_path, write_record):
    write_record(tmp_path, "100", leads=("MLII", "V1"), fs=360)
    marks = {"symbol": ["+", "N", "+"], "aux_note": ["(AFIB", "", "(N"], "write_dir": str(tmp_path)}
    import_wfdb().wrann("100", "atr", np.array([0, 50, 2000]), **marks)
    (entry,) = DATABASE.index(tmp_path)
    assert DATABASE.read(tmp_path, entry).rhythms == (RhythmInterval(0, 2000, "AFIB"),)
    for symbol, end in (("+", 2001), ("N", 2000)):
        import_wfdb().wrann("100", "atr", np.array([0, 50, end]), **marks | {"symbol": ["+", "N", symbol]})
        with pytest.raises(RecordError, match="beyond the recording's 2000 samples"):
            DATABASE.read(tmp_path, entry)


def test_databases_with_the_same_record_numbers_are_distinguished(tmp_path, write_record):
    write_record(tmp_path, "100", leads=("ECG1", "ECG2"), fs=128)
    assert not DATABASE.is_at(tmp_path)


def test_damaged_annotations_are_named(tmp_path, write_record):
    write_annotated(tmp_path, "100", write_record)
    file = tmp_path / "100.atr"
    good = file.read_bytes()
    (entry,) = DATABASE.index(tmp_path)
    beyond = good[:-2] + b"\xff\x07" * 5 + b"\0\0"
    for damaged in (good[:-2], good[: len(good) // 2 + 1], b"", beyond):
        file.write_bytes(damaged)
        with pytest.raises(RecordError, match=r"100\.atr is (truncated|corrupt)"):
            DATABASE.read(tmp_path, entry)
    file.unlink()
    with pytest.raises(RecordError, match=r"100\.atr is missing"):
        DATABASE.read(tmp_path, entry)


def test_recordings_listed_but_absent_are_unreadable(tmp_path, write_record):
    write_annotated(tmp_path, "100", write_record)
    (tmp_path / "RECORDS").write_text("100\n101\n")
    with pytest.raises(RecordError, match="101.hea is missing"):
        DATABASE.read(tmp_path, DATABASE.index(tmp_path)[1])


def test_real_recordings(real_data, tmp_path):
    folder = real_data("mitdb")
    assert DATABASE.is_at(folder)
    entries = {entry.name: entry for entry in DATABASE.index(folder)}
    assert len(entries) == 48
    published = [entry.part for entry in entries.values()]
    assert [published.count(part) for part in ("train", "test", None)] == [22, 22, 4]
    record = DATABASE.read(folder, entries["100"])
    assert (record.fs, record.leads, record.signal.shape) == (360.0, ("MLII", "V5"), (650000, 2))
    assert record.signal[0].tolist() == pytest.approx([-0.145, -0.065])
    assert len(record.beats.samples) == 2273
    assert record.rhythms == (RhythmInterval(18, 650000, "N"),)
    assert {interval.rhythm for interval in DATABASE.read(folder, entries["202"]).rhythms} == {"N", "AFIB", "AFL"}
    for suffix in ("hea", "dat", "atr"):
        shutil.copyfile(folder / f"100.{suffix}", tmp_path / f"100.{suffix}")
    (tmp_path / "100.atr").write_bytes((folder / "100.atr").read_bytes()[:2000])
    with pytest.raises(RecordError, match=r"100\.atr"):
        DATABASE.read(tmp_path, entries["100"])
