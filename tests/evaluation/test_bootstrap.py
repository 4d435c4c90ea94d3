"""Intervals against what is known of them."""

import numpy as np
import pytest

from ecg_edge.evaluation.bootstrap import bootstrap_intervals


def mean_of(values):
    return lambda rows: np.array([values[rows].mean()])


def test_interval_of_a_mean_is_the_known_one():
    values = np.random.default_rng(0).normal(size=400)
    low, high = bootstrap_intervals(mean_of(values), np.arange(400))[0]
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_the_interval_contains_the_value_and_narrows_with_patients():
    values = np.random.default_rng(0).normal(size=400)
    widths = []
    for count in (50, 400):
        low, high = bootstrap_intervals(mean_of(values[:count]), np.arange(count))[0]
        assert low < values[:count].mean() < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_all_recordings_of_a_patient_are_drawn_together():
    """Ten recordings of each of 20 patients who agree with themselves: as wide as 20 recordings, not as 200."""
    patients = np.repeat(np.arange(20), 10)
    values = np.repeat(np.random.default_rng(0).integers(0, 2, 20), 10)

    def width(of):
        low, high = bootstrap_intervals(mean_of(values), of)[0]
        return high - low

    assert width(patients) > 2.5 * width(np.arange(200))


def test_undefined_resamples_are_left_out():
    def statistic(rows):
        return np.array([np.nan if 0 in rows else 1.0, np.nan])

    found = bootstrap_intervals(statistic, ["a", "b", "c"], resamples=100)
    np.testing.assert_array_equal(found, [[1, 1], [np.nan, np.nan]])


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(0).normal(size=30)
    first, second, other = (bootstrap_intervals(mean_of(values), np.arange(30), 200, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()
