"""What a device said against annotations: counts of beats, bouts, episodes and burden of AF."""

import numpy as np
import pytest

from ecg_edge.evaluation.device_answers import count_said_beats, judge_rhythms
from ecg_edge.records.record import Beats, Record, RhythmInterval

FS = 100.0


def make_record(symbols="N", rhythms=(), seconds=200.0):
    """A beat a second from 1 s on, and rhythms with their lengths in s."""
    samples = (np.arange(len(symbols)) + 1) * round(FS)
    ends = np.cumsum([length for _, length in rhythms]) * FS
    intervals = [
        RhythmInterval(round(end - length * FS), round(end), rhythm)
        for (rhythm, length), end in zip(rhythms, ends, strict=True)
    ]
    signal = np.zeros((round(seconds * FS), 1), np.float32)
    beats = Beats(samples, np.array(list(symbols), "U1"))
    return Record("r", "p", signal, FS, ("I",), beats=beats, rhythms=tuple(intervals))


def test_beats_are_counted_by_their_own_detection():
    record = make_record("NNAVFQN")
    #  found   found   as N, late   missed   as V   not counted   no beat    missed
    times = [1.0, 2.05, 3.1, 5.0, 6.0, 6.5]
    table = count_said_beats(record, times, ["N", "V", "N", "V", "N", "A"])
    assert table.tolist() == [[1, 0, 1, 1], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]]


def test_a_bout_has_the_rhythm_that_is_said_longest_in_it():
    record = make_record(rhythms=[("N", 100), ("AFIB", 40), ("T", 20), ("B", 40)])
    episodes = [(0.0, 90.0, "NSR"), (90.0, 115.0, "AFIB"), (115.0, 125.0, "NSR"), (125.0, 150.0, None)]
    found = judge_rhythms(record, episodes, ["NSR", "AFIB", "B"])
    assert found.bouts == (("NSR", "NSR"), ("AFIB", "AFIB"), ("B", ""))
    assert found.silent == pytest.approx(0.375)  # of the recording


def test_episodes_and_burden_of_af():
    record = make_record(rhythms=[("N", 50), ("AFIB", 10), ("N", 40), ("AFIB", 50), ("AFL", 30), ("N", 20)])
    episodes = [
        (0.0, 20.0, "AFIB"),
        (20.0, 95.0, "NSR"),
        (95.0, 120.0, "AFIB"),
        (120.0, 140.0, None),
        (140.0, 155.0, "NSR"),
        (155.0, 170.0, "AFIB"),
        (170.0, 200.0, "NSR"),
    ]
    found = judge_rhythms(record, episodes, ["NSR", "AFIB"])
    assert [(round(length), is_found) for length, is_found in found.annotated_af] == [(10, False), (50, True)]
    # The last one is all flutter, which counts as neither.
    assert [(round(length), is_true) for length, is_true in found.said_af] == [(20, False), (25, True)]
    assert found.seconds == pytest.approx(200 - 20 - 30)
    assert (found.annotated_s, found.said_s, found.common_s) == pytest.approx((10 + 30, 20 + 25, 20))
