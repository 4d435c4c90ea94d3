from collections import Counter

from ecg_edge.records.databases.ludb import Ludb
from ecg_edge.records.record import STANDARD_LEADS

DATABASE = Ludb()


def read(folder, name):
    return DATABASE.read(folder, {entry.name: entry for entry in DATABASE.index(folder)}[name])


def test_the_label_is_the_rhythm_in_the_header(make_form):
    folder = make_form("ludb")
    (entry,) = DATABASE.index(folder)
    assert (entry.name, entry.path, entry.patient, entry.labels) == ("1", "data/1", "1", ("SB",))
    assert read(folder, "1").leads == STANDARD_LEADS


def test_a_rhythm_that_is_not_known_stays_as_it_is_written(make_form):
    folder = make_form("ludb")
    header = folder / "data" / "1.hea"
    header.write_text(header.read_text().replace("Sinus bradycardia", "Torsade"))
    (entry,) = DATABASE.index(folder)
    assert entry.labels == ("Torsade",)  # data check names it


def test_real_recordings(real_data):
    folder = real_data("ludb")
    entries = DATABASE.index(folder)
    published = {"NSR": 143, "SB": 25, "AF": 15, "SA": 8, "STach": 4, "AFL": 3, "irregular SR": 2}
    assert Counter(entry.labels[0] for entry in entries) == published
    record = read(folder, "1")
    assert (record.fs, record.signal.shape, record.leads) == (500.0, (5000, 12), STANDARD_LEADS)
