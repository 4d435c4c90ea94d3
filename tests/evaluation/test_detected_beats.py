"""Beats at detected R peaks: what is matched has a class, what is missed or invented counts."""

import dataclasses

import numpy as np
import pytest
from small_recordings import record as plain
from small_recordings import recordings, window_spec

from ecg_edge.evaluation import detected_beats
from ecg_edge.evaluation.detected_beats import DetectedBeatRhythmTask, DetectedBeatsTask
from ecg_edge.records.record import Beats
from ecg_edge.tasks.beat_history import CLASSES
from ecg_edge.tasks.beat_rhythm import BeatRhythmOptions

TASK = next(iter(DetectedBeatsTask(CLASSES, leads=("I",)).variants().values()))


def says_v(inputs):
    return np.tile(np.array([[0.1, 0.2, 0.7]], np.float32), (len(inputs["ecg"]), 1))


@pytest.fixture
def examples(monkeypatch):
    """Two recordings: beats N A V Q at 1, 2, 3, 4 s of the first, N at 1 s of the second, which is not asked for.
    Detected are the N, 0.1 s late, the V, the Q, and something at 5 s."""
    monkeypatch.setattr(detected_beats, "detect_r_peaks_causal", lambda lead, fs: np.array([110, 300, 400, 500]))
    annotated = [Beats(100 * np.arange(1, 5), np.array(list("NAVQ"))), Beats(np.array([100]), np.array(["N"]))]
    made = recordings(*(dataclasses.replace(plain(f"r{i}"), beats=own) for i, own in enumerate(annotated)))
    return TASK.examples(made, ["r0"], window_spec(100))


def test_detections_have_the_classes_of_their_beats_and_missed_beats_follow(examples):
    assert examples.targets.tolist() == [0, 2, 4, 1], "N, V, no beat; the missed A; what is at Q does not count"
    assert examples.beats.tolist() == [0, 1, 3, -1]
    assert examples.windows(np.array([0, 1]))[:, 50, 0].tolist() == [110, 300], "windows are around detections"
    batch = examples.batch(np.array([1, 2]))
    np.testing.assert_allclose(batch["rr"][0], [0, 0, 0, 0, 1.9], rtol=1e-6)
    np.testing.assert_allclose(batch["rr"][1], [0, 0, 1.9, 1.0, 1.0], rtol=1e-6)


def test_missed_beats_are_not_predicted_and_count_as_missed(examples):
    summaries = TASK.predict(says_v, examples)
    assert summaries.any(axis=1).tolist() == [True, True, True, False]
    measured = TASK.compute_metrics(summaries, examples)
    assert measured.details["missed_beats"] == {"N": 0, "A": 1, "V": 0}
    assert measured.details["false_detections_as"] == {"N": 0, "A": 0, "V": 1}
    figures = measured.statistic(np.arange(4))
    assert figures["VEB_sensitivity",] == 1.0 and figures["VEB_positive_predictivity",] == 1 / 3
    assert figures["SVEB_sensitivity",] == 0.0
    probabilities, truth = TASK.pair_with_truth(summaries, examples)
    assert len(probabilities) == 2 and truth.argmax(axis=1).tolist() == [0, 2]


def test_the_variants_keep_the_detected_peaks():
    variants = DetectedBeatsTask(CLASSES, leads=("I",)).variants().values()
    assert [type(task) for task in variants] == [DetectedBeatsTask] * 3
    assert [task.labels for task in variants] == ["own", "true", "none"]


def test_a_rhythm_is_told_from_detected_beats(monkeypatch):
    monkeypatch.setattr(detected_beats, "detect_r_peaks_causal", lambda lead, fs: np.array([150, 250, 390]))
    whole = plain("r0", 1000, bouts=((0, 1000, "N"),))
    made = recordings(dataclasses.replace(whole, beats=Beats(np.array([100, 200]), np.array(["V", "N"]))))
    task = DetectedBeatRhythmTask(("NSR", "AFIB"), BeatRhythmOptions(labels="true"), leads=("I",))
    batch = task.examples(made, ["r0"], window_spec(1000)).batch(slice(None))
    np.testing.assert_allclose(batch["rr"][0, :4, 0], [0, 1.0, 1.4, 0], rtol=1e-6)
    assert not batch["features"][..., 5:].any(), "a detected beat has no annotated class"
