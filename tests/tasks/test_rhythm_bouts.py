"""One rhythm per bout: where windows may start, which bouts are examples, figures per bout."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score
from small_recordings import record, recordings, window_spec

from ecg_edge.tasks.rhythm_bouts import RhythmBoutsTask, start_bounds
from firmware_bench.runtime.errors import InputError

TASK = RhythmBoutsTask(("NSR", "AFIB", "B"))
MADE = recordings(
    record("r0", samples=1000, bouts=((0, 300, "N"), (300, 420, "AFIB"), (420, 500, "T"), (500, 1000, "N"))),
    record("r1", samples=600, bouts=((0, 600, "B"),), patient="patient of r0"),
    record("r2", samples=50, bouts=((10, 50, "AFIB"),)),
    record("r3", samples=500),
)
NAMES = [entry.name for entry in MADE.entries]


def examples(training=False, names=NAMES):
    return TASK.examples(MADE, names, window_spec(100), training)


def inside(start, samples, first, stop):
    """How much of the window lies in the bout."""
    return min(start + samples, stop) - max(start, first)


@pytest.mark.parametrize("seed", range(5))
def test_every_allowed_window_has_half_of_itself_or_the_whole_bout_in_the_bout_and_no_other_has(seed):
    random = np.random.default_rng(seed)
    for _ in range(200):
        length, samples = int(random.integers(1, 200)), int(random.integers(1, 100))
        first = int(random.integers(0, length))
        stop = int(random.integers(first + 1, length + 1))
        earliest, latest = start_bounds(first, stop, length, samples)
        enough = min(samples // 2, stop - first)
        last = max(length - samples, 0)
        allowed = [start for start in range(last + 1) if inside(start, samples, first, stop) >= enough]
        assert (earliest, latest) == (allowed[0], allowed[-1])
        assert len(allowed) == latest - earliest + 1


def test_bounds_by_hand():
    assert start_bounds(500, 1000, 2000, 100) == (450, 950)
    assert start_bounds(500, 530, 2000, 100) == (430, 500)  # a short bout: all of it
    assert start_bounds(0, 2000, 2000, 100) == (0, 1900)  # nothing outside the recording
    assert start_bounds(10, 50, 60, 100) == (0, 0)  # a short recording: its start


def test_every_bout_of_a_class_is_one_example():
    made = examples()
    assert made.records.tolist() == [0, 0, 0, 1, 2]
    assert made.targets.tolist() == [0, 1, 0, 2, 1]
    assert [made.earliest[0], made.latest[0]] == [0, 250]
    assert [made.earliest[1], made.latest[1]] == [250, 370]
    assert (made.earliest <= made.starts).all() and (made.starts <= made.latest).all()
    assert examples(names=["r2", "r1"]).targets.tolist() == [2, 1]


def test_bouts_are_found_at_the_windows_rate():
    at_double_rate = recordings(record(samples=2000, fs=200.0, bouts=((0, 600, "N"), (600, 840, "AFIB"))), fs=200.0)
    made = TASK.examples(at_double_rate, ["r0"], window_spec(200, fs=200.0))
    assert [made.earliest.tolist(), made.latest.tolist()] == [[0, 500], [500, 740]]


def test_an_evaluation_sees_the_same_windows_every_time_and_others_in_its_other_views():
    assert examples().starts.tolist() == examples().starts.tolist()
    first, *others = examples().views(7)
    assert first.starts.tolist() == examples().starts.tolist()
    starts = np.array([view.starts for view in others])
    assert len({tuple(row) for row in [first.starts, *starts]}) == 7
    assert (starts >= first.earliest).all() and (starts <= first.latest).all()
    assert [view.starts.tolist() for view in examples().views(7)] == [first.starts.tolist(), *starts.tolist()]


def test_every_epoch_of_training_draws_anew():
    training = examples(training=True)
    epochs = np.array([training.draw_epoch(7, epoch).starts for epoch in range(50)])
    assert (epochs >= training.earliest).all() and (epochs <= training.latest).all()
    for column in range(4):
        assert len(set(epochs[:, column])) > 20
    assert set(epochs[:, 4]) == {0}


def test_recordings_without_bouts_give_no_examples():
    assert len(examples(names=["r3"])) == 0


def test_classes_are_the_rhythms_of_the_training_recordings_in_order():
    assert RhythmBoutsTask.find_classes(None, MADE, NAMES) == ("NSR", "AFIB", "B")
    assert RhythmBoutsTask.find_classes(None, MADE, ["r1", "r2"]) == ("AFIB", "B")
    with pytest.raises(InputError, match="bouts of 1 of the rhythms NSR AFIB SBR AB SVTA B"):
        RhythmBoutsTask.find_classes(None, MADE, ["r1", "r3"])


OUTPUTS = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.2, 0.5, 0.3], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1]])


def test_validation_is_over_bouts():
    row = TASK.validate(OUTPUTS, examples())
    assert row["validation_loss"] == pytest.approx(-np.mean(np.log([0.8, 0.6, 0.2, 0.6, 0.8])))
    assert row["validation_score"] == pytest.approx((2 / 3 + 4 / 5 + 1) / 3)


def test_an_evaluation_counts_bouts_and_draws_patients():
    measured = TASK.compute_metrics(OUTPUTS, examples())
    assert measured.unit == "bouts"
    assert measured.patients == ["patient of r0"] * 4 + ["patient of r2"]
    assert {name: row["bouts"] for name, row in measured.details["classes"].items()} == {"NSR": 2, "AFIB": 2, "B": 1}
    assert measured.details["confusion_matrix"] == [[1, 1, 0], [0, 2, 0], [0, 0, 1]]
    figures, targets = measured.statistic(np.arange(5)), examples().targets
    assert figures["balanced_accuracy",] == pytest.approx(balanced_accuracy_score(targets, OUTPUTS.argmax(axis=1)))
    assert figures["accuracy",] == 0.8


def test_weights_follow_the_bouts():
    np.testing.assert_allclose(TASK.example_weights(examples(), "balanced"), np.array([5, 5, 5, 10, 5]) / 6)


def test_unlabelled_recordings_are_reported_window_by_window():
    unknown = recordings(record("r0", samples=300))
    windows = TASK.inference_examples(unknown, window_spec(100))
    (row,) = TASK.report(OUTPUTS[:3], windows)
    assert row["rhythms"] == [
        {"start_s": 0.0, "rhythm": "NSR"},
        {"start_s": 1.0, "rhythm": "AFIB"},
        {"start_s": 2.0, "rhythm": "AFIB"},
    ]
    assert (row["label"], row["windows"], row["seconds"]) == ("AFIB", 3, 3.0)
    np.testing.assert_allclose(list(row["probabilities"].values()), OUTPUTS[:3].mean(axis=0), atol=1e-6)
