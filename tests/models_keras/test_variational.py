"""Sampling, and the objectives that the models of ECG windows bring along."""

import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from scipy.stats import norm

from models_keras.layers.variational import EvidenceLowerBound, Sampling, SquaredError, start_epoch


def arrays(*shapes):
    random = np.random.default_rng(0)
    return [random.normal(size=shape).astype(np.float32) for shape in shapes]


def test_the_mean_is_taken_at_inference():
    mean, log_variance = arrays((2, 3, 4), (2, 3, 4))
    np.testing.assert_array_equal(Sampling()([mean, log_variance]), mean)


def test_samples_have_the_mean_and_the_variance():
    mean, log_variance = np.full((50_000, 2), [3.0, -1.0]), np.full((50_000, 2), [0.0, np.log(4.0)])
    samples = np.asarray(Sampling(seed=1)([mean, log_variance], training=True))
    np.testing.assert_allclose(samples.mean(axis=0), [3.0, -1.0], atol=0.05)
    np.testing.assert_allclose(samples.std(axis=0), [1.0, 2.0], atol=0.05)


def test_every_call_draws_anew():
    layer, inputs = Sampling(seed=1), arrays((2, 3), (2, 3))
    assert (np.asarray(layer(inputs, training=True)) != np.asarray(layer(inputs, training=True))).all()


def test_the_squared_error_is_a_loss_in_training_alone():
    ecg, reconstruction = arrays((2, 5, 3), (2, 5, 3))
    layer = SquaredError()
    np.testing.assert_array_equal(layer([ecg, reconstruction]), reconstruction)
    assert not layer.losses
    layer([ecg, reconstruction], training=True)
    assert float(layer.losses[0]) == pytest.approx(np.mean((ecg - reconstruction) ** 2), rel=1e-5)


def test_the_evidence_lower_bound_is_per_value_of_the_ecg():
    inputs = ecg, mean, log_variance, latent_mean, latent_log_variance = arrays(*[(2, 5, 3)] * 3, *[(2, 5, 4)] * 2)
    layer = EvidenceLowerBound(highest_beta=0.3)
    np.testing.assert_array_equal(layer(inputs), mean)
    assert not layer.losses
    layer.start_epoch(6)
    layer(inputs, training=True)
    likelihood = norm.logpdf(ecg, mean, np.exp(log_variance / 2)).sum()
    divergence = 0.5 * (latent_mean**2 + np.exp(latent_log_variance) - 1 - latent_log_variance).sum()
    assert float(layer.losses[0]) == pytest.approx((0.18 * divergence - likelihood) / ecg.size, rel=1e-5)


def small_model():
    """Its reconstruction is perfect: its loss is ½ log 2π and beta times a divergence."""
    ecg = keras.Input((5, 3), name="ecg")
    latent = [keras.layers.Dense(4)(ecg), keras.layers.Dense(4)(ecg)]
    objective = EvidenceLowerBound(0.3, name="reconstruction")
    return keras.Model(ecg, objective([ecg, ecg, 0.0 * ecg, *latent]))


def test_beta_is_saved_and_not_trained(tmp_path):
    model = small_model()
    start_epoch(model, 6)
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(*arrays((8, 5, 3), (8,)), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert float(loaded.get_layer("reconstruction").beta) == pytest.approx(0.18)
    loaded.get_layer("reconstruction").start_epoch(10)
    assert float(loaded.get_layer("reconstruction").beta) == pytest.approx(0.3)
    assert "beta" not in [variable.name for variable in loaded.trainable_variables]


TRAIN_WITH_TWO_BETAS = """
import sys
import keras, numpy as np
sys.path.insert(0, sys.argv[1])
from test_variational import arrays, small_model
keras.utils.set_random_seed(0)
model, losses = small_model(), []
model.compile(keras.optimizers.SGD(0.0))
for epoch in (1, 10):
    model.get_layer("reconstruction").start_epoch(epoch)
    losses.append(model.fit(arrays((8, 5, 3))[0], np.zeros(8), verbose=0).history["loss"][0])
likelihood = 0.5 * np.log(2 * np.pi)
print(keras.backend.backend(), (losses[1] - likelihood) / (losses[0] - likelihood))
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_compiled_step_sees_a_new_beta(backend):
    if not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    folder = os.path.dirname(__file__)
    done = subprocess.run(
        [sys.executable, "-c", TRAIN_WITH_TWO_BETAS, folder],
        env={**os.environ, "KERAS_BACKEND": backend},
        check=True,
        capture_output=True,
        text=True,
    )
    name, ratio = done.stdout.split()
    assert name == backend
    assert float(ratio) == pytest.approx(10, rel=1e-4)
