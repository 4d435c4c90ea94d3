"""Factors and tables that are computed when a program is generated."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from handmade_tflite import TFLiteBuilder

from export.c99.fixed_point import (
    long_softmax_exponentials,
    mean_multiplier,
    quantize_multiplier,
    reciprocal_points,
    shift_right,
    single_rounding_multiplier,
    softmax_exponentials,
)
from export.c99.reference_kernels import run_reference_kernels


@pytest.mark.parametrize("factor", [1.0, 0.5, 0.3, 3e-4, 7.7, 1 - 2.0**-40])
def test_a_factor_is_31_bits_and_a_shift(factor):
    multiplier, shift = quantize_multiplier(factor)
    assert 2**30 <= multiplier < 2**31
    assert multiplier * 2.0 ** (shift - 31) == pytest.approx(factor, rel=2.0**-31)


def test_a_factor_below_two_to_minus_32_is_zero():
    assert quantize_multiplier(0.0) == quantize_multiplier(2.0**-40) == (0, 0)


def test_halves_are_rounded_away_from_zero():
    assert [shift_right(x, 2) for x in (-6, -5, -2, -1, 1, 2, 5, 6)] == [-2, -1, -1, 0, 0, 1, 1, 2]


def test_a_mean_is_a_factor_divided_by_the_count():
    multiplier, shift = mean_multiplier(0.7, 118)
    assert multiplier * 2.0 ** (shift - 31) == pytest.approx(0.7 / 118, rel=1e-8)


@pytest.mark.parametrize("factor", [3.1e-3, 0.25, 1.7e-4])
def test_rounding_once_is_rounding_in_double_precision(factor):
    multiplier, shift = single_rounding_multiplier(factor, -128, 127)
    x = np.arange(-int(127 / factor), int(127 / factor))
    found = (np.abs(x) * multiplier + (1 << (shift - 1))) >> shift
    expected = np.floor(np.abs(x * factor) + 0.5)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("scale", [0.002, 0.05, 0.4])
def test_exponentials(scale):
    values = softmax_exponentials(scale)
    expected = np.exp(-scale * np.arange(len(values)))
    assert np.abs(values / 2**31 - expected).max() < 2e-6
    assert len(values) == 256 or np.exp(-scale * len(values)) < 1e-10


def test_int16_softmax_of_every_difference():
    """Of two values, all 65,536: every point of the table of exp between -10 and 0, and of that of 1 / (1 + x)."""
    file, differences = TFLiteBuilder(), np.arange(2**16)
    x = file.tensor((1, 2**16, 2), np.int16, 10 / 65535)
    y = file.tensor((1, 2**16, 2), np.int16, 2.0**-15)
    data = file.data([x], [file.operator("SOFTMAX", 3, [x], y, schema.SoftmaxOptionsT(beta=1.0))])
    values = np.stack([np.full(2**16, 2**15 - 1), 2**15 - 1 - differences], 1).astype(np.int16)[None]
    (expected,) = run_reference_kernels(data, [values])
    terms = long_softmax_exponentials(float(np.float32(10 / 65535)), np.stack([0 * differences, differences], 1))
    total = terms.sum(1)
    bits = np.where(total < 2**15, 15, 16)
    x = np.clip(((total << 31 - bits) + 2**13 >> 14) - 2**16, 0, 2**16 - 1)
    points = reciprocal_points()
    scale = points[x >> 7] + ((points[(x >> 7) + 1] - points[x >> 7]) * (x & 127) + 64 >> 7)
    shift = (bits - 1)[:, None]
    np.testing.assert_array_equal(terms * scale[:, None] + (1 << shift - 1) >> shift, expected[0])
