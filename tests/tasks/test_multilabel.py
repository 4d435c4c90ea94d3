"""Several labels a recording: targets, thresholds from the validation part, figures at those thresholds."""

import types

import numpy as np
import pytest
from sklearn import metrics as sk
from small_recordings import record, recordings, window_spec

from ecg_edge.records.record import Entry
from ecg_edge.tasks.metrics import best_threshold
from ecg_edge.tasks.multilabel import MultilabelTask
from firmware_bench.runtime.errors import InputError

CLASSES = ("NORM", "MI", "CD")
DECISION = {"thresholds": [0.5, 0.2, 0.7]}
MADE = recordings(  # of 2, 1, 1 and 1 windows
    record("r0", samples=20, labels=("MI", "CD")),
    record("r1", samples=10, labels=("NORM",)),
    record("r2", samples=10, labels=("OTHER", "CD")),
    record("r3", samples=10, labels=("NORM",)),
)
TRUTH = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 1], [1, 0, 0]])
OUTPUTS = np.array([[0.1, 0.2, 0.9], [0.3, 0.6, 0.7], [0.8, 0.1, 0.2], [0.6, 0.1, 0.6], [0.7, 0.3, 0.1]])
DECIDED = np.array([[0.2, 0.4, 0.8], [0.8, 0.1, 0.2], [0.6, 0.1, 0.6], [0.7, 0.3, 0.1]])


def examples(task):
    return task.examples(MADE, [entry.name for entry in MADE.entries], window_spec(10))


@pytest.fixture
def task():
    return MultilabelTask(CLASSES, decision=DECISION)


def test_every_label_is_a_target(task):
    targets = examples(task).targets
    assert targets.dtype == np.float32
    np.testing.assert_array_equal(targets, TRUTH[[0, 0, 1, 2, 3]])


def test_recordings_with_any_class_among_their_labels_are_usable(task):
    def usable(*labels):
        return task.is_usable(Entry("r", "r", "r", labels), CLASSES)

    assert usable("OTHER", "CD") and not usable("OTHER") and not usable()


def test_classes_are_all_labels_that_occur_in_the_database_s_order(task):
    database = types.SimpleNamespace(classes=("NORM", "MI", "STTC", "CD", "HYP"))
    dataset = types.SimpleNamespace(database=database, entries=MADE.entries)
    assert task.find_classes(dataset, MADE, []) == CLASSES


def test_every_example_weighs_the_same(task):
    np.testing.assert_array_equal(task.example_weights(examples(task), "balanced"), np.ones(5))


def test_validation_is_cross_entropy_and_f1_at_the_best_thresholds(task):
    row = task.validate(OUTPUTS, examples(task))
    p = np.where(TRUTH[[0, 0, 1, 2, 3]], OUTPUTS, 1 - OUTPUTS)
    assert row["validation_loss"] == pytest.approx(-np.log(p).mean())
    # NORM: 0.65 parts the two from the others; MI: the highest is it; CD: 0.6 and 0.8 are above all others
    assert row["validation_score"] == 1.0
    worse = np.array(OUTPUTS)
    worse[3, 0] = 0.9  # r2 looks more normal than r1 and r3: the best is to take all three, F1 of NORM 2·2/(2+3)
    assert task.validate(worse, examples(task))["validation_score"] == pytest.approx((0.8 + 1 + 1) / 3)


def test_loss_of_confident_errors_is_finite(task):
    wrong = 1.0 - examples(task).targets
    assert task.validate(wrong, examples(task))["validation_loss"] == pytest.approx(-np.log(1e-7), rel=0.01)


def test_each_class_gets_its_own_threshold_from_the_recordings_of_the_validation_part(task):
    chosen = task.choose_decision(OUTPUTS, examples(task))
    assert chosen == {"thresholds": pytest.approx([0.65, 0.35, 0.4])}
    assert chosen["thresholds"] == [best_threshold(TRUTH[:, c] > 0, DECIDED[:, c]) for c in range(3)]
    assert all(type(threshold) is float for threshold in chosen["thresholds"])


def test_metrics_are_computed_at_the_thresholds(task):
    measured = task.compute_metrics(OUTPUTS, examples(task))
    said = DECIDED >= [0.5, 0.2, 0.7]
    precision, recall, f1, _ = sk.precision_recall_fscore_support(TRUTH, said, zero_division=0)
    figures = measured.statistic(np.arange(4))
    for c, name in enumerate(CLASSES):
        found = [figures["classes", name, metric] for metric in ("precision", "recall", "f1", "auroc")]
        assert found == pytest.approx([precision[c], recall[c], f1[c], sk.roc_auc_score(TRUTH[:, c], DECIDED[:, c])])
    assert figures["macro_f1",] == pytest.approx(f1.mean()) and f1.mean() < 1
    assert figures["all_labels_right",] == np.mean((said == TRUTH).all(axis=1)) == 0.5
    assert measured.unit == "recordings" and len(measured.patients) == 4
    assert {name: row["recordings"] for name, row in measured.details["classes"].items()} == {
        "NORM": 2,
        "MI": 1,
        "CD": 2,
    }


def test_metrics_of_a_resample(task):
    measured = task.compute_metrics(OUTPUTS, examples(task))
    assert measured.statistic(np.array([1, 1]))["all_labels_right",] == 1
    assert np.isnan(measured.statistic(np.array([1, 1]))["classes", "MI", "f1"])


def test_the_label_lists_all_present_labels(task):
    assert task.label(np.array([0.5, 0.3, 0.6])) == "NORM MI"
    assert task.label(np.array([0.4, 0.1, 0.6])) == "-"
    row, *_ = task.report(OUTPUTS, task.inference_examples(MADE, window_spec(10)))
    assert row["label"] == "MI CD" and row["probabilities"] == {"NORM": 0.2, "MI": 0.4, "CD": 0.8}


def test_before_the_thresholds_are_chosen_there_is_no_decision():
    undecided = MultilabelTask(CLASSES)
    for ask in (lambda: undecided.label(DECIDED[0]), lambda: undecided.compute_metrics(OUTPUTS, examples(undecided))):
        with pytest.raises(InputError, match="no thresholds chosen yet.* ecg-edge train --resume"):
            ask()
