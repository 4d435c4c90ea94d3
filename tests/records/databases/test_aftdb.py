import csv

from ecg_edge.records.databases.aftdb import Aftdb

DATABASE = Aftdb()


def read(folder, name):
    return DATABASE.read(folder, {entry.name: entry for entry in DATABASE.index(folder)}[name])


def test_patients_are_those_of_ltafdb(make_form):
    entries = {entry.name: entry for entry in DATABASE.index(make_form("aftdb"))}
    assert {name: entry.person for name, entry in entries.items()} == {
        "n01": "ltafdb/11",
        "s01": "ltafdb/00",
        "t01": "ltafdb/00",
        "b14": "ltafdb/00",
    }
    assert {name: entry.part for name, entry in entries.items()} == dict.fromkeys(entries, "train") | {"n01": "test"}


def test_beats_of_the_detector_have_no_class(make_form):
    folder = make_form("aftdb")
    record = read(folder, "s01")
    assert record.leads == ("ECG 1", "ECG 2") and record.rhythms == ()
    assert record.beats.samples.tolist() == [100, 400] and set(record.beats.symbols) == {"?"}
    assert read(folder, "n01").beats.symbols.tolist() == ["N", "V"]


def test_real_recordings(real_data):
    folder = real_data("aftdb")
    entries = DATABASE.index(folder)
    assert len(entries) == 80 and len({entry.person for entry in entries}) == 49
    with open(folder / "ltafdb_map.csv", newline="") as file:
        published = {row["record"]: row["ltafdb_record"] for row in csv.DictReader(file)}
    assert {entry.path: entry.patient for entry in entries} == published
    assert sum(entry.part == "test" for entry in entries) == 4
    record = read(folder, "n01")
    assert record.signal.shape == (7680, 2) and len(record.beats.samples) == 76
