from collections import Counter

from ecg_edge.records.databases.afpdb import Afpdb

DATABASE = Afpdb()


def read(folder, name):
    return DATABASE.read(folder, {entry.name: entry for entry in DATABASE.index(folder)}[name])


def test_pairs_are_one_patient_and_names_say_where_af_is(make_form):
    entries = DATABASE.index(make_form("afpdb"))  # t01 is not labelled
    assert [(entry.name, entry.patient, entry.labels[0]) for entry in entries] == [
        ("n01", "n01", "N"),
        ("n01c", "n01", "N"),
        ("n02", "n01", "N"),
        ("p01", "p01", "N"),
        ("p01c", "p01", "N"),
        ("p02", "p01", "N"),
        ("p02c", "p01", "AF"),
    ]


def test_real_recordings(real_data):
    folder = real_data("afpdb")
    entries = DATABASE.index(folder)
    assert Counter(entry.labels[0] for entry in entries) == {"AF": 25, "N": 12}
    assert len({entry.patient for entry in entries}) == 25
    record = read(folder, "p02c")
    assert (record.leads, record.fs, record.signal.shape) == (("ECG0", "ECG1"), 128.0, (38400, 2))
