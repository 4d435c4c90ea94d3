import pytest

from ecg_edge.records.databases.catalogue import locate
from ecg_edge.records.databases.challenge2021 import Challenge2021
from ecg_edge.records.record import STANDARD_LEADS
from firmware_bench.runtime.errors import InputError

DATABASE = Challenge2021()


def read(folder, name):
    return DATABASE.read(folder, {entry.name: entry for entry in DATABASE.index(folder)}[name])


def test_scored_codes_are_labels(make_form):
    labels = {entry.name: entry.labels for entry in DATABASE.index(make_form("challenge2021"))}
    assert labels == {
        "A0001": ("RBBB",),
        "Q0001": ("LAnFB", "LAD"),
        "E00001": ("TInv", "NSR"),
        "E00002": (),  # a code that the challenge did not score
        "HR00001": ("LQRSV", "NSR"),
        "HR00002": ("SB",),
        "S0001": ("NSR",),
        "S0002": (),
        "I0001": ("PAC",),  # two codes of one diagnosis
        "JS00001": ("AF", "RBBB", "TAb"),
    }
    assert len(DATABASE.classes) == 26


def test_who_the_patients_are(make_form):
    entries = {entry.name: entry for entry in DATABASE.index(make_form("challenge2021"))}
    patients = {name: entry.patient for name, entry in entries.items()}
    assert patients == {name: name for name in entries} | {"S0001": "PTB", "S0002": "PTB", "I0001": "INCART"}
    assert entries["A0001"].person == "cpsc2018/A0001" and entries["HR00001"].source == "ptbxl/1"
    assert entries["E00001"].person == "challenge2021/E00001" and entries["E00001"].source == ""


def test_patients_of_ptbxl_are_looked_up_in_its_table(make_form):
    folder = make_form("challenge2021")
    assert [note.split(":")[0] for note in DATABASE.list_notes(folder)] == [
        "INCART and PTB do not say who their patients are",
        "PTB-XL",
    ]
    (folder / "ptbxl_database.csv").write_text("ecg_id,patient_id\n1,15709.0\n2,13243.0\n")
    assert len(DATABASE.list_notes(folder)) == 1
    entries = {entry.name: entry for entry in DATABASE.index(folder)}
    assert [entries[name].person for name in ("HR00001", "HR00002")] == ["ptbxl/15709", "ptbxl/13243"]
    (folder / "ptbxl_database.csv").write_text("ecg_id,patient_id\n1,x\n")
    with pytest.raises(InputError, match=r"ptbxl_database\.csv is corrupt"):
        DATABASE.index(folder)


def test_signals(make_form):
    folder = make_form("challenge2021")
    assert read(folder, "HR00001").leads == STANDARD_LEADS and read(folder, "I0001").fs == 257.0


@pytest.mark.parametrize("part", ["training", "training/georgia", "training/georgia/g1"])
def test_a_part_of_the_download_is_recognised(make_form, part):
    assert locate(str(make_form("challenge2021") / part))[0].name == "challenge2021"


def test_cpsc2018_alone_is_read_by_its_own_reader(make_form):
    assert locate(str(make_form("challenge2021") / "training" / "cpsc_2018"))[0].name == "cpsc2018"
