"""One class per recording: targets, weights, what an epoch is judged by, and the decision from windows."""

import types

import numpy as np
import pytest
from sklearn.metrics import f1_score
from small_recordings import record, recordings, window_spec

from ecg_edge.records.record import Entry
from ecg_edge.tasks.rhythm import RhythmTask
from ecg_edge.tasks.task import class_weights, mean_by_record
from firmware_bench.runtime.errors import InputError

TASK = RhythmTask(["N", "A", "O"])
MADE = recordings(  # of 3, 1, 2 and 1 windows
    record("r0", samples=30, labels=("A", "N")),
    record("r1", samples=10, labels=("O",)),
    record("r2", samples=20, labels=("N",)),
    record("r3", samples=10, labels=("N",)),
)
NAMES = [entry.name for entry in MADE.entries]


def examples(names=NAMES):
    return TASK.examples(MADE, names, window_spec(10))


# outputs for the seven windows: r0 is called A, r1 O, r2 N, r3 A
OUTPUTS = np.array([
    [0.8, 0.2, 0.0], [0.0, 0.6, 0.4], [0.1, 0.7, 0.2], [0.2, 0.3, 0.5], [0.9, 0.1, 0.0], [0.2, 0.3, 0.5],
    [0.1, 0.8, 0.1],
])  # fmt: skip
DECIDED = [[0.3, 0.5, 0.2], [0.2, 0.3, 0.5], [0.55, 0.2, 0.25], [0.1, 0.8, 0.1]]


def test_the_first_label_is_the_target_of_every_window():
    assert examples().targets.tolist() == [1, 1, 1, 2, 0, 0, 0]
    assert examples(["r3", "r1"]).targets.tolist() == [2, 0]


def test_recordings_whose_first_label_is_a_class_are_usable():
    def usable(*labels):
        return TASK.is_usable(Entry("r", "r", "r", labels), TASK.classes)

    assert usable("A", "X") and not usable("X", "A") and not usable()


def test_classes_are_those_that_come_first_somewhere_in_the_database_s_order():
    database = types.SimpleNamespace(classes=("O", "A", "~", "N"))
    dataset = types.SimpleNamespace(database=database, entries=MADE.entries)
    assert TASK.find_classes(dataset, MADE, NAMES) == ("O", "A", "N")


def test_class_weights():
    targets = np.array([0] * 6 + [1] * 2 + [2] * 1)
    np.testing.assert_allclose(class_weights(targets, "NAO", "balanced"), [0.5, 1.5, 3.0])
    np.testing.assert_allclose(class_weights(targets, "NAO", "sqrt"), np.sqrt([0.5, 1.5, 3.0]))
    np.testing.assert_allclose(class_weights(targets, "NAO", "none"), 1)


def test_the_square_root_weighs_no_class_more_than_ten_times():
    targets = np.array([0] * 999 + [1])
    np.testing.assert_allclose(class_weights(targets, "NA", "balanced")[1], 500)
    np.testing.assert_allclose(class_weights(targets, "NA", "sqrt"), [np.sqrt(1000 / 1998), 10])


def test_an_example_weighs_what_its_class_does():
    weights = TASK.example_weights(examples(["r0", "r1", "r2"]), "balanced")
    np.testing.assert_allclose(weights, [6 / 9, 6 / 9, 6 / 9, 2, 1, 1])


def test_a_class_without_examples_is_named():
    with pytest.raises(InputError, match="class O has no example in the training part"):
        class_weights(np.array([0, 1, 1]), TASK.classes, "balanced")


def test_a_single_class_is_refused():
    with pytest.raises(InputError, match="at least two classes"):
        RhythmTask(["N"])


def test_a_recording_s_decision_is_the_mean_of_its_windows():
    probabilities = np.array([[0.8, 0.2, 0.0], [0.1, 0.6, 0.3], [0.0, 0.9, 0.1]])
    found, decided = mean_by_record(probabilities, np.array([4, 2, 4]))
    assert found.tolist() == [2, 4]
    np.testing.assert_allclose(decided, [[0.1, 0.6, 0.3], [0.4, 0.55, 0.05]])


def test_validation_loss_is_over_windows_and_score_over_recordings():
    row = TASK.validate(OUTPUTS, examples())
    assert row["validation_loss"] == pytest.approx(-np.mean(np.log([0.2, 0.6, 0.7, 0.5, 0.9, 0.2, 0.1])))
    assert row["validation_score"] == pytest.approx(f1_score([1, 2, 0, 0], [1, 2, 0, 1], average="macro"))


def test_loss_of_a_zero_probability_is_finite():
    outputs = np.eye(3)[[0, 0, 0, 0, 1, 1, 1]]
    assert TASK.validate(outputs, examples())["validation_loss"] == pytest.approx(-np.log(1e-7), rel=1e-4)


def test_an_evaluation_counts_recordings():
    measured = TASK.compute_metrics(OUTPUTS, examples())
    assert measured.unit == "recordings" and measured.patients == [f"patient of {name}" for name in NAMES]
    assert measured.predicted.tolist() == [1, 2, 0, 1]
    assert measured.details["confusion_matrix"] == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert {name: row["recordings"] for name, row in measured.details["classes"].items()} == {"N": 2, "A": 1, "O": 1}
    figures = measured.statistic(np.arange(4))
    assert figures["accuracy",] == 0.75 and figures["classes", "A", "precision"] == 0.5
    assert measured.statistic(np.array([0, 0, 1]))["accuracy",] == 1


def test_only_some_of_a_data_set_s_recordings_are_counted():
    measured = TASK.compute_metrics(OUTPUTS[[3, 6]], examples(["r1", "r3"]))
    assert [entry.name for entry in measured.entries] == ["r1", "r3"]
    assert measured.statistic(np.arange(2))["accuracy",] == 0.5


def test_inference_and_report_of_unlabelled_recordings():
    unknown = recordings(record("r0", samples=30, labels=()), record("r1", samples=7, labels=()))
    windows = TASK.inference_examples(unknown, window_spec(10))
    assert windows.records.tolist() == [0, 0, 0, 1]
    first, second = TASK.report(OUTPUTS[:4], windows)
    assert first == {
        "record": "r0",
        "label": "A",
        "probabilities": {"N": 0.3, "A": 0.5, "O": 0.2},
        "windows": 3,
        "seconds": 0.3,
    }
    assert (second["label"], second["windows"], second["seconds"]) == ("O", 1, 0.07)
    np.testing.assert_allclose(mean_by_record(OUTPUTS, examples().records)[1], DECIDED)


def test_predictions_are_made_in_batches_with_progress():
    many = TASK.examples(recordings(record(samples=1500)), ["r0"], window_spec(10))
    told = []
    summaries = TASK.predict(lambda inputs: inputs["ecg"][:, 0], many, told.append)
    np.testing.assert_array_equal(summaries[:, 0], many.starts)
    assert sum(told) == len(many) == 150 and len(told) > 1
