"""Preprocessing steps: effect, limits, errors; each lead by itself."""

import numpy as np
import pytest

from ecg_edge.signals.preprocessing import STEPS, Preprocessing, find_flat_leads
from firmware_bench.runtime.errors import InputError

FS = 500.0
TIME = np.arange(5000) / FS


def tone(frequency, fs=FS, samples=5000):
    return np.sin(2 * np.pi * frequency * np.arange(samples) / fs)[:, None].astype(np.float32)


def power(signal, frequency, fs=FS):
    """Amplitude of one frequency in the middle of the signal, clear of the ends."""
    middle = signal[len(signal) // 4 : -len(signal) // 4, 0]
    wave = np.exp(-2j * np.pi * frequency * np.arange(len(middle)) / fs)
    return 2 * abs(np.mean(middle * wave))


def apply(signal, *steps, fs=FS):
    return Preprocessing(steps)(signal, fs)


def test_highpass_removes_baseline_wander_and_keeps_the_beat():
    filtered, _ = apply(tone(0.1) + tone(10), {"step": "highpass", "cutoff": 0.5})
    assert power(filtered, 10) == pytest.approx(1, abs=0.01)
    assert np.abs(filtered - tone(10))[1000:-1000].max() < 0.1


def test_filters_do_not_shift_in_time():
    pulse = np.exp(-0.5 * ((TIME - 5) / 0.02) ** 2)[:, None]
    for step in (
        {"step": "highpass", "cutoff": 0.5},
        {"step": "lowpass", "cutoff": 40},
        {"step": "bandpass", "low": 0.5, "high": 40},
        {"step": "notch", "frequency": 50},
    ):
        filtered, _ = apply(pulse, step)
        assert abs(int(filtered.argmax()) - int(pulse.argmax())) <= 1, step


def test_bandpass_and_notch_remove_their_bands():
    both = tone(10) + tone(50) + tone(100)
    banded, _ = apply(both, {"step": "bandpass", "low": 0.5, "high": 40})
    assert power(banded, 10) == pytest.approx(1, abs=0.02)
    assert power(banded, 100) < 0.01
    notched, _ = apply(both, {"step": "notch", "frequency": 50})
    assert power(notched, 50) < 0.02
    assert power(notched, 100) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("fs", [100.0, 250.0, 300.0, 360.0, 1000.0])
def test_resampling_keeps_a_tone_and_the_duration(fs):
    samples = round(10 * fs)
    resampled, rate = apply(tone(7, fs, samples), {"step": "resample", "fs": 250.0}, fs=fs)
    assert rate == 250.0
    assert len(resampled) == 2500
    assert power(resampled, 7, 250.0) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("source", "target"), [(127.95, 128.0), (128.0, 127.95), (249.89, 250.0), (127.999, 128.0), (360.0, 250.0)]
)
def test_times_are_true_to_a_sample_after_ten_minutes(source, target):
    beats = np.arange(0.5, 600, 1.037)
    time = np.arange(round(600 * source)) / source
    nearest = beats[np.minimum(np.round((time - 0.5) / 1.037).astype(int), len(beats) - 1)]
    pulses = np.exp(-0.5 * ((time - nearest) / 0.02) ** 2)[:, None]
    resampled, rate = apply(pulses, {"step": "resample", "fs": target}, fs=source)
    windows = np.round(beats[:-1] * target).astype(int)[:, None] + np.arange(-20, 21)
    found = windows[np.arange(len(windows)), resampled[np.maximum(windows, 0), 0].argmax(axis=1)]
    assert rate == target
    assert np.abs(found - beats[:-1] * target).max() < 1


@pytest.mark.parametrize("fs", [1e9, 1e-3, 0.0, -250.0, float("nan"), float("inf")])
def test_impossible_rates_are_refused(fs):
    with pytest.raises(InputError, match="is not possible|not a number above 0"):
        apply(tone(7), {"step": "resample", "fs": fs})
    with pytest.raises(InputError, match="is not possible|not a number above 0"):
        apply(tone(7), {"step": "resample", "fs": 250.0}, fs=fs)


def test_a_signal_without_leads_keeps_its_length():
    prepared, _ = apply(np.zeros((3000, 0)), {"step": "fill_gaps"}, {"step": "resample", "fs": 250.0}, fs=300.0)
    assert prepared.shape == (2500, 0)


def test_resampling_does_not_ring_at_the_ends_of_an_offset_signal():
    resampled, _ = apply(np.full((3000, 1), 5.0), {"step": "resample", "fs": 250.0}, fs=300.0)
    np.testing.assert_allclose(resampled, 5.0, atol=0.01)


def test_a_rate_far_below_the_model_s_is_refused():
    with pytest.raises(InputError, match="sampled at 50 Hz, too low"):
        apply(tone(1, 50.0, 500), {"step": "resample", "fs": 250.0}, fs=50.0)


def test_a_filter_above_half_the_rate_is_refused():
    with pytest.raises(InputError, match="above 300 Hz"):
        apply(tone(1, 250.0), {"step": "lowpass", "cutoff": 150}, fs=250.0)
    with pytest.raises(InputError, match="above 100 Hz"):
        apply(tone(1, 100.0), {"step": "notch", "frequency": 50}, fs=100.0)


def test_zscore_by_lead_and_a_flat_lead_becomes_zeros():
    signal = np.hstack([3 * tone(5) + 7, np.full((5000, 1), 2.5, np.float32)])
    scaled, _ = apply(signal, {"step": "zscore"})
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=0), [1, 0], atol=1e-4)


def test_gaps_are_interpolated_per_lead():
    signal = np.hstack([tone(1), tone(2)])
    signal[100:104, 0] = np.nan
    signal[:3, 1] = np.nan
    filled, _ = apply(signal, {"step": "fill_gaps"})
    expected = np.interp(np.arange(100, 104), [99, 104], signal[[99, 104], 0])
    np.testing.assert_allclose(filled[100:104, 0], expected, rtol=1e-6)
    np.testing.assert_array_equal(filled[:3, 1], filled[3, 1])
    assert np.isnan(signal[100, 0]), "the caller's signal stays as it was"
    empty, _ = apply(np.full((10, 1), np.nan), {"step": "fill_gaps"})
    np.testing.assert_array_equal(empty, 0)


def test_signals_shorter_than_a_filter_s_padding_are_filtered():
    for step in (
        {"step": "highpass", "cutoff": 0.5},
        {"step": "bandpass", "low": 0.5, "high": 40},
        {"step": "notch", "frequency": 50},
    ):
        assert apply(np.ones((4, 1)), step)[0].shape == (4, 1)


def test_flat_leads():
    signal = np.stack([np.arange(5.0), np.ones(5), np.full(5, np.nan), [np.nan, 1, 1, 1, np.nan]], axis=1)
    assert find_flat_leads(signal).tolist() == [False, True, True, True]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"step": "higpass"}, "did you mean highpass"),
        ({"step": "highpass"}, "needs cutoff"),
        ({"step": "highpass", "cutof": 1, "cutoff": 1}, "did you mean cutoff"),
    ],
)
def test_wrong_parameters_are_refused(step, message):
    with pytest.raises(InputError, match=message):
        Preprocessing([step])


def test_every_step_is_deterministic_and_returns_float32():
    parameters = {
        "resample": {"fs": 250.0},
        "highpass": {"cutoff": 0.5},
        "lowpass": {"cutoff": 40},
        "bandpass": {"low": 0.5, "high": 40},
        "notch": {"frequency": 50},
        "resample_causal": {"fs": 250.0},
        "filter_causal": {"kind": "lowpass", "hz": 60.0, "sections": [[0.25, 0.5, 0.25, 1.0, 0.0, 0.0]]},
        "scale_running": {"memory_s": 10.0},
    }
    for name in STEPS:
        step = {"step": name, **parameters.get(name, {})}
        first, second = apply(tone(5), step)[0], apply(tone(5), step)[0]
        assert first.dtype == np.float32
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("seed", range(20))
def test_gaps_are_filled_by_a_line_between_the_samples_beside_them(seed):
    random = np.random.default_rng(seed)
    signal = random.normal(size=(300, 3)).astype(np.float32)
    for lead in signal.T:
        for start in random.integers(-20, 300, size=seed):
            lead[max(0, start) : start + random.integers(1, 40)] = np.nan
    filled, _ = Preprocessing([{"step": "fill_gaps"}])(signal, 100.0)
    time = np.arange(len(signal))
    for lead, found in zip(signal.T, filled.T, strict=True):
        known = np.isfinite(lead)
        expected = np.interp(time, time[known], lead[known]) if known.any() else 0 * time
        np.testing.assert_array_equal(found, expected.astype(np.float32))
