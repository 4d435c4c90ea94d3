"""The temperature is the one that the labels were drawn with; calibration error, Brier score and risk as defined."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from ecg_edge.tasks.calibrated_probabilities import calibration_error, fit_temperature, tabulate_risk
from firmware_bench.runtime.temperature import apply_temperature


def draw(temperature, exclusive, n=20_000, classes=4):
    """Outputs of an overconfident model, and labels by the probabilities of which it is too sure."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 1, (n, classes))
    if exclusive:
        true, said = (np.exp(z) / np.exp(z).sum(axis=1, keepdims=True) for z in (logits, temperature * logits))
        present = true.cumsum(axis=1) > random.random((n, 1))
        return said, np.arange(classes) == present.argmax(axis=1)[:, None]
    true, said = (1 / (1 + np.exp(-z)) for z in (logits, temperature * logits))
    return said, random.random((n, classes)) < true


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("temperature", [0.7, 1.0, 1.8])
def test_the_temperature_is_found_and_the_error_vanishes(temperature, exclusive):
    said, truth = draw(temperature, exclusive)
    assert fit_temperature(said, truth, exclusive) == pytest.approx(temperature, rel=0.05)
    calibrated = apply_temperature(said, temperature, exclusive)
    assert calibration_error(calibrated, truth, exclusive) < 0.015
    if temperature != 1:
        assert calibration_error(said, truth, exclusive) > 0.03
    assert (calibrated.argmax(axis=1) == said.argmax(axis=1)).all()
    if exclusive:
        assert calibrated.sum(axis=1) == pytest.approx(1)
    else:
        assert ((calibrated > 0.5) == (said > 0.5)).all()


def test_a_model_that_is_always_right_keeps_to_the_bounds():
    assert fit_temperature(np.array([[0.9, 0.1]]), np.array([[True, False]]), True) == pytest.approx(0.5, rel=1e-3)
    assert fit_temperature(np.array([[0.9, 0.1]]), np.array([[False, True]]), True) == pytest.approx(10, rel=1e-3)


def test_the_calibration_error_of_a_few_units():
    """Two units at 0.9 of which one is right, and one at 0.6 that is right: (2 · 0.4 + 1 · 0.4) / 3."""
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6]])
    truth = np.array([[True, False], [False, True], [False, True]])
    assert calibration_error(probabilities, truth, True) == pytest.approx(0.4)
    assert calibration_error(probabilities[:, :1], truth[:, :1], False) == pytest.approx((0.8 + 0.4) / 3)


def test_nobody_is_dropped_who_is_unsure():
    probabilities = np.array([[0.95, 0.05], [0.85, 0.15], [0.45, 0.55], [0.6, 0.4]])
    truth = np.array([[True, False], [False, True], [False, True], [True, False]])
    rows = {row["unsure_below"]: (row["coverage"], row["risk"]) for row in tabulate_risk(probabilities, truth)}
    assert rows[0.0] == (1.0, 0.25) and rows[0.6] == (0.75, 0.3333) and rows[0.9] == (0.25, 0.0)
    assert rows[0.99] == (0.0, None)


def test_the_brier_score_of_two_classes_is_twice_that_of_scikit_learn(rhythm_of_two):
    figures, probabilities, truth = rhythm_of_two
    assert figures["before"]["brier_score"] == pytest.approx(2 * brier_score_loss(truth, probabilities), abs=1e-4)


@pytest.fixture
def rhythm_of_two():
    from types import SimpleNamespace

    from ecg_edge.tasks.calibrated_probabilities import measure_calibration
    from ecg_edge.tasks.rhythm import RhythmTask

    random = np.random.default_rng(1)
    present, truth = random.random(50), random.random(50) < 0.5
    summaries = np.stack([1 - present, present], axis=1)
    examples = SimpleNamespace(records=np.arange(50), targets=truth.astype(int), entries=[None] * 50)
    figures = measure_calibration(RhythmTask(("N", "A")), summaries, examples)["calibration"]  # pyright: ignore
    return figures, present, truth
