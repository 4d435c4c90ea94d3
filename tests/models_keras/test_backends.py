"""The same architecture files train under JAX, and the weights move to TensorFlow unchanged."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_models import built, inputs_of, predicted, targets_of

from models_keras.registry import names

pytestmark = pytest.mark.slow

TRAIN_AND_SAVE = """
import sys
import keras, numpy as np
from ecg_edge.evaluation.predictors import as_keras_takes
from tiny_models import compiled, predicted
assert keras.backend.backend() == "jax"
name, folder = sys.argv[1:]
model = compiled(name, keras.optimizers.Adam(1e-3))
saved = dict(np.load(f"{folder}/inputs.npz"))
targets = saved.pop("targets")
before = model.get_weights()
model.fit(as_keras_takes(saved), targets, batch_size=4, verbose=0)
assert any((old != new).any() for old, new in zip(before, model.get_weights()))
model.save(f"{folder}/model.keras")
np.savez(f"{folder}/outputs.npz", **predicted(model, saved))
"""


@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="jax is not installed: pip install -e .[jax]")
@pytest.mark.parametrize("name", names())
def test_trained_under_jax_it_predicts_the_same_under_tensorflow(name, tmp_path):
    targets = targets_of(name, 8)
    inputs = inputs_of(built(name), targets)
    np.savez(tmp_path / "inputs.npz", **inputs, targets=targets)
    tests = Path(__file__).parents[1]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": f"{tests}:{tests.parent}"}
    subprocess.run([sys.executable, "-c", TRAIN_AND_SAVE, name, str(tmp_path)], env=environment, check=True)
    outputs = predicted(keras.models.load_model(tmp_path / "model.keras", compile=False), inputs)
    expected = np.load(tmp_path / "outputs.npz")
    assert set(outputs) == set(expected.files)
    for key in outputs:
        np.testing.assert_allclose(outputs[key], expected[key], atol=1e-5, rtol=1e-5, err_msg=key)
