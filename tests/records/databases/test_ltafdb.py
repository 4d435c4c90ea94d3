import numpy as np
import pytest

from ecg_edge.records.databases.ltafdb import Ltafdb
from ecg_edge.records.formats.wfdb_format import import_wfdb
from ecg_edge.records.record import RhythmInterval
from ecg_edge.records.record_error import RecordError
from firmware_bench.runtime.errors import InputError

DATABASE = Ltafdb()


@pytest.fixture
def folder(tmp_path, write_record):
    """Recordings 00 with its signal, and 100 with annotations alone; both annotated alike."""
    for name in ("00", "100"):
        write_record(tmp_path, name, leads=("ECG", "ECG"), fs=128, samples=2000)
        annotate(tmp_path, name, [10, 180, 500, 520, 1600])
    (tmp_path / "100.dat").unlink()
    return tmp_path


def annotate(folder, name, at):
    import_wfdb().wrann(
        name,
        "atr",
        np.array(at),
        symbol=["+", "N", "V", "+", "A"],
        aux_note=["(N", "", "", "(SBR", ""],
        write_dir=str(folder),
    )


def read(folder, name):
    return DATABASE.read(folder, {entry.name: entry for entry in DATABASE.index(folder)}[name])


def test_with_and_without_signal(folder):
    assert DATABASE.is_at(folder)
    whole, bare = read(folder, "00"), read(folder, "100")
    assert whole.signal.shape == (2000, 2) and bare.signal is None
    for record in (whole, bare):
        assert (record.samples, record.fs, record.leads) == (2000, 128.0, ("ECG 1", "ECG 2"))
        assert (record.beats.samples.tolist(), record.beats.symbols.tolist()) == ([180, 500, 1600], ["N", "V", "A"])
        assert record.rhythms == (RhythmInterval(10, 520, "N"), RhythmInterval(520, 2000, "SBR"))


def test_annotations_beyond_the_end_are_left_out(folder):
    annotate(folder, "100", [10, 180, 500, 520, 2000])
    assert read(folder, "100").beats.samples.tolist() == [180, 500]
    annotate(folder, "100", [10, 180, 500, 2001, 2600])
    assert read(folder, "100").rhythms == (RhythmInterval(10, 2000, "N"),)


def test_the_published_split(folder):
    assert [(entry.name, entry.part) for entry in DATABASE.index(folder)] == [("00", "train"), ("100", "test")]


def test_damaged_and_absent_files_are_named(folder):
    (folder / "RECORDS").write_text("00\n01\n100\n")
    with pytest.raises(RecordError, match=r"01\.hea is missing"):
        read(folder, "01")
    (folder / "00.dat").write_bytes((folder / "00.dat").read_bytes()[:-100])
    with pytest.raises(RecordError, match=r"00\.dat is truncated"):
        read(folder, "00")
    (folder / "100.atr").unlink()
    with pytest.raises(RecordError, match=r"100\.atr is missing"):
        read(folder, "100")


def test_other_folders_are_not_recognised(tmp_path, write_record):
    write_record(tmp_path, "100", leads=("MLII", "V1"), fs=360)
    write_record(tmp_path, "16265", leads=("ECG1", "ECG2"), fs=128)
    assert not DATABASE.is_at(tmp_path)
    (tmp_path / "100.hea").unlink()
    with pytest.raises(InputError, match="holds no recordings of ltafdb"):
        DATABASE.index(tmp_path)


def test_real_recordings(real_data):
    folder = real_data("ltafdb")
    assert len(DATABASE.index(folder)) == 84
    record = read(folder, "30")
    assert record.seconds == 2826240 / 128 and record.beats.samples[-1] < 2826240
    assert len(record.beats.samples) == 31161
    assert {rhythm.rhythm for rhythm in record.rhythms} == {"N", "AB", "SVTA"}
    assert {entry.part for entry in DATABASE.index(folder)} == {"train", "test"}
