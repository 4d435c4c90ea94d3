"""What a device would say of a recording: the same windows as in training, and rhythms with onset and end."""

import numpy as np
import pytest

from ecg_edge.api.device_prediction import merge_episodes
from firmware_bench.front_end.beat_path import NO_BEATS, DeviceRhythm


def make_rhythms(labels, qualities=None):
    """Windows of 10 s every 5 s at 100 Hz."""
    qualities = qualities or [()] * len(labels)
    return [
        DeviceRhythm(500 * n + 1100, 500 * n, 500 * n + 1000, label, 9, np.zeros(2, np.int8), quality)
        for n, (label, quality) in enumerate(zip(labels, qualities, strict=True))
    ]


def describe(rhythms):
    return [(each.onset_s, each.end_s, each.label) for each in merge_episodes(rhythms, 100.0)]


def test_windows_of_one_rhythm_are_one_episode():
    assert describe(make_rhythms(["N", "N", "AF", "AF", "AF", "N"])) == [
        (0.0, 12.5, "N"),
        (12.5, 27.5, "AF"),
        (27.5, 35.0, "N"),
    ]
    assert describe([]) == []


@pytest.mark.parametrize("quality", [("missing",), ("saturated",), (NO_BEATS,)])
def test_a_rhythm_of_a_bad_signal_has_no_label(quality):
    rhythms = make_rhythms(["AF", "AF", "AF"], [(), quality, ()])
    assert describe(rhythms) == [(0.0, 7.5, "AF"), (7.5, 12.5, None), (12.5, 20.0, "AF")]
    assert merge_episodes(rhythms, 100.0)[1].quality == quality
