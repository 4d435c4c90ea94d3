"""Scores of detections: which of them belong to which beat, and what does not count."""

import math

import numpy as np
import pytest
from small_recordings import record

from ecg_edge.evaluation.beat_detection import BeatDetection, add_detections, match_beats, score_detection
from firmware_bench.runtime.errors import InputError

LONG = 100_000  # samples of 100 Hz: the window is 15 samples


def score(beats, detections, begin_s=0.0, bouts=()):
    found = score_detection(record(samples=LONG, beats=beats, bouts=bouts), np.array(detections, np.int64), begin_s)
    return found.found, found.missed, found.extra


@pytest.mark.parametrize(
    ("beats", "detections", "expected"),
    [
        ([100, 200, 300], [100, 200, 300], (3, 0, 0)),
        ([100, 200, 300], [115, 185, 316], (2, 1, 1)),  # the window includes its ends
        ([100, 200], [], (0, 2, 0)),
        ([], [100, 200], (0, 0, 2)),
        ([100], [92, 101, 110], (1, 0, 2)),  # a beat is found once
        ([100, 112], [107], (1, 1, 0)),  # a detection finds one beat
        ([100, 112], [94, 106, 120], (2, 0, 1)),
        ([200], [50, 199, 1000], (1, 0, 2)),
    ],
)
def test_each_beat_and_each_detection_counts_once(beats, detections, expected):
    assert score(beats, detections) == expected


def test_the_nearer_neighbour_is_matched():
    assert match_beats(np.array([100, 112]), np.array([111]), 15).tolist() == [[1, 0]]
    assert match_beats(np.array([100]), np.array([90, 99]), 15).tolist() == [[0, 1]]


def test_no_pair_is_further_apart_than_the_window_and_none_is_used_twice():
    random = np.random.default_rng(0)
    for _ in range(200):
        beats, detections = (np.unique(random.integers(0, 400, 20)) for _ in range(2))
        pairs = match_beats(beats, detections, 10)
        assert (np.abs(beats[pairs[:, 0]] - detections[pairs[:, 1]]) <= 10).all() and len(pairs)
        assert (np.diff(pairs, axis=0) > 0).all()


def test_the_learning_period_does_not_count():
    beats, detections = [1000, 29_990, 30_005, 40_000], [500, 29_980, 30_010, 30_200]
    assert score(beats, detections) == (2, 2, 2)
    assert score(beats, detections, begin_s=300.0) == (1, 1, 1)
    assert score([29_995], [30_005], begin_s=300.0) == (0, 0, 0)  # a pair stays one
    assert score([30_005], [29_995], begin_s=300.0) == (1, 0, 0)


@pytest.mark.parametrize("rhythm", ["VFL", "VF"])
def test_flutter_does_not_count(rhythm):
    bouts = [(500, 1000, rhythm), (1000, 2000, "N")]
    assert score([100, 700, 1500], [100, 600, 800, 1500], bouts=bouts) == (2, 0, 0)
    assert score([100, 700, 1500], [100, 600, 800, 1500], bouts=[(500, 1000, "AFIB")]) == (2, 1, 2)


def test_gross_figures_count_every_beat_the_same():
    gross = add_detections([BeatDetection(9, 1, 0), BeatDetection(90, 0, 10)])
    assert gross == BeatDetection(99, 1, 10)
    assert gross.sensitivity == 0.99 and gross.positive_predictivity == pytest.approx(99 / 109)
    assert math.isnan(add_detections([]).sensitivity) and math.isnan(add_detections([]).positive_predictivity)


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(InputError, match="ascending"):
        score([100], [200, 100])
    without = record(samples=LONG)
    object.__setattr__(without, "beats", None)
    with pytest.raises(InputError, match="no annotated beats"):
        score_detection(without, np.array([1]))
