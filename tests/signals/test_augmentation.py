"""Augmentation: what each change does to a window, that draws repeat, and what is refused."""

import dataclasses

import numpy as np
import pytest

from ecg_edge.signals.augmentation import (
    Augmentation,
    AugmentationConfig,
    load_noise,
    mix_examples,
    scale_noise,
)
from firmware_bench.runtime.errors import InputError

FS = 100.0
TIME = np.arange(1000) / FS
NOISE = [np.random.default_rng(9).normal(size=(3000, 2)).astype(np.float32)]


def windows(count=6, leads=2):
    """Windows of 10 s: tones of 1 Hz and more, a lead each."""
    tones = np.stack([np.sin(2 * np.pi * (lead + 1) * TIME) for lead in range(leads)], axis=1)
    return np.repeat(tones[None], count, axis=0).astype(np.float32)


def augment(made, seed=0, window_steps=(), **config):
    augmentation = Augmentation(AugmentationConfig(**config), NOISE, window_steps, FS)
    return augmentation.augment(made, np.random.default_rng(seed))


@pytest.mark.parametrize("config", [
    {"gain": 0.3}, {"stretch": 0.1}, {"noise": 1.0}, {"lead_drop": 0.5},
    {"gain": 0.3, "stretch": 0.1, "noise": 0.5, "lead_drop": 0.2},
])  # fmt: skip
def test_draws_repeat_with_the_seed_and_differ_between_windows(config):
    made = windows()
    before = made.copy()
    first, again, other = augment(made, 1, **config), augment(made, 1, **config), augment(made, 2, **config)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(made, before)  # the data set's own samples stay
    assert first.shape == made.shape and first.dtype == np.float32
    assert (first != other).any() and any((first[0] != window).any() for window in first[1:])


def test_without_settings_nothing_changes():
    made = windows()
    assert augment(made) is made


def test_gain_multiplies_a_window_within_its_limits():
    factors = augment(windows(200), gain=0.5).std(axis=1) / windows(1).std(axis=1)
    np.testing.assert_allclose(factors[:, 0], factors[:, 1], rtol=1e-5)
    assert np.exp(-0.5) <= factors.min() < 0.65 and 1.5 < factors.max() <= np.exp(0.5) + 1e-6


def test_stretch_changes_the_frequency_by_at_most_its_share():
    middle = augment(windows(50), stretch=0.2)[:, 250:750, 1]  # 2 Hz for 5 s: 20 changes of sign
    factors = [np.sum(np.diff(np.sign(window)) != 0) / 20 for window in middle]
    assert 0.75 <= min(factors) < 0.9 and 1.1 < max(factors) <= 1.25


@pytest.mark.parametrize("snr_db", [-3.0, 6.0, 20.0])
def test_noise_has_the_ratio_of_powers_that_is_asked_for(snr_db):
    made = windows(8)
    noise = augment(made, noise=1.0, lowest_snr_db=snr_db, highest_snr_db=snr_db) - made
    measured = 10 * np.log10(made.var(axis=1) / noise.var(axis=1))
    np.testing.assert_allclose(measured, snr_db, atol=0.05)


def test_noise_comes_to_its_share_of_the_windows_and_not_beyond_a_recording():
    made = windows(400)
    made[:, 600:] = 0
    noisy = augment(made, noise=0.25)
    changed = (noisy != made).any(axis=(1, 2))
    assert 0.15 < changed.mean() < 0.35 and not noisy[:, 600:].any()
    assert not scale_noise(NOISE[0][:10, 0], np.zeros(10), 6.0).any()
    assert not scale_noise(np.zeros(10), made[0, :10, 0], 6.0).any()


def test_leads_are_dropped_by_their_share_and_one_stays():
    dropped = augment(windows(300, leads=3), lead_drop=0.4)
    gone = ~dropped.any(axis=1)
    assert 0.3 < gone.mean() < 0.45 and gone.sum(axis=1).max() == 2
    assert (augment(windows(50, leads=3), lead_drop=1.0).any(axis=1).sum(axis=1) == 1).all()


def test_steps_of_each_window_hold_afterwards():
    changed = augment(windows(), window_steps=[{"step": "zscore"}], gain=1.0, noise=1.0)
    np.testing.assert_allclose(changed.std(axis=1), 1, atol=1e-3)
    np.testing.assert_allclose(changed.mean(axis=1), 0, atol=1e-3)


def test_mixed_examples_are_weighted_sums_of_two():
    inputs = {"ecg": windows(5) * np.arange(1, 6)[:, None, None], "rr": np.ones((5, 3), np.float32)}
    mixed, targets, weights = mix_examples(inputs, np.eye(5), np.arange(5.0), 1.0, np.random.default_rng(0))
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    assert ((targets > 0).sum(axis=1) <= 2).all() and ((targets > 0).sum(axis=1) == 2).any()
    np.testing.assert_allclose(weights, targets @ np.arange(5.0), rtol=1e-5)
    np.testing.assert_allclose(mixed["ecg"][:, 30, 0], targets @ inputs["ecg"][:, 30, 0], rtol=1e-5)
    np.testing.assert_allclose(mixed["rr"], 1, rtol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"gain": -0.1},
        {"gain": float("nan")},
        {"stretch": 0.6},
        {"noise": 1.5},
        {"lead_drop": 2.0},
        {"mixup": -1.0},
        {"lowest_snr_db": 30.0},
        {"lowest_snr_db": float("-inf")},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=f"augmentation.{next(iter(wrong))}"):
        dataclasses.replace(AugmentationConfig(), **wrong).check()


def test_noise_without_its_database_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="augmentation.noise takes its noise from nstdb"):
        load_noise([])


def test_the_noise_for_training_is_the_first_half_of_each_recording(real_data):
    real_data("nstdb")
    noise = load_noise([{"step": "resample", "fs": 120.0}])
    assert [len(each) for each in noise] == [-(-325000 // 3)] * 3 and all(each.std() > 0 for each in noise)
