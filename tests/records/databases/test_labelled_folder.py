import pytest

from ecg_edge.records.databases.labelled_folder import LabelledFolder
from firmware_bench.runtime.errors import InputError


def test_columns_by_their_usual_names(tmp_path, write_record):
    write_record(tmp_path / "a", "r1")
    write_record(tmp_path / "b", "r1")
    (tmp_path / "anything.csv").write_text("File,Class,patient_id,strat_fold\na/r1.hea,VT;AF,p,9\n./b/r1,AF,,10.0\n")
    database = LabelledFolder(tmp_path)
    first, second = database.index(tmp_path)
    assert (first.name, first.path, first.labels, first.patient, first.fold) == ("a/r1", "a/r1", ("VT", "AF"), "p", 9)
    assert (second.name, second.patient, second.fold) == ("b/r1", "b/r1", 10)
    assert database.classes == ("AF", "VT")
    assert database.read(tmp_path, first).signal.shape == (2000, 1)


def test_numbers_find_padded_files(tmp_path, write_record):
    write_record(tmp_path / "records", "00009")
    (tmp_path / "other.csv").write_text("not,this\n")
    for number in ("9", "009", "00009"):
        (tmp_path / "labels.csv").write_text(f"ecg_id,scp_codes\n{number},SR;NORM\n")
        (entry,) = LabelledFolder(tmp_path).index(tmp_path)
        assert entry.path == "records/00009"


def test_scp_codes_become_superclasses(tmp_path):
    own = "\"{'LVH': 50.0, 'IMI': 100.0}\""
    (tmp_path / "labels.csv").write_text(f"ecg_id,SCP_codes\n1,SR;NORM\n2, LVH ; IMI\n3,{own}\n4,SR\n")
    database = LabelledFolder(tmp_path)
    assert database.classes == ("NORM", "MI", "STTC", "CD", "HYP")
    assert [entry.labels for entry in database.index(tmp_path)] == [("NORM",), ("MI", "HYP"), ("MI", "HYP"), ()]


def test_a_damaged_list_of_scp_codes_is_refused_with_its_line(tmp_path):
    (tmp_path / "labels.csv").write_text("record,scp_codes\nx,NORM\ny,{'NORM'\n")
    with pytest.raises(InputError, match=r"labels\.csv, line 3: .* is no list of SCP codes"):
        LabelledFolder(tmp_path).index(tmp_path)


def test_a_name_that_occurs_twice_finds_neither(tmp_path, write_record):
    for place in ("a", "b"):
        write_record(tmp_path / place, "r1")
    (tmp_path / "labels.csv").write_text("record,label\nr1,N\n")
    assert LabelledFolder(tmp_path).index(tmp_path)[0].path == "r1"


def test_the_first_column_serves_where_none_is_called_record(tmp_path, write_record):
    write_record(tmp_path, "x")
    (tmp_path / "labels.csv").write_text("id of the ECG,label\nx,N\n")
    assert LabelledFolder(tmp_path).index(tmp_path)[0].path == "x"


def test_repeated_lines_count_once_and_are_reported(tmp_path):
    (tmp_path / "labels.csv").write_text("record,label\nx,N\nx,A\n")
    database = LabelledFolder(tmp_path)
    assert [entry.labels for entry in database.index(tmp_path)] == [("N",)]
    assert database.check_labels(tmp_path) == [("x", "listed more than once in the labels file: the first line counts")]


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("record,diagnosis\nx,N\n", "no column 'labels'"),
        ("record,label\n,N\n", "line 2 names no record"),
        ("record,label,fold\nx,N,11\n", "line 2: fold '11'"),
        ("record,label,fold\nx,N,one\n", "line 2: fold 'one'"),
    ],
)
def test_unusable_tables_are_refused(tmp_path, table, why):
    (tmp_path / "labels.csv").write_text(table)
    with pytest.raises(InputError, match=why):
        LabelledFolder(tmp_path)


def test_real_recordings(real_data):
    folder = real_data("ptbxl_filtered")
    database = LabelledFolder(folder)
    entries = database.index(folder)
    assert len(entries) == 1635 and all(entry.labels for entry in entries)
    assert (entries[0].path, entries[0].labels, entries[0].fold) == ("00009", ("NORM",), 10)
    assert database.read(folder, entries[0]).signal.shape == (2500, 12)
