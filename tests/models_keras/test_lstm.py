"""The clipped LSTM against Keras's own and against the recurrence spelled out."""

import keras
import numpy as np
import pytest

from models_keras.layers.lstm import CELL_CLIP, ClippedLSTM


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def spelled_out(x, kernel, recurrent, bias, clip):
    """(time, c) → (time, units), one step after the other."""
    units = recurrent.shape[0]
    hidden, memory, outputs = np.zeros(units), np.zeros(units), []
    for step in x:
        i, f, g, o = np.split(step @ kernel + hidden @ recurrent + bias, 4)
        memory = np.clip(sigmoid(f) * memory + sigmoid(i) * np.tanh(g), -clip, clip)
        hidden = sigmoid(o) * np.tanh(memory)
        outputs.append(hidden)
    return np.array(outputs)


def test_equals_keras_while_the_cell_stays_inside_the_clip():
    x = np.random.default_rng(0).normal(size=(2, 20, 3)).astype(np.float32)
    ours, theirs = ClippedLSTM(4, return_sequences=True), keras.layers.LSTM(4, return_sequences=True)
    ours.build(x.shape)
    theirs.build(x.shape)
    theirs.set_weights(ours.get_weights())
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-6)


@pytest.mark.parametrize("backwards", [False, True])
def test_the_cell_is_clipped(backwards):
    """For 30 steps the cell grows by about 1 a step, then it halves at every step: what is left tells the clip."""
    x = np.ones((1, 34, 1), np.float32)
    x[0, 30:] = -1.0
    layer = ClippedLSTM(1, return_sequences=True, go_backwards=backwards)
    layer.build(x.shape)
    kernel = np.array([[9.0, 4.5, 9.0, 0.0]], np.float32)
    bias = np.array([0.0, 4.5, 0.0, 9.0], np.float32)
    no_recurrence = np.zeros((1, 4), np.float32)
    layer.set_weights([kernel, no_recurrence, bias])
    outputs = layer(x[:, ::-1] if backwards else x)[0]
    np.testing.assert_allclose(outputs, spelled_out(x[0], kernel, no_recurrence, bias, CELL_CLIP), atol=1e-5)
    assert np.abs(outputs - spelled_out(x[0], kernel, no_recurrence, bias, np.inf)).max() > 0.05
