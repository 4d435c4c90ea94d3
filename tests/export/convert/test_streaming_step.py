"""A stream, fed block by block, gives the outputs of the whole-window model, for every kind of layer."""

import keras
import numpy as np
import pytest
from keras import layers
from steps import forward_mamba, shaken, stream_of

from export.convert.step_rules import RULES
from export.convert.streaming_step import build_step, check_streamable, trim_to_steps
from export.verify.sqnr import sqnr_db
from firmware_bench.runtime.errors import InputError
from models_keras.layers.lstm import ClippedLSTM
from models_keras.layers.normalisation import LayerNorm
from models_keras.layers.selective_ssm import SelectiveSSM
from models_keras.registry import find

pytestmark = pytest.mark.slow

SAMPLES, LEADS = 96, 2


def model_of(parts):
    """keras.Model of `parts`, a function of the signal."""
    keras.utils.set_random_seed(0)
    ecg = keras.Input((SAMPLES, LEADS), name="ecg")
    return shaken(keras.Model(ecg, parts(ecg)))


def conv(filters=4, kernel=5, **settings):
    return layers.Conv1D(filters, kernel, padding=settings.pop("padding", "same"), **settings)


def residual(x):
    """Two convolutions, each of which looks ahead, beside what waits for them."""
    x = conv(activation="relu")(x)
    return layers.Add()([x, conv()(layers.ReLU()(layers.BatchNormalization()(conv(kernel=7)(x))))])


def many_elementwise(x):
    """Merges and operations of keras.ops, of streams of two delays and of numbers."""
    early, late = conv()(x), conv(kernel=9)(x)
    merged = layers.Minimum()([layers.Maximum()([early, late]), layers.Average()([early, late])])
    ops = keras.ops
    a, b = ops.split(ops.square(ops.maximum(early - late, 0.1)) * 2.0 + ops.relu(merged), 2, axis=-1)
    return ops.minimum(ops.tanh(a), ops.sigmoid(b)) + ops.silu(a)


CASES = {
    "LSTM": (lambda x: layers.LSTM(5, return_sequences=True)(x), 0),
    "LSTM behind what looks ahead": (lambda x: layers.Dense(3, "softmax")(layers.LSTM(5)(conv(strides=2)(x))), 1),
    "LSTM between convolutions": (lambda x: conv()(ClippedLSTM(5, return_sequences=True)(conv()(x))), 4),
    "several frames of an LSTM": (lambda x: conv(strides=4)(layers.LSTM(4, return_sequences=True)(conv()(x))), None),
    "GRU": (lambda x: layers.GlobalAveragePooling1D()(layers.GRU(5, return_sequences=True)(conv()(x))), 2),
    "GRU, reset before": (lambda x: layers.GRU(5, reset_after=False, use_bias=False)(conv()(x)), 2),
    "recurrent": (lambda x: layers.SimpleRNN(5, return_sequences=True)(conv()(x)), 2),
    "last outputs of several delays": (
        lambda x: layers.Concatenate()(
            [layers.LSTM(4)(x), layers.GlobalAveragePooling1D()(conv(3, 9)(x)), layers.GRU(3)(conv(3, 5)(x))]
        ),
        4,
    ),
    "depthwise": (lambda x: layers.DepthwiseConv1D(3, dilation_rate=4, padding="same", activation="elu")(conv()(x)), 6),
    "depthwise, stride": (lambda x: layers.DepthwiseConv1D(5, 2, depth_multiplier=2, padding="same")(conv()(x)), None),
    "separable": (lambda x: layers.SeparableConv1D(5, 4, strides=2, padding="same")(conv()(x)), 2),
    "groups": (lambda x: conv(6, 3, groups=2)(conv()(x)), 3),
    "transposed": (lambda x: conv()(layers.Conv1DTranspose(3, 9, strides=2, padding="same")(conv(4, strides=4)(x))), 4),
    "transposed, odd stride": (
        lambda x: layers.Conv1DTranspose(3, 5, 3, padding="same", activation="tanh")(conv(4, strides=3)(x)),
        None,
    ),
    "transposed, gaps": (lambda x: layers.Conv1DTranspose(3, 2, 3, padding="same")(conv(4, strides=3)(x)), 1),
    "repeated": (lambda x: conv()(layers.UpSampling1D(2)(conv(4, strides=2)(x))), 2),
    **{
        f"{kind.__name__}, {size} by {stride}": (
            lambda x, kind=kind, size=size, stride=stride: conv(strides=2)(
                kind(size, stride, padding="same")(conv()(x))
            ),
            None,
        )
        for kind in (layers.MaxPooling1D, layers.AveragePooling1D)
        for size, stride in ((3, 2), (9, 2), (5, 1), (2, 3))
    },
    "normalisations": (
        lambda x: layers.UnitNormalization()(layers.RMSNormalization()(layers.LayerNormalization()(conv(6)(x)))),
        2,
    ),
    "elementwise": (many_elementwise, 4),
    "frame by frame": (
        lambda x: layers.Identity()(
            layers.GaussianNoise(0.1)(layers.Rescaling(0.5, 0.1)(layers.TimeDistributed(layers.Dense(3, "elu"))(x)))
        ),
        0,
    ),
    "rectifiers": (
        lambda x: layers.PReLU("random_normal", shared_axes=[1])(layers.ELU(0.7)(layers.GaussianDropout(0.1)(x))),
        0,
    ),
    "convolution": (conv(), 2),
    "even kernel": (conv(kernel=4), 2),
    "stride": (conv(kernel=7, strides=2), 2),
    "stride beyond the kernel": (conv(kernel=2, strides=4), 0),
    "dilation": (conv(kernel=3, dilation_rate=4), 4),
    "causal": (lambda x: conv(padding="causal")(conv(padding="causal", activation="silu")(x)), 0),
    "causal, stride": (conv(padding="causal", strides=2), 0),
    "convolutions": (lambda x: conv(strides=2)(layers.ReLU()(conv(strides=2)(conv(strides=3)(x)))), None),
    "batch norm and pools": (
        lambda x: layers.AveragePooling1D(2)(layers.MaxPooling1D(3)(layers.BatchNormalization()(conv()(x)))),
        1,
    ),
    "batch norm alone": (lambda x: layers.BatchNormalization()(layers.ReLU()(x)), 0),
    "dense": (
        lambda x: layers.SpatialDropout1D(0.5)(
            layers.Dropout(0.5)(layers.Dense(3, "tanh")(layers.Dense(5, use_bias=False)(x)))
        ),
        0,
    ),
    "activations": (
        lambda x: layers.Softmax()(layers.LeakyReLU(0.2)(layers.Activation("gelu")(x))),
        0,
    ),
    "layer norm": (lambda x: LayerNorm()(conv(6)(x)), 2),
    "residual": (residual, None),
    "product": (lambda x: layers.Multiply()([conv()(x), layers.Dense(4, activation="sigmoid")(x)]), None),
    "concatenation": (lambda x: layers.Concatenate()([conv(3)(x), layers.Subtract()([x, conv(2, 9)(x)])]), None),
    "state space": (lambda x: SelectiveSSM(3, 2)(conv(4, 7)(x)), 3),
    "state space behind a shorter step": (lambda x: conv(4, 3, strides=4)(SelectiveSSM(3, 2)(conv(4)(x))), None),
    "average": (lambda x: layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(conv()(x))), 2),
    "average of several frames": (
        lambda x: layers.Concatenate()(
            [layers.GlobalAveragePooling1D()(y) for y in (conv(3, 9)(x), conv(4, strides=4)(x))]
        ),
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_equals_the_whole_window(name):
    parts, delay = CASES[name]
    model = model_of(parts)
    stream = stream_of(model)
    for window in np.random.default_rng(1).normal(size=(2, SAMPLES, LEADS)).astype(np.float32):
        expected = model.predict(window[None], verbose=0)[0]
        assert np.abs(stream.run(window) - expected).max() < 1e-5
    assert delay is None or stream.delay == delay


def test_every_rule_has_a_case():
    kinds = {type(layer) for parts, _ in CASES.values() for layer in model_of(parts).operations}
    assert set(RULES) == kinds & set(RULES)


@pytest.mark.parametrize(
    "settings", [{}, {"encoder": False}, {"normalisation": False}, {"feed_forward": False, "blocks": 3}]
)
def test_ecg_mamba(settings):
    model = forward_mamba(**settings)
    window = np.random.default_rng(1).normal(size=(200, 2)).astype(np.float32)
    stream = stream_of(model)
    assert stream.step == 4
    assert np.abs(stream.run(window) - model.predict(window[None], verbose=0)[0]).max() < 1e-5


@pytest.mark.parametrize(
    ("name", "settings", "multiple"),
    [
        ("cnn", {}, 128),
        ("cnn_att", {}, 128),
        ("cnn_att_bilstm", {"bidirectional": False}, 128),
        ("rhythm_resnet1d", {}, None),
    ],
)
def test_registered_models(name, settings, multiple):
    """Their windows are no whole number of steps: the stream equals them on the whole steps of one."""
    architecture = find(name)
    samples = 1000
    model = shaken(architecture.build(samples, 2, 3, **architecture.presets["tiny"].model, **settings))
    model = trim_to_steps(model)
    length = model.inputs[0].shape[1]
    stream = stream_of(model)
    assert 0 < length <= samples and length % stream.step == 0 and stream.step == (multiple or stream.step)
    window = np.random.default_rng(1).normal(size=(length, 2)).astype(np.float32)
    assert np.abs(stream.run(window) - model.predict(window[None], verbose=0)[0]).max() < 1e-5


def test_morphology_of_htf_beat_up_to_its_spectrum():
    """The stream that convolves the beat runs; the whole model does not, because a spectrum needs the whole beat."""
    architecture = find("htf_beat")
    model = shaken(architecture.build(128, 2, 3, **architecture.presets["tiny"].model))
    with pytest.raises(InputError, match="LogSpectrum"):
        trim_to_steps(model)
    time = next(layer for layer in model.layers if isinstance(layer, layers.GlobalAveragePooling1D))
    trunk = keras.Model(model.inputs[0], time.output)
    window = np.random.default_rng(1).normal(size=(128, 2)).astype(np.float32)
    assert np.abs(stream_of(trunk).run(window) - trunk.predict(window[None], verbose=0)[0]).max() < 1e-5


@pytest.mark.parametrize(
    "parts, named",
    [
        (lambda x: SelectiveSSM(3, 2, backwards=True)(x), "backwards in time; train with model.bidirectional"),
        (lambda x: layers.Bidirectional(layers.LSTM(3))(x), "Bidirectional.* backwards .* runs forwards"),
        (lambda x: layers.LSTM(3, go_backwards=True)(x), "LSTM.* backwards .* runs forwards"),
        (lambda x: layers.GRU(3, recurrent_activation="tanh")(x), "GRU.* sigmoid alone"),
        (lambda x: layers.LSTM(3, stateful=False, return_state=True)(x), "LSTM.* leave out stateful"),
        (lambda x: conv(strides=96)(layers.GRU(3, return_sequences=True)(x)), "GRU.* 96 times in a step.* pool before"),
        (lambda x: layers.Flatten()(x), "Flatten.* use GlobalAveragePooling1D"),
        (lambda x: layers.GlobalMaxPooling1D()(x), "GlobalMaxPooling1D.* use GlobalAveragePooling1D"),
        (lambda x: layers.MaxPooling1D(3, strides=2)(x), "'valid'"),
        (lambda x: conv(padding="valid")(x), "'valid'"),
        (lambda x: layers.Conv1DTranspose(3, 4, 2)(x), "Conv1DTranspose.* without padding 'same'"),
        (lambda x: layers.Softmax(axis=1)(x), "Softmax.* along time"),
        (lambda x: layers.Concatenate(axis=1)([x, x]), "Concatenate.* along time"),
        (lambda x: layers.PReLU()(x), "PReLU.* shared_axes"),
        (lambda x: layers.Dense(2)(layers.Reshape((SAMPLES, 2, 1))(x)), "Reshape.* whole window"),
    ],
)
def test_a_layer_that_cannot_stream_is_named(parts, named):
    model = model_of(parts)
    with pytest.raises(InputError, match=named):
        build_step(trim_to_steps(model))


def test_a_position_in_a_window_is_refused():
    with pytest.raises(InputError, match=r"SinusoidalPositions.*model\.positions=false"):
        check_streamable(find("ecg_mamba").build(200, 2, 3, width=16, states=4, blocks=1, bidirectional=False))


def test_the_step_leaves_the_model_as_it_was():
    model = forward_mamba(blocks=1)
    before = model.get_weights(), model.get_config()
    build_step(model)
    assert all(np.array_equal(a, b) for a, b in zip(before[0], model.get_weights(), strict=True))
    assert model.get_config() == before[1] and all(layer.output is not None for layer in model.layers)


def test_the_integer_form_approximates_the_root_alone():
    model = forward_mamba()
    window = np.random.default_rng(1).normal(size=(200, 2)).astype(np.float32)
    expected = model.predict(window[None], verbose=0)[0]
    assert 45 < sqnr_db(expected, stream_of(model, integer=True).run(window)) < 120
    model = forward_mamba(normalisation=False)
    expected = model.predict(window[None], verbose=0)[0]
    assert np.abs(stream_of(model, integer=True).run(window) - expected).max() < 1e-5


def test_after_a_window_the_running_mean_forgets():
    """A signal that changes its kind: the mean of all blocks would keep half of the old one, this one keeps 1/e."""
    model = model_of(lambda x: layers.GlobalAveragePooling1D()(x))
    stream = stream_of(model)
    for level in (1.0, 0.0):
        for _ in range(SAMPLES):
            outputs = stream.feed(np.full((1, LEADS), level))
    (mean,) = outputs.values()
    assert mean == pytest.approx(np.exp(-1), abs=0.01)
