"""Beats: classes, what was before, what an epoch sees, labels of its own, EC57's figures."""

import dataclasses

import numpy as np
import pytest
from small_recordings import record as plain
from small_recordings import recordings, window_spec

from ecg_edge.records.record import Beats
from ecg_edge.tasks.beat_history import history, predict_autoregressively
from ecg_edge.tasks.beats import (
    CLASSES,
    BeatOptions,
    BeatsTask,
    beat_metrics,
    count_beats,
)
from firmware_bench.runtime.errors import InputError

TASK = BeatsTask(CLASSES)


def record(name, symbols, every=80, samples=2500):
    """Beats `symbols`, the first at sample 50 of 100 Hz, one `every` so many samples."""
    at = 50 + every * np.arange(len(symbols))
    return dataclasses.replace(plain(name, samples), beats=Beats(at, np.array(list(symbols))))


MADE = recordings(record("r0", "NNVNANFQN"), record("r1", "NNA"))


def examples(task=TASK, training=False, names=("r0", "r1"), made=MADE):
    return task.examples(made, names, window_spec(100), training)


def test_every_classified_beat_is_an_example_in_the_middle_of_its_window():
    made = examples()
    assert made.targets.tolist() == [0, 0, 2, 0, 1, 0, 3, 0, 0, 0, 1]
    assert made.records.tolist() == [0] * 8 + [1] * 3
    windows = made.batch(np.arange(len(made)))["ecg"]
    assert windows.shape == (11, 100, 1)
    assert windows[2, 50, 0] == 50 + 2 * 80, "the beat's own sample"
    assert windows[0, :, 0].tolist() == list(range(100)), "its window starts with the recording"


def test_training_leaves_fusion_beats_out():
    assert 3 not in examples(training=True).targets


def test_history_is_oldest_first_and_stays_in_its_recording():
    batch = examples().batch(np.array([0, 4, 8, 10]))
    np.testing.assert_allclose(batch["rr"][0], 0)
    np.testing.assert_allclose(batch["rr"][1], [0, 0.8, 0.8, 0.8, 0.8], rtol=1e-6)
    np.testing.assert_array_equal(batch["rr"][2], 0)  # the second recording's first beat
    np.testing.assert_allclose(batch["rr"][3], [0, 0, 0, 0.8, 0.8], rtol=1e-6)
    named = [[int(row.argmax()) if row.any() else None for row in rows] for rows in batch["labels"]]
    assert named == [[None] * 5, [None, 0, 0, 2, 0], [None] * 5, [None, None, None, 0, 0]]


def test_unclassified_and_fusion_beats_are_unknown_labels():
    (labels,) = examples().batch(np.array([7]))["labels"]  # r0's last, after V N A? N F Q
    assert [int(row.argmax()) if row.any() else None for row in labels] == [0, 1, 0, None, None]


def test_a_long_rr_interval_counts_as_three_seconds():
    made = recordings(record("slow", "NNN", every=301), record("just", "NNN", every=300))
    rr, _ = history(made, np.array([0, 1]), np.array([2, 5]), np.zeros(6, np.int8))
    np.testing.assert_allclose(rr[:, -1], [3.0, 3.0])


def test_an_epoch_sees_all_ectopic_beats_and_twice_as_many_normal_ones_of_each_recording(monkeypatch):
    monkeypatch.setattr("ecg_edge.tasks.beat_examples.LEAST_NORMALS", 3)
    made = recordings(record("many", "N" * 20 + "VA"), record("none", "N" * 20), record("few", "NVVV"))
    whole = examples(training=True, names=("many", "none", "few"), made=made)
    first, again, second = whole.draw_epoch(0, 0), whole.draw_epoch(0, 0), whole.draw_epoch(0, 1)
    assert np.bincount(first.records, minlength=3).tolist() == [2 + 4, 3, 4]
    assert sorted(first.targets[first.records == 0]) == [0, 0, 0, 0, 1, 2]
    np.testing.assert_array_equal(first.beats, again.beats)
    assert first.beats.tolist() != second.beats.tolist()
    weights = BeatsTask(CLASSES).example_weights(first, "none")
    assert weights.mean() == pytest.approx(1) and len(set(weights.tolist())) == 2
    assert weights[0] / weights[-1] == pytest.approx(np.sqrt((20 + 20 + 1) / (4 + 3 + 1)))


def test_without_labels_the_input_is_zero():
    assert not examples(BeatsTask(CLASSES, BeatOptions(labels="none"))).batch(slice(None))["labels"].any()


class Follows:
    """Says the class after that of the beat before; V for a beat without one."""

    def __init__(self):
        self.sizes = []

    def __call__(self, inputs):
        before = inputs["labels"][:, -1]
        self.sizes.append(len(before))
        said = np.where(before.any(axis=1), (before.argmax(axis=1) + 1) % 3, 2)
        return np.eye(3, dtype=np.float32)[said]


def test_predicted_labels_are_fed_back():
    own, true, none = (task for task in TASK.variants().values())
    made, model = examples(), Follows()
    assert own.predict(model, made).argmax(axis=1)[:7].tolist() == [2, 0, 1, 2, 0, 1, 2]
    assert model.sizes[0] == 2, "recordings go side by side"
    assert true.predict(Follows(), made).argmax(axis=1)[:4].tolist() == [2, 1, 1, 0]
    assert set(none.predict(Follows(), made).argmax(axis=1)) == {2}


class Keeps:
    """Keeps what was before itself: says V for a recording's first beat and then N and A in turn."""

    keeps_history = True

    def __init__(self):
        self.told = []

    def begin(self):
        self.told.append([])

    def __call__(self, inputs):
        said = []
        for ecg, rr in zip(inputs["ecg"], inputs["rr"], strict=True):
            assert ecg.shape == (100, 1) and rr.shape == (1,)
            self.told[-1].append(float(rr[0]))
            said.append(2 if len(self.told[-1]) == 1 else len(self.told[-1]) % 2)
        return np.eye(3, dtype=np.float32)[said]


def test_a_stateful_predictor_gets_every_beat_in_order(monkeypatch):
    """Of the Q, too, which nobody asks about; and each recording from its start."""
    monkeypatch.setattr("ecg_edge.tasks.beats.BATCH", 4)
    model, done = Keeps(), []
    said = TASK.predict(model, examples(), done.append).argmax(axis=1)
    np.testing.assert_allclose(model.told[0], [0, *[0.8] * 8], rtol=1e-6)
    np.testing.assert_allclose(model.told[1], [0, 0.8, 0.8], rtol=1e-6)
    assert said.tolist() == [2, 0, 1, 0, 1, 0, 1, 1, 2, 0, 1]  # r0's eighth is the Q
    assert done == [8, 3]
    assert TASK.predict(Keeps(), examples().take(np.array([9, 2]))).argmax(axis=1).tolist() == [0, 1]


def test_autoregressive_inputs_without_labels():
    assert TASK.autoregressive_inputs == {"rr": None, "labels": "probabilities"}
    assert BeatsTask(CLASSES, BeatOptions(labels="none")).autoregressive_inputs == {"rr": None}


def test_variants_begin_with_predicted_labels():
    assert list(TASK.variants())[0].startswith("its own labels")
    assert len(BeatsTask(CLASSES, BeatOptions(labels="none")).variants()) == 1


def test_autoregressive_prediction_predicts_every_beat_once():
    records, beats, asked = np.array([1, 0, 0, 1, 0]), np.array([9, 3, 1, 7, 2]), []

    def answer(positions, known):
        asked.append(positions.tolist())
        return np.ones((len(positions), 3))

    predict_autoregressively(records, beats, 10, answer)
    assert [beats[step].tolist() for step in asked] == [[1, 7], [2, 9], [3]]


def test_metrics_by_hand():
    #        as N  A  V  missed
    table = [[90, 6, 4, 0], [3, 5, 2, 0], [1, 2, 17, 0], [0, 4, 6, 0], [0, 0, 0, 0]]  # true N, A, V, F, no beat
    figures = beat_metrics(np.array(table))
    assert figures["SVEB_sensitivity",] == 5 / 10
    assert figures["SVEB_positive_predictivity",] == 5 / (6 + 5 + 2 + 4), "a fusion beat called A is a false SVEB"
    assert figures["VEB_sensitivity",] == 17 / 20
    assert figures["VEB_positive_predictivity",] == 17 / (4 + 2 + 17), "a fusion beat called V is no false VEB"
    assert figures["SVEB_F1",] == pytest.approx(2 * 5 / (10 + 17))
    assert figures["VEB_F1",] == pytest.approx(2 * 17 / (20 + 23))
    assert figures["accuracy",] == (90 + 5 + 17) / 130
    assert figures["classes", "N", "f1"] == pytest.approx(2 * 90 / (100 + 94))


def test_missed_beats_and_false_detections_count():
    table = [[90, 6, 4, 1], [3, 5, 2, 10], [1, 2, 17, 5], [0, 0, 0, 2], [7, 1, 3, 0]]
    figures = beat_metrics(np.array(table))
    assert figures["SVEB_sensitivity",] == 5 / 20 and figures["VEB_sensitivity",] == 17 / 25
    assert figures["SVEB_positive_predictivity",] == 5 / (6 + 5 + 2 + 1)
    assert figures["VEB_positive_predictivity",] == 17 / (4 + 2 + 17 + 3)
    assert figures["classes", "N", "f1"] == pytest.approx(2 * 90 / (101 + 94 + 7))


def test_fusion_beats_have_their_own_row():
    assert count_beats(np.array([0, 3, 3, 2]), np.array([0, 2, 0, 1]))[:, :3].tolist() == [
        [1, 0, 0], [0, 0, 0], [0, 1, 0], [1, 0, 1], [0, 0, 0],
    ]  # fmt: skip


def test_supraventricular_figures_are_given_without_the_patient_who_has_most():
    made = recordings(record("r0", "NAAAN"), record("r1", "NNA"), record("r2", "NNNNV"))
    given = examples(names=("r0", "r1", "r2"), made=made)
    said = given.targets.copy()
    said[given.records == 1] = 0  # the other patient's A is overlooked
    measured = TASK.compute_metrics(np.eye(3)[said], given).statistic(np.arange(len(given)))
    assert measured["SVEB_sensitivity",] == 3 / 4
    assert measured["SVEB_sensitivity_without_patient of r0",] == 0
    shared = recordings(record("r0", "NA"), record("r1", "NA"))
    given = examples(made=shared)
    keys = TASK.compute_metrics(np.eye(3)[given.targets], given).statistic(np.arange(len(given)))
    assert not any("without" in key[0] for key in keys), "nobody has more than half"


def test_metrics_are_over_beats_by_patient():
    made = examples()
    measured = TASK.compute_metrics(np.eye(4, 3)[made.targets], made)
    assert measured.unit == "beats" and len(measured.patients) == 11 and len(set(measured.patients)) == 2
    assert measured.details["classes"] == {"N": {"beats": 7}, "A": {"beats": 2}, "V": {"beats": 1}}
    assert measured.statistic(np.arange(11))["macro_f1",] == 1.0


def test_recordings_without_classified_beats_are_refused():
    with pytest.raises(InputError, match="no annotated beats"):
        examples(made=recordings(record("r0", "QQ"), record("r1", "?")))


def test_a_recording_without_beats_is_reported():
    made = recordings(record("still", ""), record("one", "?"))
    windows = TASK.inference_examples(made, window_spec(100))
    still, one = TASK.report(TASK.predict(Follows(), windows), windows)
    assert (still["windows"], one["windows"]) == (0, 1)
    assert one["label"] == "0 N, 0 A, 1 V beats" and one["beats"] == [{"time_s": 0.5, "label": "V"}]
    nothing = TASK.inference_examples(recordings(record("still", "")), window_spec(100))
    assert TASK.report(TASK.predict(Follows(), nothing), nothing)[0]["beats"] == []
