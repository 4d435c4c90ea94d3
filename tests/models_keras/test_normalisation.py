"""The layer norm against Keras's own, and its integer form."""

import keras
import numpy as np
import pytest

from models_keras.layers.normalisation import LayerNorm, layer_norm


def rows(decades, count=60):
    """(count, 8, 32) float32 whose rows differ in size by so many decades, and lie off zero."""
    random = np.random.default_rng(0)
    sizes = 10 ** random.uniform(-decades / 2, decades / 2, (count, 8, 1))
    return (sizes * (random.normal(size=(count, 8, 32)) + 0.5)).astype(np.float32)


@pytest.mark.parametrize("epsilon", [1e-5, 1e-3])
def test_equals_keras(epsilon):
    ours, theirs = LayerNorm(epsilon), keras.layers.LayerNormalization(epsilon=epsilon)
    x = rows(decades=4)
    ours.build(x.shape)
    theirs.build(x.shape)
    random = np.random.default_rng(1)
    weights = [random.normal(size=weight.shape) for weight in theirs.get_weights()]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-5)


def test_a_constant_row_becomes_the_shift():
    np.testing.assert_array_equal(LayerNorm()(np.full((1, 2, 8), 3.0, np.float32)), np.zeros((1, 2, 8)))


def test_saved_and_loaded_it_keeps_its_epsilon(tmp_path):
    x = keras.Input((8, 32))
    model = keras.Model(x, LayerNorm(epsilon=0.5)(layer_norm(x, name="first")))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("first").epsilon == 1e-5
    np.testing.assert_array_equal(model(rows(1)), loaded(rows(1)))


@pytest.mark.slow
def test_in_integers_small_rows_keep_their_resolution_beside_large_ones():
    from export.convert.conversion_job import ExportWindows
    from export.convert.strategies import convert
    from export.verify.lint import lint
    from export.verify.sqnr import sqnr_db
    from firmware_bench.runtime.tflite_model import TFLiteModel

    x = keras.Input((8, 32), name="x")
    model = keras.Model(x, layer_norm(x))
    windows = rows(decades=1.5)
    data = convert(model, ExportWindows({"x": windows}, {"x": windows})).data
    assert all(gate.passed for gate in lint(data))
    tflite = TFLiteModel(data)
    outputs = np.stack([tflite.run({"x": window}) for window in windows]).reshape(windows.shape)
    assert sqnr_db(model(windows), outputs) > 20
