"""The model that is converted gives the outputs of the trained model."""

import keras
import numpy as np
import pytest
from keras import layers

from export.convert.convertible_layers import make_convertible
from export.convert.fused_lstm import FusedLSTM
from models_keras.layers.lstm import CELL_CLIP, ClippedLSTM


def outputs(model, windows):
    return np.concatenate([np.asarray(model(window[None])) for window in windows])


def test_same_outputs_as_the_trained_model(recogniser):
    windows = recogniser.others[:8]
    fused = make_convertible(recogniser.model)
    assert fused.inputs[0].shape[0] == 1 and fused.inputs[0].name == "ecg" and fused.output_names == ["probabilities"]
    np.testing.assert_allclose(outputs(fused, windows), recogniser.model.predict(windows, verbose=0), atol=1e-5)


def test_every_lstm_is_replaced_at_any_depth(recogniser):
    kinds = [
        type(layer) for layer in make_convertible(recogniser.model)._flatten_layers() if isinstance(layer, ClippedLSTM)
    ]
    assert kinds == [FusedLSTM] * 4


@pytest.mark.parametrize("arguments", [{}, {"return_sequences": True}, {"go_backwards": True}])
def test_forms_of_the_layer(arguments):
    keras.utils.set_random_seed(1)
    ecg = keras.Input((20, 3))
    model = keras.Model(ecg, ClippedLSTM(5, **arguments)(ecg))
    windows = np.random.default_rng(0).normal(size=(4, 20, 3)).astype(np.float32)
    np.testing.assert_allclose(outputs(make_convertible(model), windows), model.predict(windows, verbose=0), atol=1e-5)


def test_cell_is_clipped_as_in_training():
    ecg = keras.Input((60, 1))
    layer = ClippedLSTM(1)
    model = keras.Model(ecg, layer(ecg))
    # Open gates: the cell counts up by one a step, and the last steps of negative input count down from the clip.
    kernel = np.array([[0.0, 0.0, 20.0, 0.0]], np.float32)
    layer.set_weights([kernel, np.zeros((1, 4), np.float32), np.array([20, 20, 0, 20], np.float32)])
    window = np.ones((1, 60, 1), np.float32)
    window[:, -10:] = -1
    assert CELL_CLIP == 10  # so the ten steps down end at zero; without the clip they would end at forty
    np.testing.assert_allclose(outputs(make_convertible(model), window), [[0.0]], atol=1e-5)


def test_several_inputs_and_shared_layers():
    keras.utils.set_random_seed(2)
    inputs = {"ecg": keras.Input((16, 2), name="ecg"), "rr": keras.Input((16, 2), name="rr")}
    shared = layers.Bidirectional(ClippedLSTM(4))
    model = keras.Model(inputs, shared(inputs["ecg"]) - shared(inputs["rr"]))
    random = np.random.default_rng(0)
    windows = {name: random.normal(size=(1, 16, 2)).astype(np.float32) for name in inputs}
    fused = make_convertible(model)
    assert {tensor.name for tensor in fused.inputs} == {"ecg", "rr"}
    np.testing.assert_allclose(np.asarray(fused(windows)), np.asarray(model(windows)), atol=1e-5)
