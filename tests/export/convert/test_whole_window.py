"""Selective state spaces over a whole window: equal to Keras in float, close in 16-bit integers."""

import keras
import numpy as np
import pytest
from steps import shaken

from ecg_edge.records.synthetic_ecg import synthesise
from ecg_edge.tflite_predictor import TFLitePredictor
from export import exporter
from export.convert.conversion_job import ExportWindows
from export.convert.int16 import convert_calibrated_float, quantise
from export.convert.whole_window import prefix_scan, rebuild_for_int16, shift
from export.quantise import ranges
from export.quantise.float_runner import ActivationStatistics
from export.tflite import flatbuffer
from export.verify.prediction_agreement import check_predictions
from export.verify.sqnr import sqnr_db
from firmware_bench.mcu import tflm
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ModelMetadata, WindowMetadata
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.reference_vector import verify_reference
from firmware_bench.runtime.tflite_model import TFLiteModel
from models_keras.ecg_mamba import ecg_mamba
from models_keras.layers.lstm import ClippedLSTM
from models_keras.layers.selective_ssm import SelectiveSSM

FS, SAMPLES, LEADS = 100, 200, 2


def windows(count, first=0):
    """(count, SAMPLES, LEADS) of synthetic rhythms, z-scored."""
    signals = [
        synthesise("AF" if n % 2 else "SNR", n, SAMPLES / FS, float(FS), ("I", "V1")).signal for n in range(count)
    ]
    return np.stack([(x - x.mean(0)) / x.std(0) for x in signals]).astype(np.float32)[first:]


def both_ways(**settings):
    """A tiny ECGMamba as it is registered: bidirectional, with positions."""
    keras.utils.set_random_seed(0)
    return shaken(ecg_mamba(SAMPLES, LEADS, classes=3, width=16, states=4, blocks=1, **settings))


def answers(model, x):
    return np.concatenate([keras.ops.convert_to_numpy(model(window[None])["probabilities"]) for window in x])


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("frames", [1, 2, 7, 8, 50])
def test_scan_gives_the_states_of_the_recurrence(frames, backwards):
    random = np.random.default_rng(frames)
    kept, added = random.uniform(0.5, 1, (1, frames, 3, 2)), random.normal(size=(1, frames, 3, 2))
    state, states = 0.0, [None] * frames
    for t in range(frames)[:: -1 if backwards else 1]:
        states[t] = state = kept[0, t] * state + added[0, t]
    found = prefix_scan(*(keras.ops.convert_to_tensor(v.astype(np.float32)) for v in (added, kept)), backwards)
    np.testing.assert_allclose(found[0], states, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("settings", [{"normalisation": False}, {"normalisation": False, "encoder": False}])
def test_the_rebuilt_float_model_gives_the_same_outputs(settings):
    model = both_ways(**settings)
    x = windows(2)
    np.testing.assert_allclose(answers(rebuild_for_int16(model), x), model.predict(x, verbose=0), atol=1e-5)


def test_convolutions_and_pools_of_every_padding():
    ecg = keras.Input((SAMPLES, LEADS), name="ecg")
    x = keras.layers.Conv1D(4, 5, dilation_rate=3, padding="causal")(ecg)
    x = keras.layers.Conv1D(4, 3, strides=2, padding="valid")(x)
    x = keras.layers.MaxPooling1D(3, 2, padding="same")(x)
    x = keras.layers.AveragePooling1D(4, padding="valid")(x)
    model = shaken(keras.Model(ecg, keras.layers.Dense(3, name="probabilities")(SelectiveSSM(3, 2)(x))))
    found = answers(rebuild_for_int16(model), windows(2))
    np.testing.assert_allclose(found, model.predict(windows(2), verbose=0), atol=1e-4)


@pytest.mark.parametrize("backwards", [False, True])
def test_shifts_in_time_keep_their_scale(backwards):
    ecg = keras.Input((20, 3, 2), batch_size=1, name="ecg")
    graph = convert_calibrated_float(keras.Model(ecg, {"late": shift(ecg, 4, backwards)}))
    file = flatbuffer.read(graph)
    signal, late = file.subgraphs[0].inputs, file.subgraphs[0].outputs
    ends = {int(signal[0]): 1.0, int(late[0]): 0.1}
    observed = ActivationStatistics(
        {tensor: ranges.ObservedRange(np.zeros(0), -end, end) for tensor, end in ends.items()}, means={}
    )
    model = TFLiteModel(quantise(graph, (), observed))
    assert model.inputs[0].scale == model.outputs[0].scale
    values = np.arange(-2400, 2400, 40, np.int16).reshape(1, 20, 3, 2)
    (found,) = model.run_raw([values])
    expected = np.concatenate([np.zeros((4, 3, 2)), values[0, :-4]])
    if backwards:
        expected = np.concatenate([values[0, 4:], np.zeros((4, 3, 2))])
    np.testing.assert_array_equal(found[0], expected)


def test_a_layer_without_16_bit_form_is_named():
    x = keras.Input((SAMPLES, LEADS), name="ecg")
    for layer, message in (
        (ClippedLSTM(4, name="memory"), r"'memory' \(ClippedLSTM\) runs over 200 steps, and is unrolled up to 64"),
        (keras.layers.Conv1DTranspose(4, 3, name="wide"), None),
        (keras.layers.Masking(name="mask"), r"'mask' \(Masking\) has no form with 16-bit activations"),
    ):
        model = keras.Model(x, layer(SelectiveSSM(3, 2)(x)))
        if message is None:
            assert rebuild_for_int16(model)
            continue
        with pytest.raises(InputError, match=message):
            rebuild_for_int16(model)


def grid(layer):
    """Of an image of two axes."""
    return lambda x: layer(keras.layers.Reshape((4, 4, 6))(x))


LAYERS = {
    "Conv1D, groups": keras.layers.Conv1D(6, 3, groups=2, padding="same"),
    "depthwise": keras.layers.DepthwiseConv1D(4, strides=2, padding="same"),
    "transposed": keras.layers.Conv1DTranspose(4, 5, strides=2),
    "Conv2D": grid(keras.layers.Conv2D(5, 3, strides=2)),
    "Conv2DTranspose": grid(keras.layers.Conv2DTranspose(5, 3, strides=2, padding="same")),
    "pools of two axes": grid(lambda x: keras.layers.GlobalMaxPooling2D()(keras.layers.AveragePooling2D(2)(x))),
    "LSTM backwards": keras.layers.LSTM(4, go_backwards=True),
    "both ways": keras.layers.Bidirectional(ClippedLSTM(4, return_sequences=True)),
    "both ways, summed": keras.layers.Bidirectional(keras.layers.GRU(4), merge_mode="sum"),
    "both ways, averaged": keras.layers.Bidirectional(
        keras.layers.SimpleRNN(4, return_sequences=True), merge_mode="ave"
    ),
    "both ways, multiplied": keras.layers.Bidirectional(keras.layers.GRU(4, use_bias=False), merge_mode="mul"),
    "a slope for each sample": keras.layers.PReLU("random_normal"),
    "softmax over time": keras.layers.Softmax(axis=1),
    "attention": lambda x: keras.layers.MultiHeadAttention(2, 3)(x, x),
    "whole": lambda x: keras.layers.Dense(3)(keras.layers.Flatten()(keras.layers.ZeroPadding1D(2)(x))),
    "repeated": lambda x: keras.layers.RepeatVector(3)(keras.layers.GlobalMaxPooling1D()(x)),
    "product over time": lambda x: keras.layers.Dot(axes=1)([x, keras.layers.Cropping1D(0)(x)]),
    "joined in time": lambda x: keras.layers.Concatenate(axis=1)([x, keras.layers.Permute((1, 2))(x)]),
    "frame by frame": lambda x: keras.layers.TimeDistributed(keras.layers.Conv1D(2, 3))(
        keras.layers.Reshape((4, 4, 6))(x)
    ),
    "operations": lambda x: keras.ops.stack([x, keras.ops.flip(x, axis=1)], axis=2),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_in_its_own_shape_gives_the_same_outputs(name):
    keras.utils.set_random_seed(0)
    ecg = keras.Input((16, LEADS), name="ecg")
    model = shaken(keras.Model(ecg, LAYERS[name](keras.layers.Conv1D(6, 3, padding="same")(ecg))))
    window = windows(1)[:, :16]
    (found,) = rebuild_for_int16(model)(window).values()
    np.testing.assert_allclose(found, model.predict(window, verbose=0), atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.GroupNormalization(2),
        keras.layers.LayerNormalization(axis=[1, 2]),
        keras.layers.LayerNormalization(),
    ],
)
def test_normalisations_of_a_window_approximate_the_root_alone(layer):
    ecg = keras.Input((16, LEADS), name="ecg")
    model = shaken(keras.Model(ecg, layer(keras.layers.Conv1D(6, 3, padding="same")(ecg))))
    window = windows(1)[:, :16]
    (found,) = rebuild_for_int16(model)(window).values()
    assert sqnr_db(model.predict(window, verbose=0), np.asarray(found)) > 45


def test_fine_tuning_is_refused_and_leaves_no_file(tmp_path):
    some = {"ecg": windows(2)}
    with pytest.raises(InputError, match="16-bit activations, which are found by calibration alone: leave out qat"):
        exporter.export(both_ways(), ExportWindows(some, some, some), tmp_path / "model.tflite", {}, None, qat_epochs=1)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def model():
    return both_ways()


@pytest.fixture(scope="module")
def report(model, tmp_path_factory):
    """The result of an export that passed."""
    check, labels = windows(60, first=40), ["a", "b", "c"]
    truth = model.predict(check, verbose=0).argmax(-1)

    def compare(expected, found):
        return check_predictions(*(outputs["probabilities"].argmax(-1) for outputs in (expected, found)), truth, labels)

    folder = tmp_path_factory.mktemp("window")
    metadata = ModelMetadata(labels=tuple(labels), fs=float(FS), window=WindowMetadata(SAMPLES, SAMPLES))
    return exporter.export(
        model, ExportWindows({"ecg": windows(40)}, {"ecg": check}), folder / "model.tflite", metadata, compare
    )


@pytest.mark.slow
def test_checks_and_metadata(report):
    assert len(report.checks) == 10 and all(check.passed for check in report.checks)
    metadata = read_metadata(report.path.read_bytes())
    assert metadata == report.metadata
    assert metadata.quantisation.activations == "int16" and "8-bit scale" in metadata.quantisation.reason
    (ecg,), (probabilities,) = metadata.inputs, metadata.outputs
    assert (ecg.name, ecg.shape, ecg.dtype) == ("ecg", (1, SAMPLES, LEADS), "int16")
    assert (probabilities.name, probabilities.shape) == ("probabilities", (1, 3))
    assert verify_reference(TFLiteModel(report.path))


@pytest.mark.slow
def test_it_agrees_with_keras_on_other_windows(model, report):
    others = windows(120, first=100)
    found = TFLitePredictor(report.path)({"ecg": others})
    assert sqnr_db(model.predict(others, verbose=0), found) > 35


@pytest.mark.slow
def test_no_operator_computes_in_float_or_in_8_bits(report):
    for _, operator, graph in flatbuffer.operators(flatbuffer.read(report.path.read_bytes())):
        assert flatbuffer.type_name(graph.tensors[operator.outputs[0]]) == "INT16"


@pytest.mark.slow
def test_four_tensors_of_states_of_half_the_channels_are_in_memory_at_a_time(report):
    frames, width, states = SAMPLES // 4, 2 * 16, 4
    assert tflm.measure_arena(report.path.read_bytes()).head < 1.6 * 4 * (2 * frames * width / 2 * states)


@pytest.mark.slow
def test_no_constant_is_in_the_file_twice(report):
    file = flatbuffer.read(report.path.read_bytes())
    contents = [bytes(np.asarray(buffer.data, np.uint8)) for buffer in file.buffers if buffer.data is not None]
    assert len(set(contents)) == len(contents)
    (graph,) = file.subgraphs
    assert len(graph.tensors) < 1.4 * len(graph.operators)
    sizes = {"INT8": 1, "INT16": 2, "INT32": 4, "INT64": 8}
    for tensor in graph.tensors:  # equal in bytes is equal in kind: a bias of four zeros is longer than their indices
        content = file.buffers[tensor.buffer].data
        shape = [] if tensor.shape is None else tensor.shape
        assert content is None or len(content) == np.prod(shape) * sizes[flatbuffer.type_name(tensor)]
