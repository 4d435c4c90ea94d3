"""Affine quantisation as TensorFlow Lite defines it."""

import numpy as np
import pytest

from firmware_bench.runtime.quantisation import dequantise, quantise


def test_quantise_rounds_half_away_from_zero_and_clips():
    values = [0.5, -0.5, 1.5, -1.5, 2.4, 1e9, -1e9]
    assert quantise(values, 1.0, 0, "int8").tolist() == [1, -1, 2, -2, 2, 127, -128]
    assert quantise([0.25, -0.25], 0.5, -3, "int8").tolist() == [-2, -4]
    assert quantise([1.0], 0.0001, 0, "int16").tolist() == [10000]
    assert quantise([0.3], 0.0, 0, "float32").dtype == np.float32


@pytest.mark.parametrize("zero_point", [0, -7])
def test_dequantise_undoes_quantise(zero_point):
    integers = np.arange(-128, 128, dtype=np.int8)
    assert np.array_equal(quantise(dequantise(integers, 0.03, zero_point), 0.03, zero_point, "int8"), integers)
