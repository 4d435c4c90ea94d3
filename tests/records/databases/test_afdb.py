import pytest

from ecg_edge.records.databases.afdb import Afdb
from ecg_edge.records.record_error import RecordError

DATABASE = Afdb()


def read(folder, name):
    return DATABASE.read(folder, {entry.name: entry for entry in DATABASE.index(folder)}[name])


def test_rhythms_and_beats_without_classes(make_form):
    folder = make_form("afdb")
    assert [entry.name for entry in DATABASE.index(folder)] == ["04015", "04043"]  # 00735 has no signal
    record = read(folder, "04015")
    assert (record.fs, record.leads) == (250.0, ("ECG1", "ECG2"))
    assert [(bout.start, bout.stop, bout.rhythm) for bout in record.rhythms] == [
        (30, 700, "AFIB"),
        (700, 900, "N"),
        (900, 1200, "AFL"),
        (1200, 2000, "NOD"),
    ]
    assert record.beats.samples.tolist() == [100, 400] and set(record.beats.symbols) == {"?"}


def test_corrected_beats_are_preferred(make_form):
    assert read(make_form("afdb"), "04043").beats.samples.tolist() == [110, 410]


def test_a_recording_without_beats_is_named(make_form):
    folder = make_form("afdb")
    (folder / "04015.qrs").unlink()
    with pytest.raises(RecordError, match=r"04015\.qrs is missing"):
        read(folder, "04015")
