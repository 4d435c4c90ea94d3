"""Attention between leads in its short form against the attention of embedded values that it stands for."""

import keras
import numpy as np
import pytest

from models_keras.layers.lead_attention import LeadAttention


def layer_and_window(uniform=False):
    random = np.random.default_rng(0)
    window = random.normal(size=(2, 7, 12)).astype(np.float32)
    layer = LeadAttention(4, 64, uniform)
    layer.build(window.shape)
    for weight in layer.weights:  # biases, too, which start at zero
        weight.assign(random.normal(0, 0.3, weight.shape))
    return layer, window


def test_equals_the_attention_of_embedded_values():
    layer, window = layer_and_window()
    mixed, weights = layer(window)
    tokens = layer.embedding(window[..., None])  # (2, 7, 12, 64)
    attended, expected_weights = layer.attention(tokens, tokens)
    assert np.asarray(weights).std() > 0.05, "weights that are all alike would prove nothing"
    np.testing.assert_allclose(weights, expected_weights, atol=1e-5)
    np.testing.assert_allclose(mixed, np.asarray(attended).mean(axis=2), atol=1e-4)


def test_gradients_equal_those_of_the_attention_of_embedded_values():
    tf = pytest.importorskip("tensorflow")
    layer, window = layer_and_window()
    with tf.GradientTape(persistent=True) as tape:
        short = keras.ops.sum(layer(window)[0] ** 2)
        tokens = layer.embedding(window[..., None])
        long = keras.ops.sum(keras.ops.mean(layer.attention(tokens, tokens)[0], axis=2) ** 2)
    variables = [variable.value for variable in layer.trainable_variables]
    for ours, theirs in zip(tape.gradient(short, variables), tape.gradient(long, variables), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-3 * max(1, np.abs(theirs).max()))


def test_uniform_weights_are_all_alike():
    layer, window = layer_and_window(uniform=True)
    mixed, weights = layer(window)
    np.testing.assert_allclose(weights, 1 / 12, atol=1e-7)
    means = layer.attention.value(layer.embedding(window.mean(axis=2, keepdims=True)))
    np.testing.assert_allclose(mixed, layer.attention.mixed(means), atol=1e-4)


def test_compute_output_shape_is_right():
    layer, window = layer_and_window()
    announced = layer.compute_output_shape(window.shape)
    assert announced == tuple(tuple(output.shape) for output in layer(window))
