import pytest

from ecg_edge.records.databases.mimic_iv_ecg import MimicIvEcg
from firmware_bench.runtime.errors import InputError

DATABASE = MimicIvEcg()


def read(folder, name):
    return DATABASE.read(folder, {entry.name: entry for entry in DATABASE.index(folder)}[name])


def test_patients_and_what_the_machine_states(make_form):
    entries = DATABASE.index(make_form("mimic-iv-ecg"))
    assert [(entry.name, entry.patient, entry.labels) for entry in entries] == [
        ("41420867", "10001725", ("STach",)),
        ("41420868", "10001725", ("AF",)),
        ("40689238", "10000032", ()),  # "Probable atrial fibrillation" is no label
    ]
    assert entries[0].path == "files/p1000/p10001725/s41420867/41420867"


def test_signals(make_form):
    record = read(make_form("mimic-iv-ecg"), "41420867")
    assert (record.fs, len(record.leads), record.units) == (500.0, 12, "mV")


def test_damaged_tables_are_named(make_form):
    folder = make_form("mimic-iv-ecg")
    table = folder / "record_list.csv"
    table.write_text(table.read_text().replace("subject_id", "who"))
    with pytest.raises(InputError, match=r"record_list\.csv, line 2 lacks subject_id"):
        DATABASE.index(folder)
    (folder / "machine_measurements.csv").unlink()
    with pytest.raises(InputError, match=r"machine_measurements\.csv is missing"):
        DATABASE.index(folder)
