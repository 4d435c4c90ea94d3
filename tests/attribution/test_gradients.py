"""Integrated gradients: what the theory promises of them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_models

from ecg_edge.attribution.gradients import integrate_gradients, make_gradient
from ecg_edge.tasks.predictor import KerasPredictor

CODE = """
import sys; sys.path[:0] = {paths!r}
from ecg_edge.keras_backend import import_keras; import_keras()
import numpy as np
from attribution.test_gradients import explain_with_fixed_weights
np.save(sys.argv[1], explain_with_fixed_weights())
"""


def explain_with_fixed_weights():
    """The explanation by a model whose weights do not come from the backend."""
    random, model = np.random.default_rng(0), tiny_models.built("ecg_mamba")
    model.set_weights([0.05 + 0.1 * np.abs(random.normal(size=values.shape)) for values in model.get_weights()])
    inputs = tiny_models.inputs_of(model, np.ones(1))
    return integrate_gradients(make_gradient(model, ["ecg"]), inputs, np.array([2]), ["ecg"])["ecg"]


def linear():
    """Probabilities that are half the sum of the first lead, and of the second."""
    import keras

    ecg = keras.Input((5, 2), name="ecg")
    layer = keras.layers.Dense(2, use_bias=False, activation="linear")
    model = keras.Model(ecg, layer(keras.layers.GlobalAveragePooling1D()(ecg)))
    layer.set_weights([np.eye(2) * 2.5])
    return model


def test_of_a_linear_model_they_are_its_terms():
    ecg = np.arange(20, dtype=np.float32).reshape(2, 5, 2)
    found = integrate_gradients(make_gradient(linear(), ["ecg"]), {"ecg": ecg}, np.array([0, 1]), ["ecg"], steps=3)[
        "ecg"
    ]
    np.testing.assert_allclose(found[0], ecg[0] * [0.5, 0], rtol=1e-5)
    np.testing.assert_allclose(found[1], ecg[1] * [0, 0.5], rtol=1e-5)


def test_they_add_up_to_the_difference_from_the_baseline():
    model = tiny_models.shared("ecg_mamba")  # whose state space has a gradient of its own
    inputs = tiny_models.inputs_of(model, np.arange(2))
    targets = np.array([1, 3])
    found = integrate_gradients(make_gradient(model, ["ecg"]), inputs, targets, ["ecg"])["ecg"]
    predict = KerasPredictor(model)
    difference = (predict(inputs) - predict({"ecg": 0 * inputs["ecg"]}))[[0, 1], targets]
    np.testing.assert_allclose(found.sum(axis=(1, 2)), difference, atol=0.02 * np.abs(difference).max())
    assert np.abs(difference).min() > 1e-4


@pytest.mark.slow
def test_jax_computes_the_same(tmp_path):
    pytest.importorskip("jax")
    paths = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]
    words = [sys.executable, "-c", CODE.format(paths=paths), tmp_path / "jax.npy"]
    subprocess.run(words, check=True, env=os.environ | {"KERAS_BACKEND": "jax"}, capture_output=True)
    ours = explain_with_fixed_weights()
    np.testing.assert_allclose(np.load(tmp_path / "jax.npy"), ours, atol=0.01 * np.abs(ours).max())
    assert np.abs(ours).max() > 0
