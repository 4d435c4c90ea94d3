"""Constants of a 16-bit file: scales per tensor, 8-bit constants, bias correction; both runtimes agree."""

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from handmade_tflite import TFLiteBuilder

from export.convert import int16, int16_weights
from export.convert.layer_walk import GroupedConvolution
from export.quantise.float_runner import FloatRunner, observe_windows
from export.tflite import flatbuffer, layout
from export.tflite.operator_facts import CONVOLUTION_BIAS, CONVOLUTION_WEIGHTS, INT16_STEPS_PER_INT8_CONSTANT
from export.verify.sqnr import sqnr_db
from firmware_bench.mcu import tflm
from firmware_bench.runtime.tflite_model import TFLiteModel

FRAMES = 30
IN_GROUPS = 12  # filters of the convolutions in two groups of channels


def convolution(kernel, bias, summand=None):
    """A model (FRAMES, channels) → (FRAMES, filters) of one convolution, kernel (taps, channels, filters), to which a
    summand may be added."""
    groups = 2 if kernel.shape[2] == IN_GROUPS else 1
    x = keras.Input((1, FRAMES, groups * kernel.shape[1]), batch_size=1, name="x")
    weights = kernel[None].astype(np.float32)
    taps = ((0, 0), (0, 0), (len(kernel) // 2,) * 2, (0, 0))
    grouped = GroupedConvolution(weights, (1, 1), (1, 1))
    y = grouped(keras.ops.pad(x, taps)) if groups > 1 else keras.ops.conv(x, weights, padding="same")
    y = y + bias.astype(np.float32)
    return keras.Model(x, {"y": y if summand is None else y + summand.astype(np.float32)})


def quantised(model, windows):
    """The 16-bit file of a model, calibrated on windows (n, 1, FRAMES, channels)."""
    graph = int16.convert_calibrated_float(model)
    return int16.quantise(graph, (), observe_windows(FloatRunner(graph), windows))


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def weights_and_bias(data):
    file = flatbuffer.read(data)
    ((_, operator, graph),) = [found for found in flatbuffer.operators(file) if found[0] == "CONV_2D"]
    return [graph.tensors[operator.inputs[part]] for part in (CONVOLUTION_WEIGHTS, CONVOLUTION_BIAS)]


def answers(data, windows):
    """What LiteRT's reference kernels answer, float, once TensorFlow Lite Micro has given the same bytes."""
    model = TFLiteModel(data, kernels="reference")
    x, y = model.inputs[0], model.outputs[0]
    integers = [[np.rint(np.clip(w[None] / x.scale, -32768, 32767)).astype(np.int16)] for w in windows]
    found = [model.run_raw(arrays)[0] for arrays in integers]
    for ours, (theirs,) in zip(found, tflm.run_windows(data, integers), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    return np.concatenate(found) * y.scale


@pytest.mark.parametrize(("spread", "scales"), [(3.5, 1), (4.5, 8)])
def test_channels_with_similar_scales_get_one_scale(spread, scales):
    kernel = noise(3, 4, 8)
    kernel *= np.geomspace(1, spread, 8) / np.abs(kernel).max(axis=(0, 1))
    windows = noise(20, 1, FRAMES, 4)
    model = convolution(kernel, noise(8))
    data = quantised(model, windows)
    weights, _ = weights_and_bias(data)
    assert len(weights.quantization.scale) == scales
    expected = model.predict(windows, batch_size=1, verbose=0)["y"]
    assert sqnr_db(expected, answers(data, windows)) > 38


@pytest.mark.parametrize("filters", [8, IN_GROUPS])
def test_bias_correction_removes_the_mean_error_of_rounded_weights(filters, monkeypatch):
    channels = np.repeat(np.float32([5, -3]), 8) if filters == IN_GROUPS else 5  # the mean that each group reads
    kernel, windows = noise(3, 8 if filters == IN_GROUPS else 16, filters), channels + noise(20, 1, FRAMES, 16)
    model = convolution(kernel, noise(filters))
    expected = model.predict(windows, batch_size=1, verbose=0)["y"][:, :, 1:-1]

    def excess():
        return np.abs((answers(quantised(model, windows), windows)[:, :, 1:-1] - expected).mean(axis=(0, 1, 2))).max()

    corrected = excess()
    monkeypatch.setattr(int16_weights, "correct_biases", lambda *arguments: None)
    assert corrected < 0.1 * excess()


def test_a_bias_of_zeros_stays_zero():
    _, bias = weights_and_bias(quantised(convolution(noise(3, 16, 8), np.zeros(8)), 5 + noise(20, 1, FRAMES, 16)))
    assert bias.shape.tolist() == [8]


@pytest.mark.parametrize(("taps", "kind"), [(7, "INT32"), (11, "INT64")])
def test_sums_have_32_bits_where_they_cannot_overflow(taps, kind):
    """65,535 times the lowest value is what they hold: weights of 7 x 64 x 127 at most, not of 11 x 64 x 127."""
    kernel = np.broadcast_to(np.where(np.arange(taps) % 2, -1.0, 1.0)[:, None, None], (taps, 64, 4))
    largest = np.where(np.arange(FRAMES) % 2, -1.0, 1.0)[None, None, :, None] * np.ones((3, 1, 1, 64), np.float32)
    data = quantised(convolution(kernel, noise(4)), largest.astype(np.float32))
    _, bias = weights_and_bias(data)
    assert flatbuffer.type_name(bias) == kind
    found = answers(data, largest)
    assert np.abs(np.abs(found[:, :, taps:-taps]) - taps * 64).max() < 0.05 * taps * 64


@pytest.mark.parametrize("filters", [8, 10])
def test_large_summands_have_8_bits(filters):
    """30 frames of 8 are less than 256 numbers, of 10 more."""
    summand = noise(FRAMES, filters)
    windows = noise(20, 1, FRAMES, 4)
    model = convolution(noise(3, 4, filters), noise(filters), summand)
    data = quantised(model, windows)
    widened = [found for found in flatbuffer.operators(flatbuffer.read(data)) if found[0] == "QUANTIZE"]
    assert len(widened) == (filters == 10)
    for _, operator, graph in widened:
        narrow, wide = (graph.tensors[part[0]].quantization.scale[0] for part in (operator.inputs, operator.outputs))
        assert narrow == INT16_STEPS_PER_INT8_CONSTANT * wide  # so that a program may have the product
    expected = model.predict(windows, batch_size=1, verbose=0)["y"]
    assert sqnr_db(expected, answers(data, windows)) > 38


def test_broadcasting_operators_bypass_a_reshape_that_drops_leading_ones():
    file = TFLiteBuilder()
    x, y = (file.tensor((1, 1, 1, 6), np.int16, 2.0**-12) for _ in range(2))
    idle = file.operator("RESHAPE", 1, [x, file.constant([6], np.int32)], file.tensor((6,), np.int16, 2.0**-12))
    row = file.tensor((6,), np.int16, 2.0**-12)
    column = file.tensor((6, 1), np.int16, 2.0**-12)
    turned = file.operator("RESHAPE", 1, [row, file.constant([6, 1], np.int32)], column)
    sums = [
        file.operator("ADD", 2, ends, file.tensor(shape, np.int16, 2.0**-11))
        for ends, shape in (([y, idle], (1, 1, 1, 6)), ([row, idle], (6,)), ([turned, row], (6, 6)))
    ]
    data = file.data([x, y, row], sums)
    model = flatbuffer.read(data)
    model.signatureDefs = [signature(model)]
    layout.compact_for_micro(model)
    made = flatbuffer.write(model)
    names = [name for name, _, _ in flatbuffer.operators(model)]
    assert names.count("RESHAPE") == 2  # for a sum of one axis, and where rows become columns
    numbers = np.arange(-9, 9, dtype=np.int16) * 700
    arrays = [[numbers[:6].reshape(1, 1, 1, 6), numbers[6:12].reshape(1, 1, 1, 6), numbers[12:]]]
    for ours, theirs in zip(tflm.run_windows(data, arrays)[0], tflm.run_windows(made, arrays)[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    (graph,) = model.subgraphs
    assert any({*operator.inputs} == {*graph.inputs[:2]} for operator in graph.operators)


def signature(model):
    (graph,) = model.subgraphs
    maps = [
        [schema.TensorMapT(name=b"%s%d" % (kind, n), tensorIndex=int(tensor)) for n, tensor in enumerate(ends)]
        for kind, ends in ((b"in", graph.inputs), (b"out", graph.outputs))
    ]
    return schema.SignatureDefT(inputs=maps[0], outputs=maps[1], signatureKey=b"serving_default", subgraphIndex=0)


@pytest.mark.parametrize("limit", [0.7, 3.0])
def test_limits_have_the_scale_of_what_they_limit(limit):
    """Two sums of different ranges are limited to the same numbers, which the converter writes once."""
    x = keras.Input((1, FRAMES, 4), batch_size=1, name="x")
    small, large = (keras.ops.clip(x * factor, -limit, limit) for factor in (1.0, 9.0))
    windows = noise(20, 1, FRAMES, 4)
    model = keras.Model(x, {"y": small + large})
    data = quantised(model, windows)
    for name, operator, graph in flatbuffer.operators(flatbuffer.read(data)):
        if name in int16_weights.LIMITS:
            scales = {graph.tensors[n].quantization.scale[0] for n in (*operator.inputs, *operator.outputs)}
            assert len(scales) == 1
        assert name != "QUANTIZE"
    assert sqnr_db(model.predict(windows, batch_size=1, verbose=0)["y"], answers(data, windows)) > 60
