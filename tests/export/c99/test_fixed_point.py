"""Factors and tables that are computed when a program is generated."""

import numpy as np
import pytest

from export.c99.fixed_point import exponentials, mean_factor, quantised, rounded_once, shift_right


@pytest.mark.parametrize("factor", [1.0, 0.5, 0.3, 3e-4, 7.7, 1 - 2.0**-40])
def test_a_factor_is_31_bits_and_a_shift(factor):
    multiplier, shift = quantised(factor)
    assert 2**30 <= multiplier < 2**31
    assert multiplier * 2.0 ** (shift - 31) == pytest.approx(factor, rel=2.0**-31)


def test_what_is_too_small_is_zero():
    assert quantised(0.0) == quantised(2.0**-40) == (0, 0)


def test_halves_are_rounded_away_from_zero():
    assert [shift_right(x, 2) for x in (-6, -5, -2, -1, 1, 2, 5, 6)] == [-2, -1, -1, 0, 0, 1, 1, 2]


def test_a_mean_is_a_factor_divided_by_the_count():
    multiplier, shift = mean_factor(0.7, 118)
    assert multiplier * 2.0 ** (shift - 31) == pytest.approx(0.7 / 118, rel=1e-8)


@pytest.mark.parametrize("factor", [3.1e-3, 0.25, 1.7e-4])
def test_rounding_once_is_rounding_in_double_precision(factor):
    multiplier, shift = rounded_once(factor, -128, 127)
    x = np.arange(-int(127 / factor), int(127 / factor))
    found = (np.abs(x) * multiplier + (1 << (shift - 1))) >> shift
    expected = np.floor(np.abs(x * factor) + 0.5)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("scale", [0.002, 0.05, 0.4])
def test_exponentials(scale):
    values = exponentials(scale)
    expected = np.exp(-scale * np.arange(len(values)))
    assert np.abs(values / 2**31 - expected).max() < 2e-6
    assert len(values) == 256 or np.exp(-scale * len(values)) < 1e-10
