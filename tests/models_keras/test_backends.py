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
import sys, traceback
from pathlib import Path
import keras, numpy as np
from ecg_edge.tasks.predictor import keras_inputs
from tiny_models import compiled, predicted

def train_and_save(name, folder):
    model = compiled(name, keras.optimizers.Adam(1e-3))
    saved = dict(np.load(folder / "inputs.npz"))
    targets = saved.pop("targets")
    before = model.get_weights()
    model.fit(keras_inputs(saved), targets, batch_size=4, verbose=0)
    assert any((old != new).any() for old, new in zip(before, model.get_weights()))
    model.save(folder / "model.keras")
    np.savez(folder / "outputs.npz", **predicted(model, saved))

assert keras.backend.backend() == "jax"
for folder in Path(sys.argv[1]).iterdir():
    try:
        train_and_save(folder.name, folder)
    except Exception:
        (folder / "error.txt").write_text(traceback.format_exc())
    keras.utils.clear_session()
"""


@pytest.fixture(scope="module")
def under_jax(tmp_path_factory):
    """A folder per architecture: inputs.npz, and what a process under JAX made of them."""
    base = tmp_path_factory.mktemp("jax")
    for name in names():
        (base / name).mkdir()
        targets = targets_of(name, 8)
        np.savez(base / name / "inputs.npz", **inputs_of(built(name), targets), targets=targets)
    tests = Path(__file__).parents[1]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": f"{tests}:{tests.parent}"}
    subprocess.run([sys.executable, "-c", TRAIN_AND_SAVE, str(base)], env=environment, check=True)
    return base


@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="jax is not installed: pip install -e .[train]")
@pytest.mark.parametrize("name", names())
def test_trained_under_jax_it_predicts_the_same_under_tensorflow(name, under_jax):
    folder = under_jax / name
    assert not (folder / "error.txt").exists(), (folder / "error.txt").read_text()
    inputs = dict(np.load(folder / "inputs.npz"))
    inputs.pop("targets")
    outputs = predicted(keras.models.load_model(folder / "model.keras", compile=False), inputs)
    expected = np.load(folder / "outputs.npz")
    assert set(outputs) == set(expected.files)
    for key in outputs:
        np.testing.assert_allclose(outputs[key], expected[key], atol=1e-5, rtol=1e-5, err_msg=key)
