import pytest

from ecg_edge.records.databases.icentia11k import Icentia11k

DATABASE = Icentia11k()


def read(folder, name):
    return DATABASE.read(folder, {entry.name: entry for entry in DATABASE.index(folder)}[name])


def test_patients_beats_and_rhythms(make_form):
    folder = make_form("icentia11k")
    entries = DATABASE.index(folder)
    assert [(entry.name, entry.patient, entry.path) for entry in entries] == [
        ("p00000_s00", "p00000", "p00/p00000/p00000_s00"),
        ("p00000_s01", "p00000", "p00/p00000/p00000_s01"),
        ("p10999_s49", "p10999", "p10/p10999/p10999_s49"),
    ]
    record = read(folder, "p00000_s00")
    assert (record.fs, record.leads) == (250.0, ("ecg",))
    assert "".join(record.beats.symbols) == "NSQNVN"
    assert [(bout.start, bout.stop, bout.rhythm) for bout in record.rhythms] == [
        (100, 500, "N"),
        (700, 1000, "AFIB"),
        (1500, 2000, "AFL"),
    ]


@pytest.mark.parametrize("part", ["p00", "p00/p00000"])
def test_a_part_of_the_download_is_recognised(make_form, part):
    folder = make_form("icentia11k") / part
    assert DATABASE.is_at(folder) and len(DATABASE.index(folder)) == 2
