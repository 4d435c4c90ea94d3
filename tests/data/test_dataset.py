"""What of a database can serve a task: its recordings, their classes and leads, and their prepared signals."""

import numpy as np
import pytest

from ecg_edge.data.dataset import Dataset
from ecg_edge.data.recordings import STORED_ARRAYS
from ecg_edge.demo import write_wfdb
from ecg_edge.records.databases import labelled_folder
from ecg_edge.records.databases.synthetic import CLASSES
from ecg_edge.records.formats.wfdb_format import import_wfdb
from ecg_edge.records.record import STANDARD_LEADS
from ecg_edge.records.synthetic_ecg import synthesise
from ecg_edge.tasks.beat_rhythm import BeatRhythmTask
from ecg_edge.tasks.beats import BeatsTask
from ecg_edge.tasks.multilabel import MultilabelTask
from ecg_edge.tasks.rhythm import RhythmTask
from ecg_edge.tasks.rhythm_bouts import RhythmBoutsTask
from ecg_edge.training.config import SignalConfig
from firmware_bench.runtime.errors import InputError

FORM = SignalConfig(fs=100.0, window_s=10.0).window_spec()


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def folder(tmp_path):
    """Two recordings of each of two rhythms, and one that nobody labelled."""
    lines = ["record,label"]
    for seed, label in enumerate(("AF", "SNR", "AF", "SNR", "")):
        lines.append(f"{write_wfdb(synthesise(label or 'SNR', seed=seed), tmp_path).name},{label}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def classes_of(dataset, task=RhythmTask):
    return task.find_classes(dataset, None, [])


@pytest.mark.parametrize("task", [RhythmTask, MultilabelTask])
def test_the_embedded_database(task):
    dataset = Dataset.open("synthetic", task)
    assert classes_of(dataset, task) == CLASSES and dataset.leads == STANDARD_LEADS
    assert len(dataset.entries) == 360 and dataset.left_out == {}


def test_the_embedded_database_has_rhythms():
    dataset = Dataset.open("synthetic", RhythmBoutsTask)
    names = [entry.name for entry in dataset.entries if entry.labels[0] in ("AF", "SNR", "LBBB")][:6]
    made = dataset.prepare_subset(RhythmBoutsTask, FORM, names)
    assert RhythmBoutsTask.find_classes(dataset, made, names) == ("NSR", "AFIB")


def test_leads_are_chosen_by_name_in_any_case_and_order():
    assert Dataset.open("synthetic", RhythmTask, ("v6", "AVR")).leads == ("V6", "aVR")


@pytest.mark.parametrize(
    ("data", "leads", "message"),
    [
        ("synthetic", ("IX",), "no lead in synthetic 'IX'"),
        ("cinc2071", None, "did you mean cinc2017"),
    ],
)
def test_unknown_data_sets_and_leads_are_refused(data, leads, message):
    with pytest.raises(InputError, match=message):
        Dataset.open(data, RhythmTask, leads)


def test_a_recording_without_a_label_is_left_out_and_counted(folder):
    dataset = Dataset.open(str(folder), RhythmTask)
    assert [entry.name for entry in dataset.entries] == ["AF-0", "SNR-1", "AF-2", "SNR-3"]
    assert dataset.left_out == {"no label": ["SNR-4"]} and classes_of(dataset) == ("AF", "SNR")


@pytest.mark.parametrize(
    "error", [KeyError("header"), UnicodeDecodeError("ascii", b"\xff", 0, 1, "no"), RecursionError()]
)
def test_a_recording_at_which_its_reader_fails_is_named_and_counted(folder, monkeypatch, error):
    real, failing = labelled_folder.read_record, ["AF-0"]

    def read(path, entry):
        if path.name in failing:
            raise error
        return real(path, entry)

    monkeypatch.setattr(labelled_folder, "read_record", read)
    dataset = Dataset.open(str(folder), RhythmTask, ("II",))
    problems = dataset.recordings(RhythmTask, FORM).problems
    assert list(problems) == ["AF-0"] and problems["AF-0"].startswith("AF-0 cannot be read: ")
    failing += ["SNR-1", "AF-2", "SNR-3"]
    with pytest.raises(InputError, match="^AF-0 cannot be read: "):
        Dataset.open(str(folder), RhythmTask)


def test_a_folder_without_annotations_has_no_beats_to_learn_from(folder):
    with pytest.raises(InputError, match="no beats and rhythm marks, which the task rhythm_bouts needs"):
        Dataset.open(str(folder), RhythmBoutsTask)


def test_a_few_recordings_in_memory_are_those_of_the_cache(folder):
    dataset = Dataset.open(str(folder), RhythmTask, ("V1", "I"))
    cached, few = dataset.recordings(RhythmTask, FORM), dataset.prepare_subset(RhythmTask, FORM, ["AF-2", "SNR-1"])
    assert [entry.name for entry in few.entries] == ["SNR-1", "AF-2"]
    np.testing.assert_array_equal(few.signal(1), cached.signal(2))
    assert few.signals.shape[1] == 2


def test_a_repaired_file_is_prepared_anew(folder):
    first = Dataset.open(str(folder), RhythmTask).recordings(RhythmTask, FORM).signal(0)[:]
    other = synthesise("AF", seed=99)
    (folder / "AF-0.dat").write_bytes((write_wfdb(other, folder).with_suffix(".dat")).read_bytes())
    (folder / "AF-0.hea").write_text((folder / "AF-99.hea").read_text().replace("AF-99", "AF-0"))
    again = Dataset.open(str(folder), RhythmTask).recordings(RhythmTask, FORM).signal(0)
    assert (first != again).any()


def test_a_task_that_reads_otherwise_has_a_cache_of_its_own(folder):
    class Halved(RhythmTask):
        reading = "halved"

        @classmethod
        def read(cls, record):
            record.signal[:] *= 0.5
            return record

    dataset = Dataset.open(str(folder), RhythmTask)
    whole, halved = dataset.recordings(RhythmTask, FORM), dataset.recordings(Halved, FORM)
    np.testing.assert_allclose(halved.signals, 0.5 * np.array(whole.signals), atol=1e-6)


@pytest.mark.slow
def test_cpsc2018_goes_through(real_data):
    """Recordings with several labels appear once; both forms of files give 12 leads."""
    dataset = Dataset.open(str(real_data("cpsc2018")), RhythmTask)
    assert classes_of(dataset) == CLASSES and len(dataset.entries) == 133
    assert len({entry.name for entry in dataset.entries}) == 133
    made = dataset.recordings(RhythmTask, FORM)
    assert not made.problems and made.signals.shape[1] == 12 and (made.lengths > 500).all()
    examples = MultilabelTask(CLASSES).examples(made, [entry.name for entry in dataset.entries], FORM)
    assert set(examples.records) == set(range(133)) and examples.targets.sum(axis=1).max() > 1


def test_an_unknown_label_is_left_out_and_counted(real_data, tmp_path):
    source = real_data("cpsc2018") / "original_mat"
    for name in ("A1960", "A1980", "A1982"):
        (tmp_path / f"{name}.mat").write_bytes((source / f"{name}.mat").read_bytes())
    lines = ["Recording,First_label,Second_label,Third_label", "A1960,1,,", "A1980,5,2,", "A1982,12,,"]
    (tmp_path / "REFERENCE.csv").write_text("\n".join(lines) + "\n")
    dataset = Dataset.open(str(tmp_path), RhythmTask)
    assert [entry.name for entry in dataset.entries] == ["A1960", "A1980"]
    assert classes_of(dataset) == ("SNR", "RBBB") and dataset.left_out == {"no label that the task can use": ["A1982"]}


def test_a_database_of_beats_has_nothing_to_classify_as_a_whole(real_data):
    with pytest.raises(InputError, match="nothing to classify"):
        Dataset.open(str(real_data("mitdb")), RhythmTask)


@pytest.mark.slow
def test_mitdb_serves_tasks_of_rhythms_without_its_paced_recordings(real_data):
    dataset = Dataset.open(str(real_data("mitdb")), RhythmBoutsTask)
    assert len(dataset.entries) == 44
    assert dataset.left_out == {"in no part of the published split": ["102", "104", "107", "217"]}
    assert not {"102", "104", "107", "217"} & {entry.name for entry in dataset.entries}
    assert len(dataset.leads) == 2
    names = ["201", "202", "203"]
    made = dataset.prepare_subset(
        RhythmBoutsTask, SignalConfig(fs=128.0, window_s=10.0, highpass_hz=None).window_spec(), names
    )
    assert (abs(made.lengths / 128 - 30 * 60) < 6).all() and len(made.beats(0)[0]) > 1500
    assert RhythmBoutsTask.find_classes(dataset, made, names)[:2] == ("NSR", "AFIB")


@pytest.mark.slow
def test_ltafdb_is_annotations_alone(real_data):
    dataset = Dataset.open(str(real_data("ltafdb")), RhythmBoutsTask)
    assert dataset.leads == () and len(dataset.entries) == 84
    made = dataset.prepare_subset(RhythmBoutsTask, FORM, ["00", "01"])
    assert made.signals.shape == (0, 0) and (made.lengths > 20 * 3600 * 100).all()
    assert all(len(getattr(made, name)) for name in STORED_ARRAYS)


@pytest.mark.parametrize("task", [BeatsTask, RhythmBoutsTask, BeatRhythmTask])
def test_a_folder_of_ones_own_with_annotations_serves_tasks_of_beats_and_bouts(folder, task):
    with pytest.raises(InputError, match=r"no beats and rhythm marks.*: there is no annotation file \(\.atr\)"):
        Dataset.open(str(folder), task)
    marks = {"symbol": ["+", "N", "V", "+", "N"], "aux_note": ["(N", "", "", "(AFIB", ""]}
    for name in ("AF-0", "SNR-1"):
        import_wfdb().wrann(name, "atr", np.array([0, 200, 600, 1000, 1300]), write_dir=str(folder), **marks)
    dataset = Dataset.open(str(folder), task)
    recordings = dataset.recordings(task, FORM)
    assert [entry.name for entry in recordings.entries] == ["AF-0", "SNR-1"]
    assert dataset.left_out == {"no annotations": ["AF-2", "SNR-3", "SNR-4"]}
    for position in (0, 1):
        times, symbols = recordings.beats(position)
        assert symbols.tolist() == [b"N", b"V", b"N"] and np.allclose(times * 500, [200, 600, 1300])
        assert recordings.bouts(position)[1].tolist() == ["N", "AFIB"]
    (folder / "labels.csv").unlink()
    dataset = Dataset.open(str(folder), task)
    assert [entry.name for entry in dataset.entries] == ["AF-0", "SNR-1"]
    assert "each recording counts as a patient of its own" in dataset.summarise({}, True).notes[0]


def test_recordings_in_no_part_of_a_split_are_left_out_by_name(folder):
    dataset = Dataset.open(str(folder), RhythmTask)
    parts = {"train": ["AF-0"], "validation": ["SNR-1"], "test": ["AF-2"]}
    summary = dataset.summarise(parts, every_label=True)
    assert summary.left_out == {"no label": ["SNR-4"], "their patients are in the training part too": ["SNR-3"]}
    assert {part: counts.classes for part, counts in summary.parts.items()} == {
        "train": {"AF": 1},
        "validation": {"SNR": 1},
        "test": {"AF": 1},
    }


def test_labels_and_leads_of_another_database_are_those_that_a_model_has_learnt(real_data, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_DATA", str(real_data("cpsc2018").parent))
    real_data("svdb")
    dataset = Dataset.open("cpsc2018", RhythmTask, ["I"], learnt=("N", "A", "O"))
    labels = {entry.labels[0] for entry in dataset.entries}
    assert labels == {"N", "A", "O"} and dataset.leads == ("I",)
    assert len(dataset.entries) + len(dataset.left_out["no label"]) == 133
    beats = Dataset.open("svdb", BeatsTask, ["lead 1", "lead 2"], learnt=("N", "A", "V"))
    assert beats.leads == ("ECG1", "ECG2")
    with pytest.raises(InputError, match="no lead in svdb 'lead 1'"):
        Dataset.open("svdb", BeatsTask, ["lead 1", "lead 2"])
    with pytest.raises(InputError, match="no lead in svdb 'V5'"):
        Dataset.open("svdb", BeatsTask, ["V5"], learnt=("N", "A", "V"))
