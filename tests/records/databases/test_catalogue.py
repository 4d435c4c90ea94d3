from pathlib import Path

import pytest
from database_forms import FORMS

from ecg_edge.records.check import check
from ecg_edge.records.databases.catalogue import DATABASES, ON_DISK, discover_databases, locate
from firmware_bench.runtime.errors import InputError


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def place(folder, table="record,label\nx,N\n"):
    folder.mkdir(parents=True)
    (folder / "labels.csv").write_text(table)


def test_synthetic_needs_no_folder(root):
    assert locate("synthetic") == (DATABASES["synthetic"], Path())


def test_names_are_looked_up_in_both_places(root, monkeypatch):
    (root / "cinc2017").mkdir()
    (root / "data" / "mitdb").mkdir(parents=True)
    assert locate("cinc2017") == (DATABASES["cinc2017"], root / "cinc2017")
    assert locate("mitdb") == (DATABASES["mitdb"], Path("data/mitdb"))
    with pytest.raises(InputError, match="ecg-edge data download ptbxl"):
        locate("ptbxl100")


def test_folders_are_recognised_by_their_files(root):
    place(root / "mine")
    (root / "challenge").mkdir()
    (root / "challenge" / "REFERENCE.csv").write_text("A00001,N\n")
    assert locate("mine")[0].classes == ("N",)
    assert locate(str(root / "challenge"))[0].name == "cinc2017"
    (root / "empty").mkdir()
    with pytest.raises(InputError, match=r"no labels\.csv"):
        locate("empty")
    with pytest.raises(InputError, match="there is no folder"):
        locate(str(root / "absent"))


def test_a_plus_joins_data_sets(root, write_record):
    for name in ("one", "two"):
        place(root / name)
        write_record(root / name, "x")
    database, folder = locate(f"one+{root / 'two'}")
    assert (database.name, folder) == ("one+two", root)
    with pytest.raises(InputError, match="did you mean two"):
        locate("one+twoo")
    with pytest.raises(InputError, match="synthetic ECG is for demos and tests alone"):
        locate("one+synthetic")


def test_a_folder_may_have_a_plus_in_its_name(root):
    place(root / "one+two")
    assert locate("one+two")[0].classes == ("N",)


def test_misspelt_names_get_close_matches(root):
    place(root / "hospital_records")
    with pytest.raises(InputError, match="did you mean cinc2017"):
        locate("cinc2071")
    with pytest.raises(InputError, match="did you mean hospital_records"):
        locate("hospital_record")


def test_discovery_lists_absent_databases_and_labelled_folders(root):
    place(root / "hospital")
    (root / "mitdb").mkdir()
    found = {database.name: folder for database, folder in discover_databases()}
    assert found["cinc2017"] is None
    assert found["mitdb"] == root / "mitdb"
    assert found["hospital"] == root / "hospital"


def test_a_folder_with_another_table_does_not_prevent_the_listing(root):
    place(root / "hospital")
    (root / "notes").mkdir()
    (root / "notes" / "map.csv").write_text("record,start\na,3\n")
    found = {database.name for database, _ in discover_databases()}
    assert "hospital" in found and "notes" not in found


HOLTERS = ["afpdb", "aftdb", "cpsc2021", "cudb", "ltafdb", "mitdb", "nstdb", "svdb"]
REAL = [*HOLTERS, "cinc2017", "cpsc2018", "ludb", "ptbxl"]


@pytest.mark.parametrize("name", [*REAL, "ptbxl_filtered"])
def test_real_folders_are_recognised(real_data, name):
    folder = real_data(name)
    assert locate(str(folder))[0].name == name
    others = [database.name for database in ON_DISK if database.is_at(folder) and database.folder_name != name]
    assert not others


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_recognised_by_its_own_reader(make_form, name):
    folder = make_form(name)
    assert locate(str(folder))[0].name == name
    others = {database.name for database in ON_DISK if database.is_at(folder)} - {name}
    assert others <= {"cpsc2018"} if name == "challenge2021" else not others


@pytest.mark.parametrize("name", FORMS)
def test_each_form_can_be_checked(make_form, name):
    folder = make_form(name)
    report = check(*locate(str(folder)))
    assert report.records and not report.unreadable
