"""The table of labels of a folder: usual columns are understood, unsound rows are refused with their line."""

import time

import pytest

from ecg_edge.records.databases.labels_table import read_labels_table
from firmware_bench.runtime.errors import InputError


@pytest.fixture
def read(tmp_path):
    """read(content) → the table; every name is a recording."""

    def read(content):
        file = tmp_path / "labels.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_labels_table(file, lambda text: text)

    return read


RECORD = ("record", "Path", "file", "FileName", "File_Name", "record name", "Record-ID", "recording", "ECG_ID", "name")
LABEL = ("label", "Labels", "label(s)", "class", "Diagnosis", "rhythm", "Rhythm_Label", "target", "DX", "Category")
PATIENT = (
    "patient",
    "PatientID",
    "patient_id",
    "Patient ID",
    "pid",
    "PID",
    "subject",
    "Subject-Id",
    "SubjectID",
    "mrn",
)


@pytest.mark.parametrize(("record", "label", "patient"), [*zip(RECORD, LABEL, PATIENT, strict=True)])
def test_columns_by_their_usual_names(read, record, label, patient):
    table = read(f"{patient},{label},{record}\np7,AF,x\n")
    assert [(row.path, row.labels, row.patient) for row in table.rows] == [("x", ("AF",), "p7")]
    assert table.notes == ()


def test_recordings_of_a_patient_named_by_PatientID_stay_one_patient(read):
    table = read("file,PatientID,label\n" + "".join(f"r{n},{n // 2},N\n" for n in range(10)))
    assert [row.patient for row in table.rows] == list("0011223344")


def test_a_column_that_is_not_understood_is_named(read):
    notes = read("record,label,Patienten-Nr,age\nx,N,7,55\n").notes
    assert notes == (
        "labels.csv: columns that are not understood and not used: 'Patienten-Nr', 'age'",
        "labels.csv: no column of patients: each recording counts as a patient of its own",
    )


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("record,label,diagnosis", r"columns 'label' and 'diagnosis' mean the same \(labels\): rename or remove one"),
        ("record,patient,SubjectID,label", "columns 'patient' and 'SubjectID' mean the same"),
        ("file,path,label", "columns 'file' and 'path' mean the same"),
        ("label,label,record", "columns 'label' and 'label' mean the same"),
        ("record,label,fold,split", "columns 'fold' and 'split' both divide the recordings"),
        ("patient,label,age", "no column 'record': its columns are 'patient', 'label', 'age'"),
        ("record,AF,PVC", "no column 'label': its columns are 'record', 'AF', 'PVC'"),
    ],
)
def test_columns_that_cannot_be_told_are_refused_by_name(read, header, why):
    with pytest.raises(InputError, match=why):
        read(header + "\n" + ",".join("x" * (header.count(",") + 1)) + "\n")


@pytest.mark.parametrize(
    ("values", "sides"),
    [
        (("train", "val", "test"), ("train", "validation", "test")),
        (("Training", "VALIDATION", "Testing"), ("train", "validation", "test")),
        (("train", "train", "test"), ("train", "train", "test")),
        (("train", "dev", "train"), ("train", "validation", "train")),
    ],
)
@pytest.mark.parametrize("column", ["split", "Data Split", "subset"])
def test_a_column_split_is_read(read, column, values, sides):
    table = read(f"record,label,{column}\n" + "".join(f"r{n},N,{value}\n" for n, value in enumerate(values)))
    assert tuple(row.side for row in table.rows) == sides
    # `split` draws the validation part of entries with a part, and keeps three parts that are stated as folds.
    assert [row.part is None for row in table.rows] == ["validation" in sides] * 3


BLANK = "line 4: no {}, and other lines have one: fill it in, or remove the column"
UNSOUND = {
    "blank fold": ("record,label,fold\na,N,1\nb,N,2\nc,N,\n", BLANK.format("fold")),
    "NaN as fold": ("record,label,fold\na,N,1.0\nb,N,2.0\nc,N,nan\n", BLANK.format("fold")),
    "blank split": ("record,label,split\na,N,train\nb,N,test\nc,N,\n", BLANK.format("part of the split")),
    "unknown split": ("record,label,split\na,N,train\nb,N,holdout\n", "line 3: split 'holdout' is not one of train"),
    "fold 0": ("record,label,fold\na,N,1\nb,N,0\n", "line 3: fold '0' is not one of 1 … 10"),
    "fold 11": ("record,label,fold\na,N,11\n", "line 2: fold '11'"),
    "fold 2.5": ("record,label,fold\na,N,2.5\n", "line 2: fold '2.5'"),
    "fold inf": ("record,label,fold\na,N,inf\n", "line 2: fold 'inf'"),
    "text as fold": ("record,label,fold\na,N,train\n", "line 2: fold 'train' is not one of 1 … 10"),
    "unquoted comma": ("record,label,patient\na,N,1\nb,AF, fast,2\n", "line 3: 4 cells where the header has 3"),
    "missing cell": ("record,label,patient\na,N\n", "line 2: 2 cells where the header has 3"),
    "no record": ("record,label\n,N\n", "line 2: names no record"),
    "record on two rows": ("record,label\na,N\nb,N\na,AF\n", "line 4: 'a' has another labels than in line 2"),
    "patient on two rows": ("record,label,pid\na,N,1\na,N,2\n", "line 3: 'a' has another patient than in line 2"),
    "case of a label": ("record,label\na,AF\nb,N\nc,af\n", "line 4: label 'af' is spelt 'AF' in line 2"),
    "space in a label": ("record,label\na,I-AVB\nb,I AVB\n", "line 3: label 'I AVB' is spelt 'I-AVB' in line 2"),
    "case of a patient": ("record,label,pid\na,N,P7\nb,N,p7\n", "line 3: patient 'p7' is spelt 'P7' in line 2"),
    "zeros of a patient": ("record,label,pid\na,N,007\nb,N,7\n", "line 3: patient '7' is spelt '007' in line 2"),
    "torn by folds": (
        "record,label,pid,fold\na,N,p,1\nb,N,q,9\nc,N,p,10\n",
        "line 4: patient 'p' is in the train part in line 2 and in the test part here",
    ),
    "torn by split": (
        "record,label,pid,split\na,N,p,train\nb,N,p,test\n",
        "line 3: patient 'p' is in the train part in line 2 and in the test part here",
    ),
    "list": (
        "record,label\na,\"['AF', 'PVC']\"\n",
        "line 2: .* is a list as programs write it: separate labels by ';'",
    ),
    "escape code": ("record,label\na\x1b[31m,N\n", r"line 2: a cell contains the invisible U\+001B"),
    "zero width": ("record,label\na,N\nb,N\u200b\n", r"line 3: a cell contains the invisible U\+200B"),
    "separator of another kind": ("record,label\na\x1fb,N\n", r"line 2: a cell contains the invisible U\+001F"),
    "line break": ('record,label\na,"AF\nb,N\nc,AF"\n', "line 2: a cell contains a line break or tab"),
    "open quotation mark": ('record,label\na,N\nb,"AF\nc,N\n', "line 3: a quotation mark is not closed"),
    "header alone": ("record,label\n", "is empty: it must list the recordings"),
    "NUL": ("record,label\na\0,N\n", "is no text: it holds NUL bytes"),
    "nothing": ("", "is empty: its first line must name the columns"),
}


@pytest.mark.parametrize(("content", "why"), UNSOUND.values(), ids=UNSOUND)
def test_rows_that_do_not_fit_are_refused_with_their_line(read, content, why):
    with pytest.raises(InputError, match=why):
        read(content)


def test_the_first_fault_is_told_and_where_the_others_are(read):
    rows = "".join(f"r{n},N,{0 if n in (3, 8, 9) else 1}\n" for n in range(12))
    with pytest.raises(InputError, match=r"line 5: fold '0' .* \(2 more faults: line 10, 11\)$"):
        read(f"record,label,fold\n{rows}")


def test_a_blank_label_is_an_unlabelled_recording_and_a_blank_patient_one_of_its_own(read):
    table = read("record,label,patient\na,,1\nb,NaN,\nc,N,<NA>\n")
    assert [row.labels for row in table.rows] == [(), (), ("N",)]
    assert [row.patient for row in table.rows] == ["1", "", ""]
    assert table.notes == ("labels.csv: 2 recordings without a patient: each counts as a patient of its own",)


def test_a_blank_column_fold_is_named_and_not_used(read):
    table = read("record,label,patient,fold\na,N,1,\nb,N,2,\n")
    assert [row.side for row in table.rows] == [None, None] and table.notes == ("labels.csv: column 'fold' is blank",)


def test_several_labels_in_a_cell(read):
    table = read('record,label,pid\na,AF; PVC ;AF,1\nb,"AF,PVC",2\nc,PVC,3\n')
    assert [row.labels for row in table.rows] == [("AF", "PVC"), ("AF,PVC",), ("PVC",)]
    assert table.notes == ("labels.csv: 'AF,PVC' is a class of its own: several labels are separated by ';'",)


def test_cells_that_excel_leaves_out_or_adds_change_nothing(read):
    table = read("record,label,patient,comment\na,N,1\nb,N,2,,,\n,,,\n\nc,AF,3,x\n")
    assert [(row.line, row.path, row.patient) for row in table.rows] == [(2, "a", "1"), (3, "b", "2"), (6, "c", "3")]


def test_markup_in_labels_stays_text(read):
    table = read("record,label\n[bold]x[/b],[/b]\n")
    assert (table.rows[0].path, table.rows[0].labels) == ("[bold]x[/b]", ("[/b]",))


def test_a_row_that_is_repeated_very_often_takes_no_longer_than_others(read):
    started = time.process_time()
    table = read("record,label\n" + "x,N\n" * 50_000)
    assert len(table.rows) == 1 and len(table.repeated["x"]) == 50_000
    assert time.process_time() - started < 10
