"""The QRS detector: where and when it reports R peaks, and what it makes of signals that hold none."""

import numpy as np
import pytest

from firmware_bench.front_end.integer_front_end import IntegerFrontEnd
from firmware_bench.front_end.plan import MISSING
from firmware_bench.front_end.qrs_detector import LONGEST_AGE, QrsDetector, plan_detector, to_counts

LATEST = 43  # samples by which an R peak is reported that no search back had to find


def draw_ecg(r_peaks, length, millivolts=1.0, t_wave=0.3):
    """Triangles of 80 ms as complexes and of 200 ms, 280 ms after them, as T waves, int16."""
    time, signal = np.arange(length), np.zeros(length)
    for peak in r_peaks:
        signal += np.clip(1 - np.abs(time - peak) / 5, 0, None)
        signal += t_wave * np.clip(1 - np.abs(time - peak - 36) / 13, 0, None)
    return np.round(1024 * millivolts * signal).astype(np.int16)


def find_ages(samples):
    detector = QrsDetector()
    return np.array([detector.push(sample) for sample in samples.tolist()])


@pytest.mark.parametrize("interval", [38, 64, 110, 190])
@pytest.mark.parametrize("millivolts", [0.15, 1.0, -5.0])
def test_every_r_peak_is_found_at_its_sample(interval, millivolts):
    r_peaks = np.arange(60, 4000, interval)
    t_wave = 0.3 if interval > 60 else 0.0
    found = QrsDetector().detect(draw_ecg(r_peaks, 4200, millivolts, t_wave))
    assert found.tolist() == r_peaks.tolist()


def test_an_r_peak_is_reported_within_a_third_of_a_second():
    ages = find_ages(draw_ecg(range(60, 4000, 100), 4000))
    assert ages[300:][ages[300:] > 0].min() >= 25 and ages[300:].max() <= LATEST
    assert ages.max() <= LONGEST_AGE


def test_a_small_beat_is_found_by_the_search_back():
    r_peaks = np.arange(60, 4000, 100)
    samples = draw_ecg(r_peaks[r_peaks != 2060], 4000) + draw_ecg([2060], 4000, 0.3)
    ages = find_ages(samples)
    assert (np.flatnonzero(ages) - ages[ages > 0]).tolist() == r_peaks[: np.count_nonzero(ages)].tolist()
    assert LATEST < ages[2100:2300].max() <= LONGEST_AGE


def test_a_tall_t_wave_is_none():
    r_peaks = np.arange(60, 4000, 120)
    assert QrsDetector().detect(draw_ecg(r_peaks, 4000, t_wave=1.0)).tolist() == r_peaks.tolist()


def test_a_pause_holds_no_beat():
    r_peaks = np.array([*range(60, 2000, 100), *range(2560, 4000, 100)])
    assert QrsDetector().detect(draw_ecg(r_peaks, 4100)).tolist() == r_peaks.tolist()


@pytest.mark.parametrize(
    "samples",
    [np.zeros(5000), np.full(5000, -32768), np.random.default_rng(0).integers(-20, 21, 5000)],
    ids=["flat", "lowest", "noise of 20 µV"],
)
def test_a_signal_without_complexes_has_no_r_peak(samples):
    assert not find_ages(samples.astype(np.int16)).any()


@pytest.mark.parametrize("gap", [1000, 6000])
def test_beats_are_found_again_after_a_lead_was_off(gap):
    r_peaks = np.arange(60, 3000, 100)
    signal = draw_ecg(r_peaks, 3000)
    found = QrsDetector().detect(np.concatenate([signal, np.full(gap, signal[-1]), signal]))
    assert set(r_peaks + 3000 + gap) - set(found) <= set(r_peaks[:1] + 3000 + gap)


def test_beats_are_found_again_after_an_artefact():
    r_peaks = np.arange(60, 5000, 100)
    signal = draw_ecg(r_peaks, 5000)
    signal[2000:2300] = np.random.default_rng(0).integers(-32768, 32768, 300)
    found = QrsDetector().detect(signal)
    assert set(r_peaks[r_peaks > 2300 + 10 * 128]) <= set(found)


def test_a_detector_may_be_fed_in_parts():
    samples = draw_ecg(range(60, 2000, 90), 2000)
    detector = QrsDetector()
    parts = [detector.detect(part) for part in np.array_split(samples, 7)]
    assert np.concatenate(parts).tolist() == QrsDetector().detect(samples).tolist()


def test_counts_of_a_sensor_become_those_of_the_detector():
    counts = np.full((1000, 1), 300, np.int16)
    counts[500:520] = MISSING
    values = IntegerFrontEnd(plan_detector(360.0, 200.0, baseline=100)).push(counts)
    assert set(to_counts(values).ravel()) == {1024}
    assert to_counts(np.array([-(1 << 29), 1 << 29])).tolist() == [-32767, 32767]
