"""Attention against Keras's own, with and without mask, and the parts that go with it."""

import keras
import numpy as np
import pytest

from models_keras.layers.multi_head_attention import MASKED, MultiHeadAttention, PaddingBias
from models_keras.layers.positions import LearnedPositions

HEADS, WIDTH = 4, 16


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def alike(query_shape, value_shape):
    """Our layer and Keras's with the same random weights."""
    ours = MultiHeadAttention(HEADS, WIDTH, return_weights=True)
    theirs = keras.layers.MultiHeadAttention(HEADS, WIDTH // HEADS, output_shape=WIDTH)
    ours.build(query_shape, value_shape)
    theirs.build(query_shape, value_shape, value_shape)
    weights = [random(*weight.shape, seed=seed) for seed, weight in enumerate(ours.get_weights())]
    ours.set_weights(weights)
    # Both keep query, key, value and output in this order, each kernel before its bias.
    theirs.set_weights([w.reshape(t.shape) for w, t in zip(weights, theirs.get_weights(), strict=True)])
    return ours, theirs


def test_equals_keras():
    query, value = random(3, 5, 6, seed=100), random(3, 7, 9, seed=101)
    ours, theirs = alike(query.shape, value.shape)
    outputs, weights = ours(query, value)
    expected, expected_weights = theirs(query, value, return_attention_scores=True)
    np.testing.assert_allclose(outputs, expected, atol=2e-5)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-5)


def test_keys_may_differ_from_values():
    query, value, key = (random(3, 5, 6, seed=seed) for seed in (100, 101, 102))
    ours, theirs = alike(query.shape, value.shape)
    np.testing.assert_allclose(ours(query, value, key)[0], theirs(query, value, key), atol=2e-5)


def test_the_bias_masks_like_a_mask():
    """To the 0.03 % that e^-8 leaves of each masked weight, at scores as small as a trained model's."""
    x = 0.1 * random(3, 7, 6, seed=100)
    valid = np.array([[True] * 7, [True] * 4 + [False] * 3, [True] + [False] * 6])
    ours, theirs = alike(x.shape, x.shape)
    outputs, weights = ours(x, x, bias=np.where(valid, 0, MASKED)[:, None, None, :].astype(np.float32))
    assert np.asarray(weights).transpose(3, 0, 1, 2)[~valid.T].max() < 1e-3
    np.testing.assert_allclose(outputs, theirs(x, x, attention_mask=valid[:, None, :]), atol=0.02)


def test_leading_axes_are_attentions_of_their_own():
    x = random(2, 3, 5, 6, seed=100)
    layer = MultiHeadAttention(HEADS, WIDTH, return_weights=True)
    outputs, weights = layer(x, x)
    assert outputs.shape == (2, 3, 5, WIDTH)
    assert weights.shape == (2, 3, HEADS, 5, 5)
    alone, alone_weights = layer(x[:, 1], x[:, 1])
    np.testing.assert_allclose(outputs[:, 1], alone, atol=1e-6)
    np.testing.assert_allclose(weights[:, 1], alone_weights, atol=1e-6)


@pytest.mark.parametrize("shape", [(5, 6), (3, 5, 6)])
def test_in_a_model_that_is_saved(shape, tmp_path):
    x = keras.Input(shape)
    outputs, weights = MultiHeadAttention(HEADS, WIDTH, return_weights=True)(x, x)
    assert outputs.shape == (None, *shape[:-1], WIDTH)
    assert weights.shape == (None, *shape[:-2], HEADS, 5, 5)
    model = keras.Model(x, [outputs, weights, MultiHeadAttention(2, 4)(x, x)])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for ours, theirs in zip(model(random(2, *shape)), loaded(random(2, *shape)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_heads_divide_the_width():
    with pytest.raises(ValueError, match="width of 10 does not divide into 4 heads"):
        MultiHeadAttention(4, 10)


@pytest.mark.parametrize("tokens", [1, 5, 32])
def test_padding_gets_the_bias_and_valid_tokens_none(tokens):
    valid = np.tri(tokens, dtype=np.float32)  # 1, 2, … all tokens
    bias = PaddingBias()(valid / valid.sum(axis=1, keepdims=True))
    assert bias.shape == (tokens, 1, 1, tokens)
    np.testing.assert_allclose(bias[:, 0, 0], np.where(valid, 0, MASKED), atol=1e-5)


def test_positions_are_added_in_order():
    layer = LearnedPositions(8)
    layer.build((None, 5, 3))
    layer.set_weights([random(8, 3)])
    x = random(2, 5, 3, seed=1)
    np.testing.assert_allclose(layer(x), x + random(8, 3)[:5])


def test_there_are_positions_for_the_longest_sequence_only():
    with pytest.raises(ValueError, match="9 tokens, but positions for 8"):
        LearnedPositions(8).build((None, 9, 3))


@pytest.mark.slow
def test_masked_attention_in_integers():
    """Without floating point, and with LiteRT and TensorFlow Lite Micro equal in every value."""
    from export.convert.conversion_job import ExportWindows
    from export.convert.strategies import convert
    from export.verify.lint import lint
    from export.verify.runtimes import check_tensors
    from export.verify.sqnr import sqnr_db
    from firmware_bench.runtime.quantisation import quantise
    from firmware_bench.runtime.tflite_model import TFLiteModel

    keras.utils.set_random_seed(0)
    x, weights = keras.Input((8, WIDTH), name="x"), keras.Input((8,), name="weights")
    model = keras.Model([x, weights], MultiHeadAttention(HEADS, WIDTH)(x, x, bias=PaddingBias()(weights)))
    valid = np.tri(8, dtype=np.float32)[np.arange(60) % 8]
    windows = {"x": random(60, 8, WIDTH), "weights": valid / valid.sum(axis=1, keepdims=True)}
    data = convert(model, ExportWindows(windows, windows)).data
    assert all(gate.passed for gate in lint(data))
    tflite = TFLiteModel(data)
    arrays = [
        [quantise(windows[t.name][n : n + 1], t.scale, t.zero_point, t.dtype) for t in tflite.inputs] for n in (0, 7)
    ]
    assert check_tensors(data, arrays).passed
    outputs = np.stack([tflite.run({name: values[n] for name, values in windows.items()}) for n in range(60)])
    expected = model.predict(windows, verbose=0)
    assert sqnr_db(expected[valid > 0], outputs.reshape(expected.shape)[valid > 0]) > 20
