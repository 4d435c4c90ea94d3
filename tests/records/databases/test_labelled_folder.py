import contextlib
import unicodedata

import numpy as np
import pytest

from ecg_edge.records.databases.catalogue import recognise_folder
from ecg_edge.records.databases.labelled_folder import LabelledFolder
from ecg_edge.records.fingerprint import fingerprint
from ecg_edge.records.formats.wfdb_format import import_wfdb
from ecg_edge.records.record import RhythmInterval
from ecg_edge.records.record_error import RecordError
from ecg_edge.records.summary import find_unlisted
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


def test_a_patient_who_is_named_in_two_folders_may_be_one_person(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "labels.csv").write_text("record,label,patient\nx,N,1\ny,N,\n")
    one, two = (LabelledFolder(tmp_path / name).index(tmp_path / name) for name in ("one", "two"))
    assert [entry.person for entry in one] == [entry.person for entry in two] == ["patient/1", ""]


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


def test_a_name_that_occurs_twice_must_be_written_with_its_path(tmp_path, write_record):
    for place in ("a", "b"):
        write_record(tmp_path / place, "r1")
    (tmp_path / "labels.csv").write_text("record,label\nr1,N\n")
    with pytest.raises(InputError, match=r"line 2: 'r1' may be a/r1, b/r1: write the path"):
        LabelledFolder(tmp_path)


def test_a_path_finds_no_recording_of_the_same_name_elsewhere(tmp_path, write_record):
    write_record(tmp_path / "site-a", "001")
    (tmp_path / "labels.csv").write_text("record,label\nsite-a/001,N\nsite-b/001,AF\n")
    database = LabelledFolder(tmp_path)
    _, missing = database.index(tmp_path)
    with pytest.raises(RecordError, match=r"site-b/001\.hea is missing \(labels\.csv, line 3\)"):
        database.read(tmp_path, missing)


def test_paths_of_other_systems_find_their_recordings(tmp_path, write_record):
    write_record(tmp_path / "a", "r1")
    write_record(tmp_path / "a", unicodedata.normalize("NFD", "Müller"))
    for name in ("a\\r1.hea", "./a/r1", "a/../a/r1.dat", str(tmp_path / "a" / "r1.hea")):
        (tmp_path / "labels.csv").write_text(f"record,label\n{name},N\n")
        assert LabelledFolder(tmp_path).index(tmp_path)[0].path == "a/r1"
    (tmp_path / "labels.csv").write_text("record,label\nMüller,N\n")
    (entry,) = LabelledFolder(tmp_path).index(tmp_path)
    assert (tmp_path / f"{entry.path}.hea").is_file()


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "C:\\ecg\\x", "..", ".", "~/../../x"])
def test_names_that_leave_the_folder_are_refused_with_their_line(tmp_path, name):
    (tmp_path / "labels.csv").write_text(f"record,label\nr1,N\n{name},N\n")
    with pytest.raises(InputError, match=r"line 3: .* is no recording in this folder"):
        LabelledFolder(tmp_path)


def test_the_first_column_serves_where_none_is_called_record(tmp_path, write_record):
    write_record(tmp_path, "x")
    (tmp_path / "labels.csv").write_text("id of the ECG,label\nx,N\n")
    assert LabelledFolder(tmp_path).index(tmp_path)[0].path == "x"


def test_rows_on_one_recording_that_say_the_same_count_once_and_are_reported(tmp_path, write_record):
    write_record(tmp_path, "x")
    (tmp_path / "labels.csv").write_text("record,label\nx,N\nx.hea,N\n./x,N\n")
    database = LabelledFolder(tmp_path)
    assert [entry.labels for entry in database.index(tmp_path)] == [("N",)]
    remark = "listed more than once in the table of labels, in lines 2, 3, 4: counted once"
    assert database.check_labels(tmp_path) == [("x", remark)]


# The situations of people's own folders.


def write_holter(folder, name, write_record, beats=(100, 600, 1200), rhythms=()):
    """A recording with annotations: normal beats, and rhythm marks as (sample, code)."""
    write_record(folder, name)
    marks = sorted([(at, "N", "") for at in beats] + [(at, "+", f"({code}") for at, code in rhythms])
    at, symbols, notes = (list(column) for column in zip(*marks, strict=True))
    import_wfdb().wrann(name, "atr", np.array(at), symbol=symbols, aux_note=notes, write_dir=str(folder))


@pytest.mark.parametrize("names", [("A0001", "A0002"), ("100", "101"), ("01", "200"), ("data_1_1", "data_1_2")])
def test_own_records_that_are_called_like_those_of_a_database_are_labelled_by_labels_csv(tmp_path, write_record, names):
    for name in names:
        write_record(tmp_path, name, leads=("I", "II"), fs={"100": 360, "101": 360}.get(name, 128))
    assert not isinstance(recognise_folder_or_none(tmp_path), LabelledFolder)
    (tmp_path / "labels.csv").write_text(f"record,label,patient\n{names[0]},sick,p\n{names[1]},well,q\n")
    database = recognise_folder(tmp_path)
    assert isinstance(database, LabelledFolder) and database.classes == ("sick", "well")
    assert [(e.path, e.labels, e.patient) for e in database.index(tmp_path)] == [
        (names[0], ("sick",), "p"),
        (names[1], ("well",), "q"),
    ]


def recognise_folder_or_none(folder):
    with contextlib.suppress(InputError):
        return recognise_folder(folder)


APPLE_WATCH = 'Name,Anna Example\nDate of Birth,"Jan 1, 1970"\nClassification,Sinus Rhythm\nSample Rate,512 hertz\n'
OTHER_TABLES = {
    "Apple Watch": APPLE_WATCH,
    "samples": "time,ecg,label\n0.0,0.1,N\n",
    "Polar": "Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [uV]\n1;2;3;4\n",
    "leads": "I,II,III\n0.1,0.2,0.1\n",
    "numbers alone": "0.1\n0.2\n",
    "binary": "\x00\x01\x02",
}


@pytest.mark.parametrize("content", OTHER_TABLES.values(), ids=OTHER_TABLES)
def test_a_csv_recording_beside_records_is_not_taken_for_the_table_of_labels(tmp_path, write_record, content):
    write_record(tmp_path, "x")
    (tmp_path / "ecg_2026-01-01.csv").write_text(content)
    with pytest.raises(InputError, match=r"no labels\.csv .*; ecg_2026-01-01\.csv: not the columns of one"):
        recognise_folder(tmp_path)
    (tmp_path / "Diagnoses.CSV").write_text("File name;Diagnosis\nx;N\n")
    assert recognise_folder(tmp_path).index(tmp_path)[0].labels == ("N",)


def test_two_possible_tables_are_refused_by_name(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("record,label\nx,N\n")
    with pytest.raises(InputError, match=r"a\.csv, b\.csv could all be the table .* call the right one labels\.csv"):
        recognise_folder(tmp_path)
    (tmp_path / "Labels.csv").write_text("record,label\nx,AF\n")
    database = recognise_folder(tmp_path)
    assert database.classes == ("AF",)
    assert "a.csv, b.csv: not read, Labels.csv is the table of labels" in database.list_notes(tmp_path)


def test_labels_csv_that_is_no_file_is_refused_before_a_database_is_guessed(tmp_path, write_record):
    write_record(tmp_path, "100", leads=("I", "II"), fs=360)
    (tmp_path / "labels.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(InputError, match=r"labels\.csv is no file that can be read"):
        recognise_folder(tmp_path)


def test_annotations_are_read_beside_labelled_recordings(tmp_path, write_record):
    write_holter(tmp_path, "x", write_record, rhythms=[(0, "N"), (700, "AFIB")])
    write_record(tmp_path, "y")
    (tmp_path / "labels.csv").write_text("record,label,patient\nx,AF,p\ny,N,q\n")
    database = recognise_folder(tmp_path)
    first, second = database.index(tmp_path)
    assert database.annotated
    assert database.is_annotated(tmp_path, first) and not database.is_annotated(tmp_path, second)
    record = database.read(tmp_path, first)
    assert record.beats.samples.tolist() == [100, 600, 1200] and record.labels == ("AF",)
    assert record.rhythms == (RhythmInterval(0, 700, "N"), RhythmInterval(700, 2000, "AFIB"))
    assert database.read(tmp_path, second).beats is None


def test_annotated_recordings_need_no_table(tmp_path, write_record):
    write_holter(tmp_path / "ward 1", "x", write_record)
    write_holter(tmp_path / "ward 2", "x", write_record, beats=(), rhythms=[(0, "AFIB")])
    write_record(tmp_path, "z")
    database = recognise_folder(tmp_path)
    entries = database.index(tmp_path)
    assert (database.classes, database.annotated) == ((), True)
    assert [(e.name, e.patient) for e in entries] == [(p, p) for p in ("ward 1/x", "ward 2/x")]
    assert all(database.is_annotated(tmp_path, entry) for entry in entries)
    assert find_unlisted(database, tmp_path, entries) == {"neither labelled nor annotated": ["z"]}
    assert database.read(tmp_path, entries[1]).beats is None  # rhythm marks alone: its beats are not marked
    assert database.list_notes(tmp_path) == ["no table of labels: each recording counts as a patient of its own"]


def test_a_table_of_patients_alone_serves_annotated_recordings(tmp_path, write_record):
    write_holter(tmp_path, "x", write_record)
    (tmp_path / "patients.csv").write_text("record,PatientID\nx,7\n")
    assert recognise_folder(tmp_path).index(tmp_path)[0].patient == "7"
    (tmp_path / "x.atr").unlink()
    with pytest.raises(InputError, match=r"patients\.csv has no label, and no recording has annotations"):
        recognise_folder(tmp_path)


@pytest.mark.parametrize(("name", "beats"), [("svdb", {"N", "S", "V"}), ("cudb", {"N"})])
def test_public_databases_are_read_as_folders_by_their_annotations(real_data, name, beats):
    folder = real_data(name)
    database = LabelledFolder(folder)
    records = [database.read(folder, entry) for entry in database.index(folder)[:8]]
    assert database.annotated and beats <= {symbol for record in records for symbol in record.beats.symbols}


def test_real_recordings(real_data):
    folder = real_data("ptbxl_filtered")
    database = LabelledFolder(folder)
    entries = database.index(folder)
    assert len(entries) == 1635 and all(entry.labels for entry in entries)
    assert (entries[0].path, entries[0].labels, entries[0].fold) == ("00009", ("NORM",), 10)
    assert database.read(folder, entries[0]).signal.shape == (2500, 12)


def test_recordings_of_every_format_are_found_and_the_table_states_what_files_do_not_say(tmp_path, write_record):
    signal = write_record(tmp_path, "w", leads=("I", "II"))
    np.save(tmp_path / "n.npy", signal * 1000)
    rows = "".join(f"{a:.4f};{b:.4f}\n" for a, b in signal)
    (tmp_path / "visit.csv").write_text("I;II\n" + rows)
    (tmp_path / "notes.txt").write_text("Recorded in March.\n")
    (tmp_path / "settings.json").write_text('{"rate": 500}')
    (tmp_path / "page.xml").write_text("<html></html>")
    (tmp_path / "patients.csv").write_text("patient,age,name\n1,50,x\n")
    lines = ["record,label,fs,unit,leads", "w,N,,,", "n.npy,N,500,uV,I II", "visit.csv,AF,500,mV,"]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    folder = LabelledFolder(tmp_path)
    assert folder.list_recordings(tmp_path).keys() == {"w", "n", "visit"}
    for entry in folder.index(tmp_path):
        record = folder.read(tmp_path, entry)
        np.testing.assert_allclose(record.signal, signal, atol=1e-3)
        assert (record.fs, record.leads) == (500.0, ("I", "II"))
    before = fingerprint(folder, tmp_path, folder.index(tmp_path))
    (tmp_path / "labels.csv").write_text("\n".join(lines).replace("mV", "V"))
    changed = LabelledFolder(tmp_path)
    assert fingerprint(changed, tmp_path, changed.index(tmp_path)) != before
    for wrong in ("x", "-5", "inf"):
        (tmp_path / "labels.csv").write_text("\n".join(lines).replace("500", wrong))
        with pytest.raises(InputError, match=r"labels\.csv, line 3"):
            LabelledFolder(tmp_path)


def test_a_damaged_file_of_a_shared_suffix_is_named_by_its_line(tmp_path):
    (tmp_path / "a.xml").write_text("<html></html>")
    (tmp_path / "labels.csv").write_text("record,label\na,N\nb.edf,N\n")
    folder = LabelledFolder(tmp_path)
    for entry, complaint in zip(folder.index(tmp_path), (r"a\.xml is in no known.*line 2", "line 3"), strict=True):
        with pytest.raises(InputError, match=complaint):
            folder.read(tmp_path, entry)
