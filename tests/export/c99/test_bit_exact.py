"""Generated programs compute what LiteRT's reference kernels compute, bit for bit."""

import keras
import numpy as np
import pytest
from bit_exact import assert_bit_exact
from keras import layers
from small_models import converted, convolutional, reconstructing, recurrent
from tiny_models import built, inputs_of, task_of

from ecg_edge.data.dataset import Dataset
from ecg_edge.embedding import BeatEmbedder
from ecg_edge.training.config import SignalConfig
from export.c99.lower import lower
from export.c99.ops import count_multiplications
from export.c99.read_graph import read_graph
from export.c99.reference_kernels import run_reference_kernels
from export.convert.conversion_job import ExportWindows
from export.convert.strategies import convert
from firmware_bench.mcu import qemu
from models_keras.layers.lstm import ClippedLSTM
from models_keras.registry import find


@pytest.mark.parametrize("model", [convolutional, reconstructing])
def test_convolutions(model, generated):
    assert_bit_exact(generated(model()))


def test_negative_sums_are_rounded_half_away_from_zero(generated):
    """Without ReLU: halves of either sign are rounded."""
    keras.utils.set_random_seed(4)
    ecg = keras.Input((120, 4), name="ecg")
    x = layers.Conv1D(8, 5, strides=2, padding="same")(ecg)
    x = layers.Conv1D(8, 7, padding="same")(x)
    assert_bit_exact(generated(converted(keras.Model(ecg, layers.Add()([x, layers.Conv1D(8, 1)(x)])), (120, 4))))


@pytest.mark.slow
def test_lstm(generated):
    assert_bit_exact(generated(recurrent()))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["feed_forward_layers", "recurrent_forms", "odd_lengths"])
def test_layers(name, generated):
    model = globals()[name]()
    shape = model.inputs[0].shape[1:]
    noise = np.random.default_rng(0).normal(size=(8, *shape)) * np.geomspace(0.1, 3, 8)[:, None, None]
    assert_bit_exact(generated(integer_file(model, {"ecg": noise})))


def feed_forward_layers():
    """Strides, dilation, depthwise and transposed convolutions, sums and products of sequences of different delay,
    means over each axis, unary operators, slices of time."""
    keras.utils.set_random_seed(1)
    ecg = keras.Input((97, 3), name="ecg")
    x = layers.Conv1D(6, 5, strides=2, padding="same", activation="relu")(ecg)  # (49, 6)
    slow = layers.Conv1D(6, 9, padding="same", dilation_rate=2)(x)
    gate = layers.Conv1D(6, 1, activation="sigmoid")(x)
    x = layers.Add()([layers.Multiply()([x, gate]), slow])
    x = layers.Activation("tanh")(layers.DepthwiseConv1D(3, padding="same", depth_multiplier=2)(x))  # (49, 12)
    x = layers.Subtract()([x, keras.ops.mean(x, axis=-1, keepdims=True)])
    x = layers.MaxPooling1D(3, 2, padding="same")(x)  # (25, 12)
    up = layers.Conv1DTranspose(4, 5, strides=2, padding="same", activation="relu")(x)  # (50, 4)
    up = layers.Cropping1D((1, 0))(up)  # (49, 4)
    both = [layers.GlobalAveragePooling1D()(x), layers.GlobalAveragePooling1D()(up)]
    both.append(layers.Flatten()(up[:, 7:9] * 0.5))
    x = layers.Dense(7, activation="relu")(layers.Concatenate()(both))
    return keras.Model(ecg, layers.Dense(4, activation="softmax", name="probabilities")(x))


def recurrent_forms():
    """Both directions kept, then only the last step of a backward one, which stays in its own order."""
    keras.utils.set_random_seed(2)
    ecg = keras.Input((23, 5), name="ecg")
    x = layers.Bidirectional(ClippedLSTM(5, return_sequences=True))(ecg)
    x = layers.Dense(6)(x)
    x = layers.PReLU(alpha_initializer=keras.initializers.Constant(0.25), shared_axes=(1, 2))(x)
    forward = ClippedLSTM(9, return_sequences=True)(x)
    last = ClippedLSTM(4, go_backwards=True)(forward)
    mean = layers.GlobalAveragePooling1D()(layers.Bidirectional(ClippedLSTM(3, return_sequences=True))(forward))
    return keras.Model(ecg, layers.Dense(3, name="probabilities")(layers.Concatenate()([last, mean])))


def odd_lengths():
    """Lengths that strides do not divide, kernels longer than the input, no padding."""
    keras.utils.set_random_seed(3)
    ecg = keras.Input((53, 2), name="ecg")
    x = layers.Conv1D(3, 15, strides=4, padding="same", activation="relu")(ecg)  # (14, 3)
    x = layers.Conv1D(5, 4, strides=3, padding="valid")(x)  # (4, 5)
    x = layers.Conv1D(5, 15, padding="same")(x)
    x = layers.MaxPooling1D(2, padding="valid")(x)
    return keras.Model(ecg, layers.Dense(3, activation="softmax", name="probabilities")(layers.Flatten()(x)))


# The ablations of cnn_att_bilstm are compared in one size: their layers are some of its own.
NAMES = ["cnn_att_bilstm", "rhythm_resnet1d", "htf_beat", "rhythm_from_beats", "cae", "vae_bilstm", "vae_bilstm_mha",
         "ecg_mamba"]  # fmt: skip
SYSTEMS = [(name, "tiny") for name in ["cnn", "cnn_att", "cnn_bilstm", *NAMES]]
SYSTEMS += [(name, "edge") for name in NAMES] + [("cnn_att_bilstm", "paper"), ("rhythm_from_beats", "paper")]


@pytest.fixture(scope="module", params=SYSTEMS, ids="-".join)
def architecture(request, generate_in, tmp_path_factory):
    """(architecture, preset, its program)"""
    name, preset = request.param
    return name, preset, generate_in(untrained(name, preset), tmp_path_factory.mktemp("system") / "program")


@pytest.mark.slow
def test_registered_architectures(architecture):
    name, preset, program = architecture
    assert_bit_exact(program)
    if (name, preset) == ("cnn_att_bilstm", "paper"):  # a minute of twelve leads
        assert program.plan.total < 48 * 1024 - 1024  # the stack has the rest


@pytest.mark.slow
@pytest.mark.skipif(bool(qemu.missing()), reason=f"not installed: {', '.join(qemu.missing())}")
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"])
def test_registered_architectures_on_cores(core, architecture):
    name, preset, program = architecture
    with qemu.CortexProgram(program.folder, core) as built:
        measured = built.measure()
    assert measured.differing == 0 and measured.values > 0
    assert measured.static < program.plan.total + 8  # to align members
    if (name, preset, core) == ("cnn_att_bilstm", "paper", "cortex-m4"):
        assert measured.instructions < 2.5 * count_multiplications(read_graph(program.data).operators)


@pytest.mark.slow
def test_registered_architectures_on_real_recordings(architecture, real_data):
    name, preset, program = architecture
    inputs = real_inputs(name, preset, real_data)
    lowered = lower(read_graph(program.data))
    distinct = set()
    for n in range(3):
        arrays = []
        for view, word in zip(lowered.inputs, lowered.names, strict=False):
            bounds, tensor = np.iinfo(view.tensor.dtype), view.tensor
            integers = np.round(inputs[word][n : n + 1] / tensor.scale) + tensor.zero_point
            arrays.append(np.clip(integers, bounds.min, bounds.max).astype(tensor.dtype).reshape(tensor.shape))
        expected = run_reference_kernels(program.data, arrays)
        found = program.run(arrays, [np.empty_like(array) for array in expected])
        for actual, desired in zip(found, expected, strict=True):
            np.testing.assert_array_equal(actual, desired)
        distinct.add(b"".join(array.tobytes() for array in [*arrays, *expected]))
    assert len(distinct) == 3


def real_inputs(name, preset, real_data):
    """{input: (3, …)} of three windows of real recordings, as the architecture's task makes them."""
    task, chosen = task_of(name, preset), find(name).presets[preset]
    database, count = ("ptbxl", 3) if 12 in chosen.parameters else ("mitdb", 1)
    real_data(database)
    dataset, window = Dataset.open(database, type(task)), SignalConfig(**chosen.signal).window_spec()
    if chosen.model.get("morphology", name == "rhythm_from_beats"):  # beats as an untrained classifier sees them
        beats = SignalConfig(**find("htf_beat").presets[preset].signal).window_spec()
        embedder = BeatEmbedder("htf_beat", find("htf_beat"), built("htf_beat", preset), beats, "untrained")
        embedder.knows_labels = False
        task.embed_beats = embedder
    recordings = dataset.prepare_subset(type(task), window, [entry.name for entry in dataset.entries[:count]])
    return task.inference_examples(recordings, window).subsample(3).batch(np.arange(3))


def untrained(name, preset):
    """The integer file of an architecture as it is before training, with batch norms that do something."""
    model = built(name, preset)
    random = np.random.default_rng(1)
    for layer in model._flatten_layers():
        if isinstance(layer, layers.BatchNormalization):
            layer.moving_mean.assign(0.2 * random.normal(size=layer.moving_mean.shape))
            layer.moving_variance.assign(np.exp(0.3 * random.normal(size=layer.moving_variance.shape)))
    return integer_file(model, inputs_of(model, np.arange(6)))


def integer_file(model, windows):
    """The integer file of a model, calibrated on `windows`."""
    return convert(model, ExportWindows(windows, windows)).data
