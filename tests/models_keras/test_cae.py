"""The convolutional autoencoder: its published size, and that it gives back what it took, where it took it."""

import keras
import numpy as np
import pytest

from models_keras.cae import cae


def test_published_parameters():
    assert cae().count_params() == 75_340


@pytest.mark.parametrize("samples", [500, 125, 126, 97])
def test_a_sample_comes_back_where_it_was(samples):
    """Kernels that only pass their centre on: every eighth sample survives, and none may move."""
    model = cae(samples, 1, filters=(1, 1, 1))
    for variable in model.trainable_variables:
        centre = np.zeros(variable.shape, np.float32)
        if len(variable.shape) == 3:
            centre[len(centre) // 2] = 1.0
        variable.assign(centre)
    impulses = np.eye(samples, dtype=np.float32)[:, :, None]
    outputs = model.predict(impulses, verbose=0)["reconstruction"][..., 0]
    assert np.count_nonzero(outputs - np.diag(np.diag(outputs))) == 0
    assert np.count_nonzero(np.diag(outputs)) == -(-samples // 8)


@pytest.mark.slow
def test_one_window_is_learnt_by_heart():
    keras.utils.set_random_seed(0)
    model = cae(125, 3, filters=(8, 16, 32))
    t = np.arange(125)[:, None] / 125
    window = np.sin(2 * np.pi * t * [[3, 5, 8]]).astype(np.float32)[None]
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(window.repeat(300, axis=0), np.zeros(300), batch_size=1, verbose=0)
    error = np.mean((model.predict(window, verbose=0)["reconstruction"] - window) ** 2)
    assert error < 0.005 * np.var(window)
