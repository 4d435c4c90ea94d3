"""Causal preprocessing: no look ahead, and the same as a device computes in integers."""

import numpy as np
import pytest

from ecg_edge.signals.preprocessing import STEPS, Preprocessing
from ecg_edge.tasks import TASKS
from ecg_edge.training.config import SignalConfig, resolve
from firmware_bench.front_end.integer_front_end import IntegerFrontEnd, scale_window
from firmware_bench.front_end.plan import plan_front_end
from firmware_bench.runtime.errors import InputError
from models_keras.registry import find

ALL = {"notch_hz": 50.0, "lowpass_hz": 40.0, "normalise": "running"}


def causal(**settings):
    return SignalConfig(mode="causal", **settings).steps()


def apply_in_float64(steps, signal, fs):
    for step in steps:
        signal, fs = STEPS[step["step"]](signal, fs, **{key: value for key, value in step.items() if key != "step"})
    return signal


def ecg(seconds=20, fs=360, seed=0):
    random, time = np.random.default_rng(seed), np.arange(int(seconds * fs)) / fs
    return (np.sin(2 * np.pi * 1.2 * time) ** 63 + 0.02 * random.normal(size=len(time)))[:, None]


RECORDS = ["mitdb/100", "mitdb/208", "nstdb/118e06", "svdb/800", "cinc2017/A00001", "cinc2017/A00004", "ptbxl", "afpdb"]


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("settings", [{}, ALL, {"fs": 100.0, "lowpass_hz": 30.0}, {"fs": 128.0, "filter_order": 4}])
def test_integers_agree_with_float64_to_60_db_on_real_records(real_data, name, settings):
    import wfdb

    database, _, record = name.partition("/")
    path = real_data(database) / record if record else sorted(real_data(database).rglob("*.hea"))[0].with_suffix("")
    found = wfdb.rdrecord(str(path), physical=False, sampto=min(20_000, wfdb.rdheader(str(path)).sig_len))
    steps = causal(**settings)
    counts, gains, baselines = found.d_signal.astype(np.int16), found.adc_gain, found.baseline
    expected = apply_in_float64(steps, (counts - np.array(baselines, float)) / gains, found.fs)
    plan = plan_front_end(steps, settings.get("fs", 250.0), found.fs, gains, baselines)
    values = IntegerFrontEnd(plan).push(counts) / 2**20
    expected = expected[: len(values)]
    noise = np.square(values - expected).mean(axis=0)
    decibels = 10 * np.log10(np.square(expected).mean(axis=0) / np.maximum(noise, 1e-30))
    assert len(values) >= 900 and decibels.min() >= 60, decibels


@pytest.mark.parametrize("scale", [0.1, 1.0, 100.0])  # mV
def test_integers_scale_a_window_as_floats_do(scale):
    signal = scale * (np.concatenate([ecg(), ecg(seed=1)], axis=1) + np.array([5.0, -0.2]))
    expected = STEPS["zscore"](signal, 360.0)[0]
    values = scale_window(np.round(signal * 2**20).astype(np.int64)) / 2**20
    assert 10 * np.log10(np.square(expected).mean() / np.square(values - expected).mean()) >= 60
    assert not scale_window(np.full((100, 2), 12345)).any()


def test_no_step_looks_further_ahead_than_the_delay_of_resampling():
    signal, steps, delay = ecg(), causal(**ALL), 15  # 15 samples of 360 Hz are ten of 250 Hz
    whole, fs = Preprocessing(steps)(signal, 360)
    for moment in (1000, 2345, 5000):
        changed = signal.copy()
        changed[moment + delay + 1 :] += 5.0
        prepared, _ = Preprocessing(steps)(changed, 360)
        known = int(moment * fs / 360)
        assert np.array_equal(prepared[:known], whole[:known]) and not np.array_equal(prepared, whole)
    offline = SignalConfig(highpass_hz=0.5).steps()
    changed = signal.copy()
    changed[5000:] += 5.0
    assert not np.array_equal(
        Preprocessing(offline)(changed, 360)[0][:900], Preprocessing(offline)(signal, 360)[0][:900]
    )


@pytest.mark.parametrize("source_fs", [100.0, 128.0, 257.0, 300.0, 500.0, 1000.0])
def test_resampling_keeps_moments_and_the_band(source_fs):
    time = np.arange(int(20 * source_fs)) / source_fs
    signal = np.sin(2 * np.pi * 7 * time)[:, None]
    resampled, fs = STEPS["resample_causal"](signal, source_fs, fs=250.0)
    expected = np.sin(2 * np.pi * 7 * np.arange(len(resampled)) / 250.0)
    middle = slice(100, -100)
    assert fs == 250 and abs(len(resampled) - 20 * 250) <= 1
    assert np.abs(resampled[middle, 0] - expected[middle]).max() < 0.01
    constant, _ = STEPS["resample_causal"](np.full((999, 2), 3.5), source_fs, fs=250.0)
    assert np.allclose(constant, 3.5)


@pytest.mark.parametrize(
    "kind, low, high", [("highpass_hz", 0.05, 5.0), ("lowpass_hz", 100.0, 2.0), ("notch_hz", 40.0, 5.0)]
)
def test_filters_remove_their_band_and_keep_the_rest(kind, low, high):
    steps = [
        step for step in causal(**{"highpass_hz": None, kind: 40.0 if kind != "highpass_hz" else 0.5}) if "kind" in step
    ]
    time = np.arange(250 * 120) / 250.0

    def gain(frequency):
        filtered = apply_in_float64(steps, np.sin(2 * np.pi * frequency * time)[:, None], 250.0)[-250 * 40 :]
        return filtered.std() * np.sqrt(2)

    assert gain(low) < 0.2 and gain(high) == pytest.approx(1, abs=0.03)


def test_gaps_hold_the_last_sample_and_are_zero_before_the_first():
    signal = np.array([[np.nan, 1], [2, np.nan], [np.nan, np.nan], [3, 4]])
    assert STEPS["hold_gaps"](signal, 250)[0].tolist() == [[0, 1], [2, 1], [2, 1], [3, 4]]


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"normalise": "record"}, "whole recording"),
        ({"normalise": "running", "highpass_hz": "none"}, "high-pass"),
        ({"mode": "offline", "normalise": "running"}, "signal.mode=causal"),
    ],
)
def test_settings_that_contradict_causal_preprocessing_are_refused(settings, words):
    assignments = [f"signal.{key}={value}" for key, value in {"mode": "causal", **settings}.items()]
    architecture = find("cnn")
    with pytest.raises(InputError, match=words):
        resolve(architecture, TASKS[architecture.task].Options, "tiny", "demo", None, 0, assignments)


@pytest.mark.parametrize(
    "sections", [[], [[1, 0, 0, 1, 0]], [[1, 0, 0, 1, -2, 1]], [["x"] * 6], [7], "abc", [[float("nan")] * 6]]
)
def test_sections_that_are_no_stable_filter_are_refused(sections):
    step = {"step": "filter_causal", "kind": "highpass", "hz": 0.5, "sections": sections}
    with pytest.raises(InputError, match="filter_causal"):
        Preprocessing([step])(ecg(), 250.0)
