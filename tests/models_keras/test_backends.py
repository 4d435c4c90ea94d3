"""The same architecture files train under JAX, and the weights move to TensorFlow unchanged."""

import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from models_keras.registry import names

pytestmark = pytest.mark.slow

TRAIN_AND_SAVE = """
import sys
import keras, numpy as np
from models_keras.registry import find
assert keras.backend.backend() == "jax"
name, folder = sys.argv[1:]
architecture = find(name)
keras.utils.set_random_seed(0)
model = architecture.build(256, 2, 4, **architecture.presets["tiny"].model)
model.compile(keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy")
windows = np.load(f"{folder}/windows.npy")
before = model.get_weights()
model.fit(windows, np.arange(len(windows)) % 4, batch_size=4, verbose=0)
assert any((old != new).any() for old, new in zip(before, model.get_weights()))
model.save(f"{folder}/model.keras")
np.save(f"{folder}/outputs.npy", model.predict(windows, verbose=0))
"""


@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="jax is not installed: pip install -e .[jax]")
@pytest.mark.parametrize("name", names())
def test_trained_under_jax_it_predicts_the_same_under_tensorflow(name, tmp_path):
    windows = np.random.default_rng(0).normal(size=(8, 256, 2)).astype(np.float32)
    np.save(tmp_path / "windows.npy", windows)
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, "-c", TRAIN_AND_SAVE, name, str(tmp_path)], env=environment, check=True)
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(loaded.predict(windows, verbose=0), np.load(tmp_path / "outputs.npy"), atol=1e-6)
