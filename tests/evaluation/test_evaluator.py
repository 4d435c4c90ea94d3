"""Figures of a run, with intervals, per recording or per bout, of one window or of the mean of several."""

import dataclasses

import numpy as np
import pytest
from small_recordings import record, recordings, window_spec

from ecg_edge.evaluation.bootstrap import RESAMPLES
from ecg_edge.evaluation.evaluator import applicable_variants, evaluate_predictor
from ecg_edge.records.databases.cinc2017 import Cinc2017
from ecg_edge.tasks.beat_history import CLASSES
from ecg_edge.tasks.beats import BeatsTask
from ecg_edge.tasks.multilabel import MultilabelTask
from ecg_edge.tasks.rhythm import RhythmTask
from ecg_edge.tasks.rhythm_bouts import RhythmBoutsTask


def by_start(outputs):
    """A predictor whose outputs depend on the first sample of a window, which says where it starts."""

    def predictor(inputs):
        return np.array([outputs(start) for start in inputs["ecg"][:, 0, 0]], np.float32)

    return predictor


@pytest.fixture
def rhythm():
    """Five recordings of three patients; N A O occur, ~ does not."""
    whose = [("N", "p"), ("N", "p"), ("A", "q"), ("O", "r"), ("N", "r")]
    made = recordings(*(record(f"r{i}", 20, (label,), patient) for i, (label, patient) in enumerate(whose)))
    made.signals[:] = np.repeat(np.arange(5), 20)[:, None]  # every window begins with its recording's number
    task = RhythmTask(("N", "A", "O", "~"))
    return task, task.examples(made, [f"r{i}" for i in range(5)], window_spec(10))


def all_right(number):
    return np.eye(4)[[0, 0, 1, 2, 0][int(number)]]


def one_wrong(number):
    return np.eye(4)[[0, 1, 1, 2, 0][int(number)]]


def test_metrics_of_recordings_have_intervals(rhythm):
    task, examples = rhythm
    result = evaluate_predictor(task, by_start(one_wrong), examples)
    assert {key: result[key] for key in ("unit", "recordings", "windows", "views", "patients")} == {
        "unit": "recordings",
        "recordings": 5,
        "windows": 10,
        "views": 1,
        "patients": 3,
    }
    assert result["accuracy"]["value"] == 0.8
    assert result["accuracy"]["low"] <= 0.8 <= result["accuracy"]["high"] == 1.0
    assert result["macro_f1"]["value"] == pytest.approx((0.8 + 2 / 3 + 1) / 3, abs=1e-4)
    assert result["classes"]["N"]["recordings"] == 3
    assert result["classes"]["N"]["recall"]["value"] == pytest.approx(2 / 3, abs=1e-4)
    assert result["confusion_matrix"] == [[2, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert "score" not in result and "variants" not in result


def test_an_absent_class_has_no_metrics_and_does_not_lower_the_mean(rhythm):
    task, examples = rhythm
    result = evaluate_predictor(task, by_start(all_right), examples)
    assert result["macro_f1"]["value"] == result["accuracy"]["low"] == 1.0
    assert result["classes"]["~"]["f1"] == {"value": None, "low": None, "high": None}


def test_the_challenge_score_of_a_database_is_included(rhythm):
    task, examples = rhythm
    result = evaluate_predictor(task, by_start(one_wrong), examples, Cinc2017.challenge_score)
    assert result["score_name"] == "mean F1 of N, A, O (the challenge's score)"
    assert result["score"]["value"] == result["macro_f1"]["value"]
    assert result["score"]["low"] <= result["score"]["value"] <= result["score"]["high"]


def test_progress_is_reported_by_window_and_by_resample(rhythm):
    task, examples = rhythm
    predicted, resampled = [], []
    evaluate_predictor(task, by_start(all_right), examples, None, 3, predicted.append, lambda: resampled.append(1))
    assert sum(predicted) == 3 * len(examples) and len(resampled) == RESAMPLES


@pytest.fixture
def bouts():
    made = recordings(
        record("r0", samples=1000, patient="p", bouts=((0, 500, "N"), (500, 1000, "AFIB"))),
        record("r1", samples=1000, patient="q", bouts=((0, 1000, "N"),)),
    )
    task = RhythmBoutsTask(("NSR", "AFIB"))
    return task, task.examples(made, ["r0", "r1"], window_spec(100))


def test_bouts_are_counted_where_they_are_the_unit(bouts):
    task, examples = bouts
    examples = dataclasses.replace(examples, starts=np.array([225, 700, 450]))
    result = evaluate_predictor(task, by_start(lambda start: [1, 0] if start < 450 else [0, 1]), examples)
    assert result["unit"] == "bouts" and result["bouts"] == 3 and result["patients"] == 2
    assert result["confusion_matrix"] == [[1, 1], [0, 1]]
    assert result["balanced_accuracy"]["value"] == 0.75
    assert result["classes"]["NSR"]["bouts"] == 2
    assert "recordings" not in result


def test_test_time_augmentation_is_the_mean_of_the_outputs(bouts):
    """The first view is almost undecided about r1, the other six are sure that it is AFIB."""
    task, examples = bouts
    for views, confusion in ((1, [[2, 0], [0, 1]]), (7, [[1, 1], [0, 1]])):
        starts = []

        def predictor(inputs, starts=starts):
            starts.append(inputs["ecg"][:, 0, 0])
            return np.array([[1, 0], [0, 1], [0.6, 0.4] if len(starts) == 1 else [0, 1]], np.float32)

        result = evaluate_predictor(task, predictor, examples, views=views)
        assert result["confusion_matrix"] == confusion
        assert (result["views"], result["windows"]) == (views, 3)
        np.testing.assert_array_equal(starts, [view.starts for view in examples.views(views)])


def test_views_of_whole_recordings_are_averaged():
    task = RhythmTask(("N", "A"))
    made = recordings(record("r0", samples=2000, labels=("A",)), record("r1", samples=2000, labels=("N",)))
    examples = task.examples(made, ["r0", "r1"], window_spec(1000))
    seen = []
    predictor = by_start(lambda start: seen.append(start) or [1 - start / 2000, start / 2000])
    evaluate_predictor(task, predictor, examples, views=3)
    assert sorted(seen) == sorted([0, 500, 0, 500, 250, 750, 250, 750, 500, 1000, 500, 1000])


def test_multilabel_metrics_use_the_thresholds():
    made = recordings(record("r0", labels=("MI", "CD")), record("r1", labels=("NORM",)), record("r2", labels=("CD",)))
    made.signals[:] = np.repeat(np.arange(3), 2500)[:, None]
    outputs = np.array([[0.1, 0.3, 0.9], [0.8, 0.1, 0.3], [0.2, 0.1, 0.4]])
    results = []
    for thresholds in ([0.5, 0.5, 0.5], [0.5, 0.2, 0.35]):
        task = MultilabelTask(("NORM", "MI", "CD"), decision={"thresholds": thresholds})
        examples = task.examples(made, ["r0", "r1", "r2"], window_spec(2500))
        results.append(evaluate_predictor(task, by_start(lambda number: outputs[int(number)]), examples))
    assert [result["macro_f1"]["value"] for result in results] == [pytest.approx((1 + 0 + 2 / 3) / 3, abs=1e-4), 1.0]
    assert [result["all_labels_right"]["value"] for result in results] == [pytest.approx(1 / 3, abs=1e-4), 1.0]
    assert results[0]["classes"]["MI"]["auroc"] == results[1]["classes"]["MI"]["auroc"]
    assert "confusion_matrix" not in results[0]


class InTwoWays(RhythmTask):
    """As it is, and with everything called the second class."""

    def variants(self):
        return {"as asked": self, "always A": AlwaysA(self.classes)}


class AlwaysA(RhythmTask):
    def summarise(self, inputs, outputs):
        return np.zeros_like(outputs) + np.eye(outputs.shape[1])[1]


def test_the_first_variant_is_the_result_and_the_others_are_listed(rhythm):
    task, examples = rhythm
    result = evaluate_predictor(InTwoWays(task.classes), by_start(all_right), examples)
    assert result["variant"] == "as asked" and result["accuracy"]["value"] == 1.0
    assert list(result["variants"]) == ["always A"]
    assert result["variants"]["always A"]["accuracy"]["value"] == 0.2


class KeepsHistory:
    keeps_history = True

    def begin(self):
        pass

    def __call__(self, inputs):
        raise AssertionError("not called here")


def test_a_predictor_with_its_own_history_has_one_variant():
    task = BeatsTask(CLASSES)
    assert list(applicable_variants(task, KeepsHistory())) == list(task.variants())[:1]
    assert list(applicable_variants(task, by_start(None))) == list(task.variants())
