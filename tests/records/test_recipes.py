"""The recipes for a database and an input format, followed step by step in a copy of the source tree."""

import numpy as np
import pytest
from recipes import copy_tree, follow, run

from ecg_edge.records.formats.wfdb_format import import_wfdb

PATIENTS = 12
CLASSES_OF_TASKS = """
from ecg_edge.data.dataset import Dataset
from ecg_edge.data.examples import WindowSpec
from ecg_edge.tasks import TASKS

for name in ("anomaly", "rhythm_bouts"):
    task = TASKS[name]
    dataset = Dataset.open("harbour", task)
    recordings = dataset.recordings(task, WindowSpec(250.0, 2500, 2500, []))
    print(*task.find_classes(dataset, recordings, [entry.name for entry in dataset.entries]))
"""
FINGERPRINT = """
from ecg_edge.records.databases.catalogue import locate
from ecg_edge.records.fingerprint import fingerprint

database, folder = locate("clinic")
print(fingerprint(database, folder, database.index(folder)))
"""


@pytest.fixture
def data(tmp_path):
    """The folder of databases."""
    return tmp_path / "data"


def write_harbour(folder, write_record):
    """A minute of each of PATIENTS, of alternating label; each has both rhythms annotated."""
    table = ["record,patient,rhythm"]
    for number in range(PATIENTS):
        name = f"h{number:02}"
        write_record(folder, name, leads=("I", "II"), fs=250, samples=15000, seed=number)
        beats = np.arange(125, 15000, 250)
        at, symbols = [0, *beats[:30], 7500, *beats[30:]], ["+", *["N"] * 30, "+", *["N"] * 30]
        notes = ["(SR", *[""] * 30, "(AF", *[""] * 30]
        import_wfdb().wrann(name, "atr", np.array(at), symbol=symbols, aux_note=notes, write_dir=str(folder))
        table.append(f"{name},p{number},{('sinus', 'fibrillation')[number % 2]}")
    (folder / "harbour.csv").write_text("\n".join(table) + "\n")


def write_clinic(folder):
    """Three seconds of noise in the recipe's text format, labelled."""
    folder.mkdir(parents=True)
    table = ["record,label"]
    for number in range(3):
        signal = np.random.default_rng(number).integers(-900, 900, (750, 2))
        lines = "\n".join(" ".join(map(str, row)) for row in signal)
        (folder / f"c{number}.ecgtxt").write_text(f"fs 250\nleads I II\n{lines}\n")
        table.append(f"c{number}.ecgtxt,N")
    (folder / "labels.csv").write_text("\n".join(table) + "\n")


@pytest.mark.slow
def test_a_database_is_added_by_its_recipe_and_serves_every_kind_of_task(tmp_path, data, write_record):
    write_harbour(data / "harbour", write_record)
    copy_tree(tmp_path / "copy")
    environment = {"ECG_EDGE_DATA": str(data), "ECG_EDGE_CACHE": str(tmp_path / "cache")}
    follow("database.md", tmp_path / "copy", **environment)
    found = run(["python", "-c", CLASSES_OF_TASKS], tmp_path / "copy", environment)
    assert found.splitlines() == ["normal abnormal", "NSR AFIB"]


def test_an_input_format_is_added_by_its_recipe(tmp_path, data):
    write_clinic(data / "clinic")
    copy_tree(tmp_path / "copy")
    follow("input-format.md", tmp_path / "copy", ECG_EDGE_DATA=str(data))
    before = run(["python", "-c", FINGERPRINT], tmp_path / "copy", {"ECG_EDGE_DATA": str(data)})
    file = data / "clinic" / "c1.ecgtxt"
    file.write_text(file.read_text().replace("leads I II", "leads I V1"))
    assert run(["python", "-c", FINGERPRINT], tmp_path / "copy", {"ECG_EDGE_DATA": str(data)}) != before


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("+    EcgTextFormat(),\n", "+\n", r"ecg_text_format\.py: exit status 1"),
        (" from ecg_edge.records.formats.cpsc", " from ecg_edge.formats.cpsc", "has these lines 0 times"),
        ("nothing suspicious", "nothing at all", "does not print"),
        ('.removeprefix("leads")', "", r"test_ecg_text_format\.py: exit status 1"),
    ],
)
def test_a_wrong_recipe_fails(tmp_path, data, monkeypatch, old, new, complaint):
    write_clinic(data / "clinic")
    copy_tree(tmp_path / "copy")
    page = tmp_path / "copy" / "docs" / "contributing" / "input-format.md"
    assert old in page.read_text()
    page.write_text(page.read_text().replace(old, new))
    monkeypatch.setattr("recipes.ROOT", tmp_path / "copy")
    with pytest.raises(AssertionError, match=complaint):
        follow("input-format.md", tmp_path / "copy", ECG_EDGE_DATA=str(data))
