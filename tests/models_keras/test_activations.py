"""The activations against what they abbreviate."""

import keras
import numpy as np

from models_keras.layers.activations import gelu


def test_gelu_is_near_the_exact_one():
    x = np.linspace(-8, 8, 10_001, dtype=np.float32)
    difference = np.abs(np.asarray(gelu(x)) - np.asarray(keras.ops.gelu(x, approximate=False)))
    assert 0.02 < difference.max() < 0.021


def test_a_model_with_gelu_is_saved(tmp_path):
    x = keras.Input((3,))
    model = keras.Model(x, keras.layers.Dense(4, activation=gelu)(x))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].activation is gelu
