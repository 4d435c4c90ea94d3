"""Distillation: teachers predict what they were not trained on; once, for a training that may be interrupted."""

import dataclasses

import numpy as np
import pytest

import ecg_edge
from ecg_edge.api import distillation_teachers
from ecg_edge.api.distillation_teachers import add_teaching
from ecg_edge.api.dry_run import try_training_step
from ecg_edge.api.training_run import create_run, train_run
from ecg_edge.reporter import Reporter
from ecg_edge.run import Run
from ecg_edge.tasks.predictor import KerasPredictor
from firmware_bench.runtime.errors import InputError

SETTINGS = {"training.batch": 8, "signal.mode": "offline", "signal.normalise": "record"}  # as the fixture `run` has


@pytest.fixture(scope="module")
def folds(recordings, cache, tmp_path_factory):
    """The runs of a cross-validation in two folds."""
    folder = tmp_path_factory.mktemp("runs") / "folds"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECG_EDGE_CACHE", str(cache))
        ecg_edge.cross_validate("cnn", "tiny", recordings, ["II"], None, SETTINGS, 1, folder, 0, 2)
    return [folder / "fold-1", folder / "fold-2"]


@pytest.fixture
def create(recordings, folds, tmp_path):
    """create(teachers, more settings) → a student, not trained."""

    def student(teachers=folds, name="student", seed=0, **more):
        settings = SETTINGS | {"training.teachers": ",".join(map(str, teachers)) or "none"} | more
        return create_run("cnn", "tiny", recordings, ["II"], None, settings, 2, tmp_path / name, seed)

    return student


def teach(student):
    return add_teaching(student, student.examples("train"), Reporter())


def test_folds_predict_the_recordings_that_they_were_not_trained_on(create, folds):
    student = create()
    examples = teach(student)
    names = np.array([entry.name for entry in examples.entries])[examples.records]
    checked = 0
    for other, fold in zip(folds[::-1], map(Run, folds), strict=True):
        held_out = np.flatnonzero(np.isin(names, fold.split["test"]))
        said = student.task.predict(KerasPredictor(fold.model()), examples.take(held_out))
        np.testing.assert_allclose(examples.teaching[held_out], said, atol=1e-6)
        others = student.task.predict(KerasPredictor(Run(other).model()), examples.take(held_out))
        assert np.abs(others - said).max() > 1e-4, "both folds say the same: nothing is tested"
        checked += len(held_out)
    assert checked == len(examples)


def test_teachers_that_know_everything_are_averaged(create, run):
    examples = teach(create([run.path, run.path]))
    expected = run.task.predict(KerasPredictor(run.model()), examples)
    np.testing.assert_allclose(examples.teaching, expected, atol=1e-6)


@pytest.mark.slow
def test_a_student_learns_from_its_teachers_and_resumes_to_the_same_weights(create, folds, monkeypatch):
    whole = train_run(create())
    asked = []
    original = distillation_teachers.average_teachers
    monkeypatch.setattr(distillation_teachers, "average_teachers", lambda *some: asked.append(1) or original(*some))
    other = create(name="interrupted")
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr("ecg_edge.api.training_run._EpochReports.finish_epoch", _fail)
        train_run(other)
    assert asked == [1] and len(list(other.path.glob("teachers-*.npy"))) == 1
    resumed = train_run(Run(other.path))
    assert asked == [1], "the teachers were asked again"
    for left, right in zip(whole.model().get_weights(), resumed.model().get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    alone = train_run(create((), "alone"))
    assert any(
        (left != right).any()
        for left, right in zip(whole.model().get_weights(), alone.model().get_weights(), strict=True)
    )


def test_a_dry_run_takes_a_step_with_teachers(recordings, folds, reporter):
    settings = SETTINGS | {"training.teachers": str(folds[0])}
    try_training_step("cnn", "tiny", recordings, ["II"], None, settings, reporter=reporter)
    assert any("loss of one batch" in text for text in reporter.messages)


def _fail(*_):
    raise RuntimeError("killed")


def test_what_teachers_were_trained_on_counts_as_known_to_the_student(create, folds):
    student = create()
    held_out = {name for fold in folds for name in Run(fold).split["train"]}
    entries = [entry for entry in student.dataset.entries if entry.name in held_out]
    recordings = student.recordings()
    assert set(student.identities.find_shared(entries, recordings.digests)) == held_out


@pytest.mark.parametrize(
    ("changes", "what"),
    [({"signal.window_s": 5}, "other windows than the student"), ({"signal.normalise": "none"}, "other windows")],
)
def test_other_windows_are_refused(create, changes, what, tmp_path):
    with pytest.raises(InputError, match=what):
        create(**changes)
    assert not (tmp_path / "student").exists(), "something is left behind"


def test_other_leads_and_labels_are_refused(folds, recordings, tmp_path, create):
    settings = SETTINGS | {"training.teachers": str(folds[0])}
    with pytest.raises(InputError, match="other leads than the student: II, not I"):
        create_run("cnn", "tiny", recordings, ["I"], None, settings, 1, tmp_path / "other")
    teacher, student = Run(folds[0]), create(())
    teacher.config["classes"] = ["A", "B"]
    with pytest.raises(InputError, match="other labels than the student: A B, not "):
        distillation_teachers.check_teachers(
            [teacher], student.task, student.settings, ["II"], student.recordings(), student.split["test"]
        )


def test_a_teacher_that_knows_the_test_part_is_refused(create, run):
    with pytest.raises(InputError, match="of the student's test part"):
        create([run.path], seed=3)


def test_a_teacher_without_a_model_or_with_another_one_is_refused(create, folds, tmp_path):
    with pytest.raises(InputError, match="not the folder of a run"):
        create([tmp_path / "nowhere"])
    untrained = create((), "untrained")
    with pytest.raises(InputError, match="has no trained model yet"):
        create([untrained.path])
    student = create()
    (student.path / "teachers.json").write_text("{}")
    with pytest.raises(InputError, match="was trained anew since"):
        teach(student)


def test_a_damaged_file_is_one_line(create):
    student = create()
    kept = teach(student)
    (path,) = student.path.glob("teachers-*.npy")
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(InputError, match="is damaged"):
        teach(student)
    path.unlink()
    np.testing.assert_array_equal(teach(student).teaching, kept.teaching)
    assert dataclasses.replace(kept, teaching=None).take(np.array([0])).teaching is None
