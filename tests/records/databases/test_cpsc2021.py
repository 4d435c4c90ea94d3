import numpy as np
import pytest

from ecg_edge.records.databases.cpsc2021 import Cpsc2021
from ecg_edge.records.formats.wfdb_format import import_wfdb
from ecg_edge.records.record import RhythmInterval
from ecg_edge.records.record_error import RecordError
from firmware_bench.runtime.errors import InputError

DATABASE = Cpsc2021()


@pytest.fixture
def make(tmp_path, write_record):
    """make(name, comment, marks) writes a recording of 2000 samples with two beats and marks [(sample, rhythm), …]."""

    def write(name, comment="non atrial fibrillation", marks=(), folder=tmp_path / "Training_set_I"):
        write_record(folder, name, leads=("I", "II"), fs=200, samples=2000, comments=[comment])
        found = sorted([(30, "N", ""), (1970, "N", ""), *((at, "+", rhythm) for at, rhythm in marks)])
        at, symbols, notes = map(list, zip(*found, strict=True))
        import_wfdb().wrann(name, "atr", np.array(at), symbol=symbols, aux_note=notes, write_dir=str(folder))
        return tmp_path

    return write


def test_patients_and_labels_of_the_whole_recording(make):
    make("data_7_1")
    make("data_21_7", "Persistent atrial fibrillation")
    folder = make("data_7_12", "paroxysmal atrial fibrillation")
    assert DATABASE.is_at(folder) and DATABASE.is_at(folder / "Training_set_I")
    found = {entry.name: (entry.patient, entry.labels) for entry in DATABASE.index(folder)}
    assert found == {"data_7_1": ("7", ("N",)), "data_21_7": ("21", ("AFf",)), "data_7_12": ("7", ("AFp",))}


def test_the_interval_before_the_first_episode_is_not_af(make):
    folder = make("data_1_1", marks=[(500, "(AFIB"), (900, "(N"), (1200, "(AFIB"), (2000, "(N")])
    (entry,) = DATABASE.index(folder)
    record = DATABASE.read(folder, entry)
    assert record.rhythms == (
        RhythmInterval(0, 500, "N"),
        RhythmInterval(500, 900, "AFIB"),
        RhythmInterval(900, 1200, "N"),
        RhythmInterval(1200, 2000, "AFIB"),
    )
    assert (record.beats.samples.tolist(), record.leads) == ([30, 1970], ("I", "II"))


@pytest.mark.parametrize(("marks", "rhythm"), [([], "N"), ([(0, "(AFIB")], "AFIB")])
def test_recordings_of_one_rhythm(make, marks, rhythm):
    folder = make("data_1_1", marks=marks)
    assert DATABASE.read(folder, DATABASE.index(folder)[0]).rhythms == (RhythmInterval(0, 2000, rhythm),)


def test_a_header_without_a_known_comment_gives_no_label(make):
    folder = make("data_1_1", "sinus rhythm")
    assert DATABASE.index(folder)[0].labels == ()


def test_recordings_without_header_or_signal_are_unreadable(make):
    folder = make("data_1_1")
    make("data_1_2")
    (folder / "Training_set_I" / "data_1_1.hea").unlink()
    (folder / "Training_set_I" / "data_1_2.dat").unlink()
    first, second = DATABASE.index(folder)
    with pytest.raises(RecordError, match=r"data_1_1\.hea is missing"):
        DATABASE.read(folder, first)
    with pytest.raises(RecordError, match=r"data_1_2\.dat is missing"):
        DATABASE.read(folder, second)


def test_a_folder_without_recordings(tmp_path):
    assert not DATABASE.is_at(tmp_path)
    with pytest.raises(InputError, match="holds no recordings of cpsc2021"):
        DATABASE.index(tmp_path)


def test_real_recordings(real_data):
    folder = real_data("cpsc2021")
    entries = {entry.name: entry for entry in DATABASE.index(folder)}
    labels = [entry.labels for entry in entries.values()]
    assert [labels.count((label,)) for label in DATABASE.classes] == [5, 5, 5]
    assert len({entry.patient for entry in entries.values()}) == 8
    record = DATABASE.read(folder, entries["data_101_6"])
    assert (record.fs, record.leads, record.samples, len(record.beats.samples)) == (200.0, ("I", "II"), 22355, 196)
    assert (record.rhythms[0], record.rhythms[-1].rhythm) == (RhythmInterval(0, 3132, "N"), "AFIB")
