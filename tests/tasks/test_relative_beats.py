"""Beats relative to the patient's own: by hand, and in a device's integers."""

import dataclasses

import numpy as np
import pytest
from small_recordings import record as plain
from small_recordings import recordings, window_spec

from ecg_edge.records.record import Beats
from ecg_edge.tasks.beats import CLASSES, BeatOptions, BeatsTask
from ecg_edge.tasks.relative_beats import measure_distances, relate_intervals
from firmware_bench.front_end.own_beats import OwnBeats, find_part, plan_own_beats
from firmware_bench.runtime.metadata import Tensor

ECG = Tensor("ecg", (1, 256, 2), "int8", 0.06, 4)
RR = Tensor("rr", (1, 5), "int8", 3 / 255, -128)
OWN = Tensor("own", (1, 3), "int8", 2 / 255, -128)


def dequantise(values, tensor):
    return (np.asarray(values, float) - tensor.zero_point) * tensor.scale


def test_an_interval_is_related_to_the_mean_of_it_and_those_before():
    times = np.concatenate([np.arange(80) * 0.8, [63.2 + 0.4, 63.2 + 0.4 + 1.2, 90.0]])
    found, means = relate_intervals(times)
    assert found[0] == means[0] == 0 and found[1:80] == pytest.approx(1) and means[1:80] == pytest.approx(0.8)
    assert means[80:] == pytest.approx([0.8 - 0.4 / 64, 0.8, 0.8 + 1.2 / 64]), "of 64; a pause counts as two seconds"
    assert found[80:] == pytest.approx(np.array([0.4, 1.2, 2.0]) / means[80:])
    assert all(len(each) == 0 for each in relate_intervals(times[:0]))


def test_a_beat_that_is_unlike_the_others_is_far_away_and_hardly_moves_the_average():
    beats = np.zeros((40, 96, 2), np.float32)
    beats[20, :, 0] = 5.0
    distances = measure_distances(beats)
    assert not distances[:20].any() and not distances[:, 1].any()
    assert distances[20, 0] == 5.0
    assert distances[21, 0] == pytest.approx(0.5 / 16)
    assert np.all(np.diff(distances[21:, 0]) < 0), "it is forgotten"


def test_examples_hold_the_interval_after_the_beat_and_its_distance_from_those_before():
    """A ramp, scaled window by window: every whole beat is alike."""
    at = np.array([300, 380, 460, 500, 620])
    made = recordings(dataclasses.replace(plain("r0", 1000), beats=Beats(at, np.array(list("NNNAN")))))
    form = dataclasses.replace(window_spec(200), window_steps=[{"step": "zscore"}])
    examples = BeatsTask(CLASSES, BeatOptions(relative=True)).examples(made, ["r0"], form)
    batch = examples.batch(np.arange(5))
    means = np.array([0.8, 0.8, 2.0 / 3, 3.2 / 4])
    ratios = np.array([0.8, 0.8, 0.4, 1.2]) / means
    np.testing.assert_allclose(batch["rr"][2], [0, 0, *ratios[:3]], rtol=1e-6)
    np.testing.assert_allclose(batch["rr"][3], [0, *ratios], rtol=1e-6)
    np.testing.assert_allclose(batch["rr"][4], [*ratios, 0], rtol=1e-6)  # none is after the last
    np.testing.assert_allclose(batch["own"][:, 0], [*means, means[-1]], rtol=1e-6)  # up to the beat after
    assert batch["own"].shape == (5, 2) and batch["own"][:, 1].max() < 1e-3
    assert set(BeatsTask(CLASSES).examples(made, ["r0"], form).batch(np.arange(5))) == {"ecg", "rr", "labels"}


def test_the_integers_of_a_device_say_the_same():
    random = np.random.default_rng(0)
    plan = plan_own_beats(ECG, RR, OWN, fs=128.0, peak_fs=128.0)
    part, own = find_part(256, 128.0), OwnBeats(plan)
    assert (part.start, part.stop) == (88, 144 + 40)
    beat = np.cumsum(random.normal(size=(256, 2)), axis=0) * 0.3
    windows = np.clip(beat + random.normal(scale=0.4, size=(120, 256, 2)), -6, 6)
    windows[60] = -windows[60]
    integers = np.clip(np.rint(windows / ECG.scale) + ECG.zero_point, -128, 127).astype(np.int8)
    distances = dequantise([own.compare(window) for window in integers], OWN)
    expected = measure_distances(dequantise(integers, ECG)[:, part])
    assert np.abs(distances - np.minimum(expected, 255 * OWN.scale)).max() < 1.5 * OWN.scale
    intervals = random.integers(40, 420, 120)
    related = np.array([own.relate(int(interval)) for interval in intervals])
    ratios, means = (each[1:] for each in relate_intervals(np.concatenate([[0], np.cumsum(intervals / 128)])))
    assert np.abs(dequantise(plan.ratios[related[:, 0]], RR) - ratios).max() < 1 / 128 + 0.5 * RR.scale + 1e-6
    assert np.abs(dequantise(plan.means[related[:, 1]], OWN) - means).max() < 1 / 256 + 0.5 * OWN.scale + 1e-6
