"""Convolutions and pools over two axes and in groups of channels, in 8 and 16 bits: files made by hand."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from bit_exact import assert_bit_exact
from handmade_tflite import TFLiteBuilder

from export.c99.lower import lower
from export.c99.read_graph import read_graph
from firmware_bench.runtime.errors import InputError

SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
RELU = schema.ActivationFunctionType.RELU
INT8, INT16 = np.int8, np.int16
random = np.random.default_rng(7)


def output_sizes(sizes, kernel, stride, dilation, padding):
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    rest = [n if padding == SAME else n - r + 1 for n, r in zip(sizes, reach, strict=True)]
    return [-(-n // s) for n, s in zip(rest, stride, strict=True)]


def convolution(kind, shape, channels, kernel, stride=(1, 1), dilation=(1, 1), padding=SAME, groups=1, depthwise=0):
    """One convolution of `shape` (n, height, width, depth); depthwise: its channels for every one of the input."""
    file = TFLiteBuilder()
    x = file.tensor(shape, kind, 0.05, -7 if kind is INT8 else 0)
    form = (1, *kernel, shape[3] * depthwise) if depthwise else (channels, *kernel, shape[3] // groups)
    count, axis = (form[3], 3) if depthwise else (channels, 0)
    weights = file.constant(random.integers(-127, 128, form), np.int8, random.uniform(1e-3, 4e-3, count), axis)
    wide = np.int32 if kind is INT8 else np.int64
    bias = file.constant(random.integers(-2000, 2000, count), wide)
    made = (shape[0], *output_sizes(shape[1:3], kernel, stride, dilation, padding), count)
    y = file.tensor(made, kind, 0.08 if kind is INT8 else 9e-2, 11 if kind is INT8 else 0)
    options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
    options.padding, (options.strideH, options.strideW) = padding, stride
    options.dilationHFactor, options.dilationWFactor = dilation
    if depthwise:
        options.depthMultiplier = depthwise
    name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    return file.data([x], [file.operator(name, 3, [x, weights, bias], y, options)])


CONVOLUTIONS = {
    "groups over time": {"shape": (1, 1, 13, 6), "channels": 4, "kernel": (1, 3), "groups": 2},
    "groups over time, strides": {
        "shape": (1, 1, 14, 6),
        "channels": 9,
        "kernel": (1, 5),
        "stride": (1, 2),
        "groups": 3,
    },
    "groups over time, dilation": {
        "shape": (1, 1, 17, 4),
        "channels": 4,
        "kernel": (1, 3),
        "dilation": (1, 3),
        "groups": 4,
    },
    "groups, valid": {"shape": (1, 1, 13, 6), "channels": 4, "kernel": (1, 4), "padding": VALID, "groups": 2},
    "two axes": {"shape": (1, 7, 5, 3), "channels": 5, "kernel": (3, 3)},
    "two axes, even kernel": {"shape": (1, 6, 7, 2), "channels": 3, "kernel": (2, 4)},
    "two axes, strides": {"shape": (1, 9, 8, 3), "channels": 4, "kernel": (3, 2), "stride": (2, 3)},
    "two axes, dilation": {"shape": (1, 9, 8, 3), "channels": 4, "kernel": (3, 2), "dilation": (2, 3)},
    "two axes, valid": {"shape": (1, 9, 8, 3), "channels": 4, "kernel": (4, 3), "padding": VALID},
    "two axes, groups": {"shape": (1, 6, 5, 4), "channels": 6, "kernel": (3, 3), "groups": 2},
    "pointwise over two axes, strides": {"shape": (1, 6, 5, 4), "channels": 3, "kernel": (1, 1), "stride": (2, 2)},
    "kernel longer than the input": {"shape": (1, 2, 3, 2), "channels": 3, "kernel": (5, 7)},
    "several planes": {"shape": (3, 1, 9, 4), "channels": 5, "kernel": (1, 3)},
    "depthwise over two axes": {"shape": (1, 7, 5, 3), "channels": 0, "kernel": (3, 3), "depthwise": 1},
    "depthwise over two axes, strides": {
        "shape": (1, 7, 6, 3),
        "channels": 0,
        "kernel": (3, 2),
        "stride": (2, 2),
        "depthwise": 2,
    },
    "depthwise over one of two axes": {"shape": (1, 7, 6, 3), "channels": 0, "kernel": (1, 3), "depthwise": 1},
}


@pytest.mark.parametrize("kind", [INT8, INT16])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name, kind, generated):
    assert_bit_exact(generated(convolution(kind, **CONVOLUTIONS[name])))


@pytest.mark.parametrize("kind", [INT8, INT16])
@pytest.mark.parametrize("padding", [SAME, VALID])
def test_transposed_convolution_over_two_axes(padding, kind, generated):
    file = TFLiteBuilder()
    x = file.tensor((1, 4, 5, 3), kind, 0.05, 3 if kind is INT8 else 0)
    weights = file.constant(random.integers(-127, 128, (4, 3, 2, 3)), np.int8, random.uniform(1e-3, 4e-3, 4))
    bias = file.constant(random.integers(-2000, 2000, 4), np.int32 if kind is INT8 else np.int64)
    shape = (1, 8, 15, 4) if padding == SAME else (1, 9, 15, 4)
    y = file.tensor(shape, kind, 0.08, 0)
    options = schema.TransposeConvOptionsT(padding=padding, strideH=2, strideW=3)
    operator = file.operator("TRANSPOSE_CONV", 3, [file.constant(shape, np.int32), weights, x, bias], y, options)
    assert_bit_exact(generated(file.data([x], [operator])))


@pytest.mark.parametrize("kind", [INT8, INT16])
@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize("name", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
@pytest.mark.parametrize(
    ("shape", "kernel", "stride"),
    [((1, 1, 13, 5), (1, 3), (1, 2)), ((1, 7, 9, 2), (3, 2), (2, 3)), ((1, 4, 6, 3), (4, 6), (1, 1))],
)
def test_pools(name, padding, shape, kernel, stride, kind, generated):
    file = TFLiteBuilder()
    scales = (0.05, -7) if kind is INT8 else (0.05, 0)
    x = file.tensor(shape, kind, *scales)
    sizes = output_sizes(shape[1:3], kernel, stride, (1, 1), padding)
    y = file.tensor((1, *sizes, shape[3]), kind, *scales)
    options = schema.Pool2DOptionsT(padding=padding, fusedActivationFunction=RELU)
    options.filterHeight, options.filterWidth = kernel
    options.strideH, options.strideW = stride
    assert_bit_exact(generated(file.data([x], [file.operator(name, 3, [x], y, options)])))


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"shape": (2, 4, 5, 3), "channels": 2, "kernel": (3, 3)}, "no convolutions of several planes"),
        ({"shape": (1, 1, 8, 6), "channels": 3, "kernel": (1, 3), "groups": 2}, "6 channels with weights"),
    ],
)
def test_what_the_kernels_do_not_have_is_refused(form, message):
    with pytest.raises(InputError, match=message):
        lower(read_graph(convolution(INT8, **form)))


def test_equal_constants_are_stored_once(generated):
    """Those of the steps of an unrolled loop are."""
    file = TFLiteBuilder()
    x = file.tensor((1, 1, 9, 4), INT8, 0.05)
    weights = file.constant(random.integers(-127, 128, (4, 1, 1, 4)), np.int8, random.uniform(1e-2, 2e-2, 4))
    bias = file.constant(random.integers(-2000, 2000, 4), np.int32)
    options = {"padding": SAME, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    y = x
    for _ in range(3):
        made = file.tensor((1, 1, 9, 4), INT8, 0.05)
        y = file.operator("CONV_2D", 3, [y, weights, bias], made, schema.Conv2DOptionsT(**options))
    program = generated(file.data([x], [y]))
    assert_bit_exact(program)
    source = (program.folder / f"{program.prefix}.c").read_text()
    assert source.count("static const int8_t") == 2 and source.count("struct ecg_conv_params_s8") == 3  # and the shifts
