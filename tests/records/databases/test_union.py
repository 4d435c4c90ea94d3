import numpy as np
import pytest

from ecg_edge.records.check import check
from ecg_edge.records.databases.catalogue import locate
from ecg_edge.records.databases.labelled_folder import LabelledFolder
from ecg_edge.records.databases.union import DatabaseUnion
from ecg_edge.records.fingerprint import fingerprint
from ecg_edge.records.formats.wfdb_format import import_wfdb
from firmware_bench.runtime.errors import InputError


@pytest.fixture
def make(tmp_path, write_record):
    """make(name, table, leads, fs) → a folder's reader and the folder, with recordings 1 and 2."""

    def write(name, table="record,label\n1,N\n2,AF\n", leads=("I", "II"), fs=500):
        for number in ("1", "2"):
            write_record(tmp_path / name, number, leads=leads, fs=fs, seed=hash_of(name + number))
        (tmp_path / name / "labels.csv").write_text(table)
        return LabelledFolder(tmp_path / name), tmp_path / name

    return write


def hash_of(text):
    return int.from_bytes(text.encode()) % 2**32


def test_names_and_patients_contain_the_database(make):
    union = DatabaseUnion([make("a"), make("b", "record,label,patient\n1,AF,p\n2,N,p\n")])
    entries = union.index(union.folder)
    assert (union.name, union.classes) == ("a+b", ("AF", "N"))
    assert [entry.name for entry in entries] == ["a/1", "a/2", "b/1", "b/2"]
    assert [entry.patient for entry in entries] == ["a/1", "a/2", "b/p", "b/p"]
    assert [entry.labels[0] for entry in entries] == ["N", "AF", "AF", "N"]


def test_recordings_are_read_as_their_own_database_does(make):
    first, second = make("a"), make("b", fs=250)
    first[0].fs, second[0].fs, first[0].annotated = 500.0, 250.0, True
    for number in ("1", "2"):
        import_wfdb().wrann(number, "atr", np.array([50]), symbol=["N"], write_dir=str(first[1]))
    union, alone = DatabaseUnion([first, second]), DatabaseUnion([first])
    assert (union.fs, union.annotated, alone.fs, alone.annotated) == (None, True, 500.0, True)
    for entry, (database, folder) in zip(union.index(union.folder)[1:3], (first, second), strict=True):
        record = union.read(union.folder, entry)
        own = database.read(folder, {e.name: e for e in database.index(folder)}[entry.name[2:]])
        assert (record.name, record.patient, record.fs, record.labels) == (entry.name, entry.name, own.fs, own.labels)
        np.testing.assert_array_equal(record.signal, own.signal)


def test_leads_are_those_that_all_have_in_the_first_ones_order(make):
    union = DatabaseUnion([make("a", leads=("V1", "II", "I")), make("b", leads=("I", "V2", "V1"))])
    assert union.leads == ("V1", "I")
    second = union.index(union.folder)[2]
    record = union.read(union.folder, second)
    database, folder = union.members["b"]
    own = database.read(folder, database.index(folder)[0])
    assert record.leads == ("V1", "I")
    np.testing.assert_array_equal(record.signal, own.signal[:, [2, 0]])


def test_databases_that_cannot_be_joined(make):
    a = make("a")
    with pytest.raises(InputError, match="a and b cannot be joined, they label differently: AF, N; A, N"):
        DatabaseUnion([a, make("b", "record,label\n1,N\n2,A\n")])
    with pytest.raises(InputError, match=r"a\+c: no lead is common to all \(a I, II; c V1\)"):
        DatabaseUnion([a, make("c", leads=("V1",))])
    with pytest.raises(InputError, match=r"a\+a has two data sets of the same name"):
        DatabaseUnion([a, a])


def test_the_same_recording_in_two_copies_of_ptbxl_counts_once(make):
    a = make("a", "ecg_id,scp_codes\n1,NORM\n2,IMI\n1,NORM\n")
    union = DatabaseUnion([a, make("b", "ecg_id,scp_codes\n2,IMI\n1,NORM\n"), make("c", "record,scp_codes\n2,IMI\n")])
    assert {entry.name for entry in union.index(union.folder)} == {"a/1", "a/2", "c/2"}
    remarks = [
        ("a/1", "listed more than once in the table of labels, in lines 2, 4: counted once"),
        ("b/2", "is a/2 again: counted once"),
        ("b/1", "is a/1 again: counted once"),
    ]
    assert union.check_labels(union.folder) == remarks
    found = [(finding.record, finding.text) for finding in check(union, union.folder).findings]
    assert found == [("c/1", "recording without label"), *remarks]


def test_people_of_a_derived_database_are_one_patient_each(make_form, tmp_path, write_record, annotate):
    for number, name in enumerate(("118", "100")):
        write_record(tmp_path / "mit", name, leads=("MLII", "V1"), fs=360, seed=number)
        annotate(tmp_path / "mit", name, ["N100"])
    union = DatabaseUnion([locate(str(tmp_path / "mit")), locate(str(make_form("nstdb")))])
    patients = {entry.name: entry.patient for entry in union.index(union.folder)}
    assert patients == {
        "mitdb/100": "mitdb/100",
        "mitdb/118": "mitdb/118",
        "nstdb/118e00": "mitdb/118",
        "nstdb/118e_6": "mitdb/118",
        "nstdb/119e24": "nstdb/119",
    }


def test_a_member_without_a_published_split_trains(make_form, tmp_path, write_record, annotate):
    for number, name in enumerate(("100", "101", "102")):
        write_record(tmp_path / "mit", name, leads=("V5", "MLII"), fs=360, seed=number)
        annotate(tmp_path / "mit", name, ["N100"])
    union = DatabaseUnion([locate(str(tmp_path / "mit")), locate(str(make_form("svdb")))])
    entries = union.index(union.folder)
    parts = {entry.name: entry.part for entry in entries}
    assert parts == {"mitdb/100": "test", "mitdb/101": "train", "mitdb/102": None, "svdb/800": "train"}
    assert union.leads is None  # by position: the names differ from recording to recording, and none is common
    assert union.read(union.folder, entries[0]).leads == ("MLII", "V5")
    assert union.read(union.folder, entries[-1]).leads == ("ECG1", "ECG2")


def test_a_patient_of_two_folders_is_one(make):
    table = "record,label,patient\n1,AF,p\n2,N,\n"
    union = DatabaseUnion([make("a", table), make("b", table)])
    assert [entry.patient for entry in union.index(union.folder)] == ["a/p", "a/2", "a/p", "b/2"]


def test_the_fingerprint_changes_with_every_member(make):
    a, b = make("a"), make("b")
    union = DatabaseUnion([a, b])

    def now():
        return fingerprint(union, union.folder, union.index(union.folder))

    seen = {now()}
    for _, folder in (a, b):
        (folder / "labels.csv").write_text((folder / "labels.csv").read_text() + "\n")
        seen.add(now())
        (folder / "2.hea").write_text((folder / "2.hea").read_text() + "# another comment\n")
        seen.add(now())
    assert len(seen) == 5


def test_real_recordings(real_data, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_DATA", str(real_data("ptbxl").parent))
    real_data("ptbxl_filtered")
    union, folder = locate("ptbxl+ptbxl_filtered")
    entries = union.index(folder)
    assert len(entries) == 2048 and len(union.check_labels(folder)) == 27  # 440 + 1635, of which 27 are in both
    assert len(union.leads) == 12 and all(entry.fold for entry in entries)
    last = union.read(folder, entries[-1])
    assert (last.name, last.units, last.signal.shape) == ("ptbxl_filtered/21832", "NU", (2500, 12))


def test_each_member_says_which_of_its_recordings_are_annotated_and_how_its_table_was_read(make):
    members = [make("a"), make("b", "record,label,age\n1,N,7\n2,AF,8\n")]
    for _, folder in members:
        import_wfdb().wrann("2", "atr", np.array([50]), symbol=["N"], write_dir=str(folder))
    union = DatabaseUnion([(LabelledFolder(folder), folder) for _, folder in members])
    entries = union.index(union.folder)
    assert [entry.name for entry in entries if union.is_annotated(union.folder, entry)] == ["a/2", "b/2"]
    assert union.annotated and union.read(union.folder, entries[1]).beats.samples.tolist() == [50]
    assert "b: labels.csv: columns that are not understood and not used: 'age'" in union.list_notes(union.folder)


def test_labels_are_mapped_to_the_first_members_and_what_has_no_counterpart_is_named(real_data, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_DATA", str(real_data("cpsc2018").parent))
    for name in ("ludb", "cpsc2021"):
        real_data(name)
    union, folder = locate("ptbxl+cpsc2018")
    entries = {entry.name: entry for entry in union.index(folder)}
    assert union.classes == ("NORM", "MI", "STTC", "CD", "HYP") and len(union.leads) == 12
    helpers = [entry for entry in entries.values() if entry.name.startswith("cpsc2018/")]
    assert {entry.fold for entry in helpers} == {1} and {label for e in helpers for label in e.labels} == {
        "NORM",
        "CD",
        "STTC",
    }
    note = next(note for note in union.list_notes(folder) if "counterpart" in note)
    assert note == (
        f"cpsc2018: labels without a counterpart: AF 21, PVC 16, STE 11, PAC 13; "
        f"{sum(not entry.labels for entry in helpers)} recordings have no other"
    )
    with pytest.raises(InputError, match="ptbxl and ludb cannot be joined, they label differently"):
        locate("ptbxl+ludb")
    with pytest.raises(InputError, match=r"those of cpsc2018 may be taken by position"):
        locate("cpsc2018+aftdb")


def test_a_label_of_a_whole_recording_is_its_rhythm_beside_annotated_ones(real_data, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_DATA", str(real_data("cinc2017").parent))
    for name in ("cpsc2021", "aftdb", "mitdb"):
        real_data(name)
    union, folder = locate("cinc2017+cpsc2021+aftdb+mitdb")
    entries = union.index(folder)
    first = {label: next(entry for entry in entries if entry.labels == (label,)) for label in "NAO"}
    for label, rhythms in {"N": ["N"], "A": ["AFIB"], "O": []}.items():
        record = union.read(folder, first[label])
        assert [(bout.start, bout.stop, bout.rhythm) for bout in record.rhythms] == [
            (0, record.samples, rhythm) for rhythm in rhythms
        ]
        assert union.is_annotated(folder, first[label]) == bool(rhythms)
    last = union.read(folder, entries[-1])
    assert last.name.startswith("mitdb/") and len(last.leads) == 1 and len(last.rhythms) > 0
    assert {entry.part for entry in entries if entry.name.startswith("cinc2017/")} == {"train"}
