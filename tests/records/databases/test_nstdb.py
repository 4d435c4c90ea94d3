from ecg_edge.records.databases.mitdb import Mitdb
from ecg_edge.records.databases.nstdb import Nstdb

DATABASE = Nstdb()


def read(folder, name):
    return DATABASE.read(folder, {entry.name: entry for entry in DATABASE.index(folder)}[name])


def test_recordings_are_those_of_two_patients_of_mitdb(make_form):
    entries = DATABASE.index(make_form("nstdb"))
    assert [(entry.name, entry.patient, entry.person, entry.part) for entry in entries] == [
        ("118e00", "118", "mitdb/118", "train"),
        ("118e_6", "118", "mitdb/118", "train"),
        ("119e24", "119", "mitdb/119", "train"),
    ]


def test_real_recordings_have_the_beats_of_mitdb(real_data):
    folder, origin = real_data("nstdb"), real_data("mitdb")
    assert [entry.name for entry in DATABASE.index(folder)] == ["118e00", "118e06", "119e00", "119e06"]
    mitdb = Mitdb()
    clean = {entry.name: entry for entry in mitdb.index(origin)}["119"]
    noisy, clean = read(folder, "119e06"), mitdb.read(origin, clean)
    assert noisy.leads == ("MLII", "V1") and noisy.signal.shape == clean.signal.shape
    assert len(noisy.beats.samples) == len(clean.beats.samples)
    assert (noisy.beats.symbols == clean.beats.symbols).mean() > 0.99
