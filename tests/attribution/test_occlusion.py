"""Occlusion finds what a model looks at, and nothing else."""

import numpy as np
import pytest

from ecg_edge.attribution.occlusion import occlude_beats, occlude_windows


def look_at(first, stop, lead):
    """A model whose first class is how rough one part of one lead is; the second is the rest."""

    def predict(inputs):
        seen = np.abs(np.diff(inputs["ecg"][:, first:stop, lead], axis=1)).mean(axis=1)
        return np.stack([seen, 1 - seen], axis=1)

    return predict


@pytest.mark.parametrize("samples", [1000, 20_000])
def test_only_the_part_that_the_model_sees_counts(samples):
    ecg = np.random.default_rng(0).normal(0, 0.3, (2, samples, 2)).astype(np.float32)
    first, stop = samples // 2, samples // 2 + samples // 50
    before = ecg.copy()
    found = occlude_windows(look_at(first, stop, 1), {"ecg": ecg}, np.array([0, 1]), fs=100.0)
    np.testing.assert_array_equal(ecg, before)
    assert found.shape == ecg.shape
    np.testing.assert_allclose(found[:, :, 0], 0, atol=1e-6)
    reach = samples // 40
    np.testing.assert_allclose(found[:, : first - reach], 0, atol=1e-6)
    np.testing.assert_allclose(found[:, stop + reach :], 0, atol=1e-6)
    assert (found[0, first:stop, 1] > 0.01).all() and (found[1, first:stop, 1] < -0.01).all()


def test_what_two_leads_say_together_is_shared_between_them():
    """A model that needs one of two equal leads: without either alone nothing falls, without both everything."""
    ecg = np.tile(np.random.default_rng(0).normal(0, 1, (1, 300, 1)), (1, 1, 2)).astype(np.float32)
    each = [look_at(100, 140, lead) for lead in (0, 1)]

    def predict(inputs):
        return np.maximum(each[0](inputs), each[1](inputs)) * [1, 0]

    found = occlude_windows(predict, {"ecg": ecg}, np.array([0]), fs=100.0)[0]
    np.testing.assert_allclose(found[:, 0], found[:, 1], atol=1e-6)
    assert (found[105:135] > 0.1).all() and np.abs(found[:80]).max() < 1e-6


def test_a_straight_line_has_nothing_to_take_away():
    ecg = np.linspace(0, 5, 300, dtype=np.float32)[None, :, None]
    found = occlude_windows(look_at(0, 300, 0), {"ecg": ecg}, np.array([0]), fs=100.0)
    np.testing.assert_allclose(found, 0, atol=1e-5)


def test_each_beat_is_left_out_of_the_mean():
    values = np.array([[[1.0], [4.0], [1.0], [9.0]], [[3.0], [9.0], [9.0], [9.0]]], np.float32)
    weights = np.array([[1 / 3, 1 / 3, 1 / 3, 0], [1, 0, 0, 0]], np.float32)

    def predict(inputs):
        mean = (inputs["rr"][:, :, 0] * inputs["weights"]).sum(axis=1) / inputs["weights"].sum(axis=1)
        return np.stack([mean, -mean], axis=1)

    found = occlude_beats(predict, {"rr": values, "weights": weights}, np.array([0, 0]))
    np.testing.assert_allclose(found, [[2 - 2.5, 2 - 1, 2 - 2.5, 0], [0, 0, 0, 0]], atol=1e-6)
