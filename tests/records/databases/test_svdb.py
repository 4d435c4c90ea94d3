from collections import Counter

from ecg_edge.records.databases.svdb import Svdb

DATABASE = Svdb()


def read(folder, name):
    return DATABASE.read(folder, {entry.name: entry for entry in DATABASE.index(folder)}[name])


def test_beats_without_rhythms_and_without_one_behind_the_end(make_form):
    record = read(make_form("svdb"), "800")
    assert (record.fs, record.leads, record.rhythms) == (128.0, ("ECG1", "ECG2"), ())
    assert record.beats.samples.tolist() == [100, 200, 300, 400]
    assert record.beats.symbols.tolist() == ["N", "S", "V", "F"]


def test_real_recordings(real_data):
    folder = real_data("svdb")
    entries = DATABASE.index(folder)
    assert len(entries) == len({entry.patient for entry in entries}) == 60
    record = read(folder, "860")
    assert record.signal.shape == (230400, 2) and record.beats.samples[-1] < 230400
    beats = Counter(symbol for entry in entries for symbol in DATABASE.read(folder, entry).beats.symbols.tolist())
    rhythms = Counter(own.rhythm for entry in entries for own in DATABASE.read(folder, entry).rhythms)
    assert rhythms == {"N": 302, "AB": 259, "B": 127, "SVTA": 98}
    assert (beats["S"], beats["V"], beats["N"]) == (9087, 7787, 121577)  # one of 121,578 stands behind the end
