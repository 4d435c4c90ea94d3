from ecg_edge.records.databases.cudb import Cudb
from ecg_edge.records.record import RhythmInterval

DATABASE = Cudb()


def read(folder, name):
    return DATABASE.read(folder, {entry.name: entry for entry in DATABASE.index(folder)}[name])


def test_fibrillation_lasts_from_bracket_to_bracket_or_to_the_end(make_form):
    assert read(make_form("cudb"), "cu01").rhythms == (
        RhythmInterval(10, 395, "AFIB"),
        RhythmInterval(395, 900, "VF"),  # a mark and a bracket say the same
        RhythmInterval(1500, 2000, "VF"),
    )


def test_beats_have_no_class_since_all_are_marked_as_normal(make_form):
    beats = read(make_form("cudb"), "cu01").beats
    assert beats.samples.tolist() == [20, 950] and set(beats.symbols) == {"?"}


def test_real_recordings(real_data):
    folder = real_data("cudb")
    records = [DATABASE.read(folder, entry) for entry in DATABASE.index(folder)]
    assert len(records) == 35 and {record.leads for record in records} == {("ECG",)}
    episodes = [interval for record in records for interval in record.rhythms if interval.rhythm == "VF"]
    # 47 onsets; the two of records 01 and 03 are stated twice.
    assert len(episodes) == 47
    assert sum(interval.stop == 127232 for interval in episodes) == 8
    assert read(folder, "cu05").rhythms == (RhythmInterval(89692, 111598, "VF"),)
