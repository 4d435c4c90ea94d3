"""The path from counts to beats and rhythms: what the two networks are given, and what is said of bad signals."""

import dataclasses

import numpy as np
import pytest

from firmware_bench.front_end.beat_path import NO_BEATS, BeatPath, DeviceBeat, DeviceRhythm
from firmware_bench.front_end.plan import MISSING
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import EmbedderMetadata, ModelMetadata, TaskMetadata, Tensor, WindowMetadata

FS, GAIN = 128, 100.0  # Hz; counts in 1 mV
STEPS = ({"step": "hold_gaps"}, {"step": "resample_causal", "fs": float(FS)})
PROBABILITIES = Tensor("probabilities", (1, 3), "int8", 1 / 256, -128)
DELAY = 30  # samples by which the known peaks are reported


class Network:
    """A network that keeps what it is given."""

    def __init__(self, name, inputs, outputs, answer, **metadata):
        self.name, self.inputs, self.outputs, self._answer = name, inputs, outputs, answer
        common = {"leads": ("II",), "fs": float(FS), "preprocessing": STEPS, "outputs": outputs}
        self.metadata = ModelMetadata(**{**common, **metadata})
        self.given = []

    def run_raw(self, arrays):
        self.given.append({tensor.name: array.astype(int) for tensor, array in zip(self.inputs, arrays, strict=True)})
        return self._answer(self.given[-1])


def name_height(given):
    """V where the middle of the window is above 1.5 mV, otherwise N; as features twice the height."""
    height = int(given["ecg"][0, 32, 0])
    probabilities = [-100, -128, 100] if height > 75 else [100, -128, -100]
    return [np.array([[height, -height]], np.int8), np.array([probabilities], np.int8)]


def make_classifier(relative=False, **changes):
    inputs = (
        Tensor("ecg", (1, 64, 1), "int8", 0.02, 0),
        Tensor("rr", (1, 5), "int8", 1 / 64, -128),
        Tensor("labels", (1, 5, 3), "int8", 1 / 100, 0),
        *([Tensor("own", (1, 2), "int8", 1 / 64, -128)] if relative else []),
    )
    outputs = (Tensor("fused", (1, 2), "int8", 0.5, 0), PROBABILITIES)
    task = TaskMetadata("beats", {"labels": "true", "relative": relative})
    fields = {"labels": ("N", "A", "V"), "task": task, "digest": "a" * 64, **changes}
    return Network("beats.tflite", inputs, outputs, name_height, **fields)


def make_rhythm(**changes):
    inputs = (
        Tensor("features", (1, 32, 2), "int8", 1.0, 3),
        Tensor("rr", (1, 32, 1), "int8", 1 / 64, -128),
        Tensor("weights", (1, 32), "int8", 1 / 200, -128),
    )
    outputs = (dataclasses.replace(PROBABILITIES, shape=(1, 2)),)
    fields = {
        "labels": ("NSR", "AFIB"),
        "task": TaskMetadata("beat_rhythm", {"labels": "own"}),
        "window": WindowMetadata(10 * FS, 10 * FS),
        "embedder": EmbedderMetadata("beats.tflite", "a" * 64),
        **changes,
    }
    return Network("rhythm.tflite", inputs, outputs, lambda given: [np.array([[5, 60]], np.int8)], **fields)


class KnownPeaks:
    """Peaks that are known, reported DELAY samples late."""

    def __init__(self, peaks):
        self._peaks, self._count = set(peaks), 0

    def push(self, sample):
        self._count += 1
        return DELAY if self._count - 1 - DELAY in self._peaks else 0


def draw_counts(peaks, heights, samples, fs=FS):
    """Triangles of 80 ms, int16 (samples, 1)."""
    time, signal = np.arange(samples) / fs, np.zeros(samples)
    for peak, height in zip(peaks, heights, strict=True):
        signal += height * np.clip(1 - np.abs(time - peak / FS) / 0.04, 0, None)
    return np.round(GAIN * signal).astype(np.int16)[:, None]


def run(counts, peaks, fs=FS, block=None, classifier=None, rhythm=None):
    """The beats, the rhythms and the two networks."""
    networks = rhythm or make_rhythm(), classifier or make_classifier()
    path = BeatPath(*networks, Sensor(float(fs), (GAIN,)), detector=KnownPeaks(peaks) if peaks is not None else None)
    blocks = np.array_split(counts, range(block, len(counts), block)) if block else [counts]
    events = [event for each in blocks for event in path.push(each)]
    beats = [event for event in events if isinstance(event, DeviceBeat)]
    return beats, [event for event in events if isinstance(event, DeviceRhythm)], *networks


PEAKS = [20, 120, 230, 300, 420, 530, 660, 760, 860, 980, 1100, 1200, 1300, 1400]
HEIGHTS = [1, 1, 2, 1, 1, 2, 1, 1, 1, 1, 2, 1, 1, 1]


@pytest.mark.parametrize("fs", [128, 360])
def test_the_classifier_gets_the_window_around_each_peak_and_what_was_before(fs):
    beats, _, _, classifier = run(draw_counts(PEAKS, HEIGHTS, 12 * fs, fs), PEAKS, fs)
    assert [beat.peak for beat in beats] == PEAKS
    assert "".join(beat.label for beat in beats) == "NNVNNVNNNNVNNN"
    for given, height in zip(classifier.given, HEIGHTS, strict=True):
        assert given["ecg"][0, :, 0].argmax() == 32 and abs(int(given["ecg"][0, 32, 0]) - 50 * height) <= 4 * height
    assert not classifier.given[0]["ecg"][0, :12].any()  # before the recording
    intervals = np.diff(PEAKS)
    assert ((classifier.given[6]["rr"][0] + 128) / 64 * FS).tolist() == pytest.approx(intervals[1:6], abs=1.1)
    assert (classifier.given[1]["rr"][0] + 128 > 0).tolist() == [False] * 4 + [True]
    # The labels before the seventh beat are its own: N V N N V.
    assert classifier.given[6]["labels"][0].argmax(axis=1).tolist() == [0, 2, 0, 0, 2]
    assert classifier.given[2]["labels"][0].sum(axis=1).tolist() == [0, 0, 0, 100, 100]


def test_the_rhythm_is_made_of_the_beats_of_its_window():
    _, (first, *_), rhythm, classifier = run(draw_counts(PEAKS, HEIGHTS, 12 * FS), PEAKS)
    own = [peak for peak in PEAKS if peak < 10 * FS]
    assert (first.label, first.start, first.stop, first.beats, first.quality) == ("AFIB", 0, 10 * FS, len(own), ())
    given = rhythm.given[0]
    heights = [int(each["ecg"][0, 32, 0]) for each in classifier.given[: len(own)]]
    assert given["features"][0, : len(own), 0].tolist() == [round(height / 2 + 0.01) + 3 for height in heights]
    assert (given["features"][0, len(own) :] == 3).all() and (given["weights"][0, len(own) :] == -128).all()
    assert given["rr"][0, 0, 0] == -128
    assert ((given["rr"][0, 1 : len(own), 0] + 128) / 64 * FS).tolist() == pytest.approx(np.diff(own), abs=1.1)
    assert (given["weights"][0, : len(own)] + 128 == round(200 / len(own))).all()


@pytest.mark.parametrize("block", [1, 7, 500])
def test_what_is_said_does_not_depend_on_how_the_samples_come(block):
    counts = draw_counts(PEAKS, HEIGHTS, 12 * 250, 250)
    counts[900:940] = MISSING

    def describe(events):
        return [
            (event.sample, event.label, event.quality, event.outputs.tolist()) for each in events[:2] for event in each
        ]

    whole = describe(run(counts, PEAKS, 250))
    assert whole == describe(run(counts, PEAKS, 250, block)) and len(whole) == len(PEAKS) + 1


def test_a_beat_with_a_gap_says_so_and_the_beats_after_it_do_not_know_its_label():
    counts = draw_counts(PEAKS, HEIGHTS, 12 * FS)
    counts[440:446] = MISSING  # in the fifth window
    beats, rhythms, _, classifier = run(counts, PEAKS)
    assert [n for n, beat in enumerate(beats) if beat.quality] == [4] and beats[4].quality == ("missing",)
    assert classifier.given[5]["labels"][0].any(axis=1).tolist() == [True] * 4 + [False]
    assert rhythms[0].quality == ("missing",)


def test_a_lead_that_is_off_has_no_rhythm():
    beats, rhythms, network, _ = run(np.zeros((20 * FS, 1), np.int16), None)
    assert not beats and not network.given
    assert [(each.label, each.quality) for each in rhythms] == [(None, ("flat", NO_BEATS))] * 2


def test_an_interval_over_three_seconds_counts_as_three_seconds():
    peaks = [100, 200, 200 + 4 * FS]
    *_, classifier = run(draw_counts(peaks, [1] * 3, 8 * FS), peaks)
    assert (classifier.given[2]["rr"][0] + 128).tolist() == [0, 0, 0, 50, 3 * 64]


def test_a_classifier_that_learnt_without_labels_gets_none():
    classifier = make_classifier(task=TaskMetadata("beats", {"labels": "none"}))
    run(draw_counts(PEAKS, HEIGHTS, 12 * FS), PEAKS, classifier=classifier)
    assert not any(given["labels"].any() for given in classifier.given)


def test_a_classifier_of_beats_relative_to_the_patients_own_gets_the_interval_after_and_the_distance():
    beats, (first, *_), _, classifier = run(
        draw_counts(PEAKS, HEIGHTS, 18 * FS), PEAKS, classifier=make_classifier(relative=True)
    )
    assert "".join(beat.label for beat in beats) == "NNVNNVNNNNVNNN" and first.beats == sum(p < 10 * FS for p in PEAKS)
    intervals = np.diff(PEAKS)
    after = intervals[6] / np.mean(intervals[:7])  # the seventh beat's
    assert (classifier.given[6]["own"][0, 0] + 128) / 64 == pytest.approx(np.mean(intervals[:7]) / FS, abs=1 / 64)
    assert (classifier.given[6]["rr"][0, -1] + 128) / 64 == pytest.approx(after, abs=1 / 64)
    last = 2 * FS / np.mean([*intervals, 2 * FS])  # no beat follows within two seconds
    assert (classifier.given[-1]["rr"][0, -1] + 128) / 64 == pytest.approx(last, abs=1 / 64)
    said = [round(beat.sample / 128 * FS) - beat.peak for beat in beats]
    assert 256 + 43 <= said[-1] <= 256 + 43 + 40 and max(said[:-1]) <= 64 + max(intervals)
    far = [int(given["own"][0, 1]) for given in classifier.given]
    assert far[0] == -128 and all(far[n] > max(far[m] for m in (1, 3, 4, 6)) for n in (2, 5, 10))


def test_the_detector_of_a_device_finds_the_same_beats():
    peaks = list(range(60, 30 * FS, 100))
    counts = draw_counts(peaks, [1] * len(peaks), 30 * FS)
    beats, rhythms, *_ = run(counts, None)
    assert [beat.peak for beat in beats] == peaks[: len(beats)] and len(beats) >= len(peaks) - 1
    assert len(rhythms) == 4


@pytest.mark.parametrize(
    ("rhythm", "classifier", "message"),
    [
        ({"embedder": None}, {}, "takes no features of beats"),
        ({}, {"digest": "b" * 64}, "is not the beat classifier of"),
        ({}, {"relative": True, "task": TaskMetadata("beats")}, "is not the beat classifier of"),
        ({}, {"fs": 250.0}, "other rates, leads or filters"),
        ({"preprocessing": ({"step": "fill_gaps"},)}, {"preprocessing": ({"step": "fill_gaps"},)}, "mode=causal"),
    ],
)
def test_files_that_no_device_can_join_are_refused(rhythm, classifier, message):
    with pytest.raises(InputError, match=message):
        BeatPath(make_rhythm(**rhythm), make_classifier(**classifier), Sensor(128.0, (GAIN,)))
