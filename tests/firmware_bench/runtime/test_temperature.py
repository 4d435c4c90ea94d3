"""The integers of calibrated probabilities are the real ones to the step of the table."""

import numpy as np
import pytest

from firmware_bench.runtime.metadata import ModelMetadata, Tensor
from firmware_bench.runtime.quantisation import dequantise, quantise
from firmware_bench.runtime.temperature import ONE, apply_temperature, tabulate_probabilities

OUTPUTS = [Tensor("probabilities", (1, 3), "int8", 1 / 256, -128), Tensor("p", (1, 3), "int16", 1 / 32768, 0)]


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5, 10.0])
@pytest.mark.parametrize("output", OUTPUTS, ids=["int8", "int16"])
def test_integers_follow_the_real_probabilities(output, temperature, exclusive):
    table = tabulate_probabilities(output, temperature, exclusive)
    for p in np.random.default_rng(0).dirichlet([0.5, 0.5, 0.5], 200):
        integers = quantise(p, output.scale, output.zero_point, output.dtype)
        # an index stands for 1/256, of int16 for the middle of 128 integers
        index = np.minimum(np.maximum(integers.astype(int) - output.zero_point, 0) >> table.shift, 255)
        middle = output.zero_point + (index << table.shift) + ((1 << table.shift) - 1) / 2
        real = apply_temperature(dequantise(middle, output.scale, output.zero_point), temperature, exclusive)
        assert table.look_up(integers) / ONE == pytest.approx(real, abs=2e-3)


def test_probabilities_of_one_class_sum_to_one_and_keep_their_order():
    table = tabulate_probabilities(OUTPUTS[0], 3.0, True)
    found = table.look_up(np.array([100, -128, -100], np.int8))
    assert abs(int(found.sum()) - ONE) <= 1 and found[0] > found[2] > found[1] > 0


@pytest.mark.parametrize("value", [0, 0.4, 11, "2", True, None, float("nan"), [1.0]])
def test_a_temperature_out_of_range_is_refused(value):
    with pytest.raises(ValueError, match="temperature"):
        ModelMetadata(decision={"temperature": value})
