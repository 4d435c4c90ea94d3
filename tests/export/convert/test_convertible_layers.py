"""Every layer that is replaced for the conversion computes what the layer of Keras computes."""

import keras
import numpy as np
import pytest
from keras import layers

from export.convert.convertible_layers import ACTIVATIONS, REPLACEMENTS, make_convertible
from export.convert.layer_forms import LONGEST_UNROLLED
from firmware_bench.runtime.errors import InputError

SHAPES = {"sequence": (12, 6), "image": (4, 6, 6), "vector": (6,)}
FORMS = {
    "sequence": [
        lambda: layers.ELU(0.7),
        lambda: layers.GRU(4),
        lambda: layers.GRU(4, return_sequences=True, go_backwards=True, use_bias=False),
        lambda: layers.GRU(4, return_sequences=True, reset_after=False, activation="relu"),
        lambda: layers.Bidirectional(layers.GRU(4, return_sequences=True)),
        lambda: layers.LSTM(4, return_sequences=True, dropout=0.2),
        lambda: layers.Bidirectional(layers.LSTM(4)),
        lambda: layers.SimpleRNN(4, return_sequences=True),
        lambda: layers.SimpleRNN(4, go_backwards=True),
        lambda: layers.GlobalMaxPooling1D(),
        lambda: layers.GlobalMaxPooling1D(keepdims=True),
        lambda: layers.GroupNormalization(2),
        lambda: layers.GroupNormalization(-1, epsilon=0.2, scale=False),
        lambda: layers.LayerNormalization(),
        lambda: layers.LayerNormalization(epsilon=0.3, center=False),
        lambda: layers.LayerNormalization(axis=[1, 2]),
        lambda: layers.RMSNormalization(),
        lambda: layers.UnitNormalization(),
        lambda: layers.UpSampling1D(3),
        lambda: layers.TimeDistributed(layers.Dense(3, activation="elu")),
    ],
    "image": [
        lambda: layers.GlobalMaxPooling2D(),
        lambda: layers.GroupNormalization(3),
        lambda: layers.LayerNormalization(),
        lambda: layers.UpSampling2D((2, 3)),
        lambda: layers.TimeDistributed(layers.Conv1D(3, 3, padding="same")),
        lambda: layers.TimeDistributed(layers.UpSampling1D(2)),
    ],
    "vector": [lambda: layers.RepeatVector(3)],
}
CASES = [(shape, number) for shape, made in FORMS.items() for number in range(len(made))]


def model_of(shape, layer):
    """A model of the layer whose variables are all different from those that it begins with."""
    keras.utils.set_random_seed(3)
    x = keras.Input(SHAPES[shape], name="x")
    model = keras.Model(x, layer(x))
    random = np.random.default_rng(0)
    model.set_weights([w + random.normal(scale=0.3, size=w.shape).astype(np.float32) for w in model.get_weights()])
    return model


def outputs(model, windows):
    return np.concatenate([np.asarray(model(window[None])) for window in windows])


@pytest.mark.parametrize(("shape", "number"), CASES)
def test_a_replacement_computes_the_same(shape, number):
    model = model_of(shape, FORMS[shape][number]())
    windows = np.random.default_rng(1).normal(size=(3, *SHAPES[shape])).astype(np.float32)
    windows[1] *= 0.05  # where epsilon counts
    found = outputs(make_convertible(model), windows)
    np.testing.assert_allclose(found, model.predict(windows, verbose=0), rtol=1e-4, atol=1e-5)


def test_every_replacement_is_compared():
    made = [layer() for group in FORMS.values() for layer in group]
    kinds = {type(part) for layer in made for part in layer._flatten_layers()}
    assert kinds >= {layer for layer in REPLACEMENTS if layer.__module__.startswith("keras")}


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda activation: activation.__name__)
@pytest.mark.parametrize("layer", [layers.Activation, lambda function: layers.Dense(6, activation=function)])
def test_activations(layer, activation):
    model = model_of("sequence", layer(activation))
    windows = np.linspace(-6, 6, 72).reshape(1, 12, 6).astype(np.float32)
    tolerance = 0.015 if activation is keras.activations.gelu else 1e-5
    clone = make_convertible(model)
    assert clone.layers[-1].activation is ACTIVATIONS[activation]
    np.testing.assert_allclose(outputs(clone, windows), model.predict(windows, verbose=0), atol=tolerance)


def test_a_layer_of_the_user_with_a_name_of_keras_is_left_as_it_is():
    @keras.saving.register_keras_serializable("test_convertible_layers")
    class ELU(layers.Layer):
        def call(self, x):
            return 2 * x

    clone = make_convertible(model_of("sequence", ELU()))
    assert type(clone.layers[-1]) is ELU


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (layers.GRU(2), rf"'gru.*' \(GRU\) runs over {LONGEST_UNROLLED + 1} steps.*use LSTM, or pool"),
        (layers.Bidirectional(layers.SimpleRNN(2)), r"'bidirectional.*' \(SimpleRNN\) runs over"),
        (layers.LSTM(2, activation="relu"), r"\(LSTM\) has an integer form with tanh, sigmoid and a bias alone"),
        (layers.LSTM(2, use_bias=False), r"\(LSTM\) has an integer form with tanh"),
        (layers.LSTM(2, stateful=True), r"\(LSTM\) keeps or returns its state.*leave out stateful"),
        (layers.GRU(2, recurrent_activation="tanh"), r"\(GRU\) has an integer form with the recurrent activation sig"),
        (layers.RNN(layers.LSTMCell(2)), r"\(RNN\) has no integer form: use LSTM or GRU"),
    ],
)
def test_recurrent_layers_without_an_integer_form_are_named(layer, message):
    x = keras.Input(batch_shape=(1, LONGEST_UNROLLED + 1, 3))
    with pytest.raises(InputError, match=message):
        make_convertible(keras.Model(x, layer(x)))
