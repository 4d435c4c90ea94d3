"""Activations composed of operators with 16-bit kernels are those of Keras, nearly."""

import keras
import numpy as np
import pytest

from export.convert.int16_activations import ACTIVATIONS, elu, reciprocal

TOLERANCES = {"gelu": 6e-4, "softplus": 2e-5, "mish": 3e-4, "elu": 3e-5, "selu": 6e-5}


@pytest.mark.parametrize("function", ACTIVATIONS, ids=lambda function: function.__name__)
def test_an_activation_is_that_of_keras(function):
    x = np.linspace(-20, 20, 4001, dtype=np.float32)
    tensor = keras.ops.convert_to_tensor(x)
    found, expected = (keras.ops.convert_to_numpy(f(tensor)) for f in (ACTIVATIONS[function], function))
    exact = keras.ops.convert_to_numpy(keras.activations.gelu(tensor, approximate=False))
    expected = exact if function is keras.activations.gelu else expected
    assert np.abs(found - expected).max() < TOLERANCES.get(function.__name__, 5e-6)


def test_elu_of_another_alpha():
    x = keras.ops.convert_to_tensor(np.linspace(-9, 9, 999, dtype=np.float32))
    assert np.abs(elu(x, 0.3) - keras.activations.elu(x, 0.3)).max() < 3e-5


def test_the_reciprocal_between_one_and_two():
    x = keras.ops.convert_to_tensor(np.linspace(1, 2, 999, dtype=np.float32))
    assert np.abs(reciprocal(x) * x - 1).max() < 2e-5
