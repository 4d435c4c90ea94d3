"""Operators that no model of the other tests has, or not in every form: files made by hand."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from bit_exact import assert_bit_exact
from handmade_tflite import TFLiteBuilder

from export.c99.lower import lower
from export.c99.read_graph import read_graph
from export.quantise.long_softmax import widen_long_softmax
from firmware_bench.runtime.errors import InputError

SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
RELU = schema.ActivationFunctionType.RELU
random = np.random.default_rng(3)


def random_constants(shape, dtype, limit=None):
    """Constants over all of their range, or up to ± limit."""
    limit = limit or np.iinfo(dtype).max
    return random.integers(-limit, limit + 1, shape).astype(dtype)


def pads():
    """8 bits, whose padding is the zero point."""
    file = TFLiteBuilder()
    x = file.tensor((1, 1, 6, 5), np.int8, 0.05, -3)
    y = file.tensor((1, 1, 9, 7), np.int8, 0.05, -3)
    amounts = file.constant([[0, 0], [0, 0], [2, 1], [0, 2]], np.int32)
    return file.data([x], [file.operator("PAD", 2, [x, amounts], y, schema.PadOptionsT())])


def unary_operators():
    """RSQRT and QUANTIZE, tables in 8 bits."""
    file = TFLiteBuilder()
    x = file.tensor((1, 64), np.int8, 0.03, -128)
    root = file.operator("RSQRT", 2, [x], file.tensor((1, 64), np.int8, 0.1, -128))
    coarse = file.operator("QUANTIZE", 1, [x], file.tensor((1, 64), np.int8, 0.07, 11), schema.QuantizeOptionsT())
    return file.data([x], [root, coarse])


def sixteen_bits():
    """Scales that are no powers of two, sums that 32 bits do not hold, ends of the range."""
    file = TFLiteBuilder()
    outputs = []

    def value(shape, scale):
        return file.tensor(shape, np.int16, scale)

    x, y = value((1, 1, 12, 6), 3.1e-4), value((1, 1, 12, 6), 1.7e-4)

    def add(name, version, inputs, shape, scale, options=None):
        outputs.append(file.operator(name, version, inputs, value(shape, scale), options))
        return outputs[-1]

    shape = (1, 1, 12, 6)
    total = add("ADD", 2, [x, y], shape, 4e-4, schema.AddOptionsT())
    add(
        "SUB",
        2,
        [y, file.constant(random_constants((6,), np.int16), np.int16, 2e-4)],
        shape,
        3e-4,
        schema.SubOptionsT(),
    )
    fine = float(np.float32(1.3e-4))
    narrow, wide = (
        file.constant(random_constants((12, 6), np.int8), np.int8, 128 * fine),
        file.tensor((12, 6), np.int16, fine),
    )
    file.tensors[narrow].quantization.zeroPoint = [127]
    add("ADD", 2, [x, file.operator("QUANTIZE", 1, [narrow], wide, schema.QuantizeOptionsT())], shape, 5e-4,
        schema.AddOptionsT())  # fmt: skip
    product = add("MUL", 2, [x, y], shape, 2e-3, schema.MulOptionsT(fusedActivationFunction=RELU))
    add("MAXIMUM", 3, [x, file.constant(random_constants((6,), np.int16), np.int16, 3.1e-4)], shape, 3.1e-4)
    mean = add("MEAN", 2, [x, file.constant([3], np.int32)], (1, 1, 12, 1), 2e-4, schema.ReducerOptionsT(keepDims=True))
    add("SUB", 2, [x, mean], shape, 3.5e-4, schema.SubOptionsT())
    add("MEAN", 2, [total, file.constant([2], np.int32)], (1, 1, 1, 6), 3e-4, schema.ReducerOptionsT(keepDims=True))
    amounts = file.constant([[0, 0], [0, 0], [3, 0], [0, 0]], np.int32)
    add("PAD", 3, [product, amounts], (1, 1, 15, 6), 2e-3, schema.PadOptionsT())
    add("TRANSPOSE", 4, [x, file.constant([0, 3, 1, 2], np.int32)], (1, 6, 1, 12), 3.1e-4, schema.TransposeOptionsT())
    add("MAX_POOL_2D", 3, [y], (1, 1, 6, 6), 1.7e-4, pool())
    turned = file.operator("RESHAPE", 1, [y, file.constant([1, 1, 6, 12], np.int32)], value((1, 1, 6, 12), 1.7e-4))
    add("BATCH_MATMUL", 2, [x, turned], (1, 1, 12, 12), 5e-4, schema.BatchMatMulOptionsT())
    add("BATCH_MATMUL", 2, [x, y], (1, 1, 12, 12), 9e-4, schema.BatchMatMulOptionsT(adjY=True))
    return file.data([x, y], outputs)


def pool():
    return schema.Pool2DOptionsT(padding=SAME, strideW=2, strideH=1, filterWidth=3, filterHeight=1)


def convolutions_in_sixteen_bits():
    """Over time and over the first axis, with and without padding; one of more products than 32 bits can add."""
    file = TFLiteBuilder()
    outputs = []

    def conv(name, x, shape, weights, padding, form, axis=0, limit=30_000, kind=np.int64):
        channels = weights.shape[axis]
        scales = np.geomspace(1e-3, 3e-3, channels)
        bias = file.constant(random_constants(channels, kind, limit), kind)
        inputs = [x, file.constant(weights, np.int8, scales, axis), bias]
        outputs.append(file.operator(name, 3, inputs, file.tensor(shape, np.int16, 2e-3), form))
        form.padding, form.strideH = padding, 1
        form.strideW = form.strideW or 1

    x = file.tensor((1, 1, 10, 90), np.int16, 3.1e-4)
    extreme = np.where(random.random((5, 1, 7, 90)) < 0.9, 127, -127)
    conv("CONV_2D", x, (1, 1, 10, 5), extreme, SAME, schema.Conv2DOptionsT(), limit=2**31 - 1)
    conv("CONV_2D", x, (1, 1, 2, 6), random_constants((6, 1, 7, 90), np.int8), VALID, schema.Conv2DOptionsT(strideW=2))
    narrow = schema.Conv2DOptionsT(strideW=2, quantizedBiasType=schema.TensorType.INT32)
    conv(
        "CONV_2D",
        x,
        (1, 1, 2, 6),
        random_constants((6, 1, 7, 90), np.int8, 80),
        VALID,
        narrow,
        limit=10**8,
        kind=np.int32,
    )
    shift = schema.DepthwiseConv2DOptionsT(depthMultiplier=1, dilationHFactor=2, dilationWFactor=1)
    grid = file.operator("RESHAPE", 1, [x, file.constant([1, 10, 3, 30], np.int32)],
                         file.tensor((1, 10, 3, 30), np.int16, 3.1e-4))  # fmt: skip
    conv("DEPTHWISE_CONV_2D", grid, (1, 10, 3, 30), random_constants((1, 3, 1, 30), np.int8), SAME, shift, axis=3)
    even = schema.DepthwiseConv2DOptionsT(depthMultiplier=1, dilationHFactor=3, dilationWFactor=1)
    conv("DEPTHWISE_CONV_2D", grid, (1, 10, 3, 30), random_constants((1, 2, 1, 30), np.int8), SAME, even, axis=3)
    scale = schema.DepthwiseConv2DOptionsT(depthMultiplier=1, dilationHFactor=1, dilationWFactor=1)
    conv("DEPTHWISE_CONV_2D", x, (1, 1, 10, 90), random_constants((1, 1, 1, 90), np.int8), VALID, scale, axis=3)
    return file.data([x], outputs)


def time_shifted_products():
    """Products with tensors shifted in time, of one tensor with itself and of two, also summed, over whole times and
    over rows; and products that are none of these."""
    file = TFLiteBuilder()
    scale, shape, outputs = 2.0**-12, (1, 10, 3, 4), []

    def moved(x, taps, dilation=1, to=scale, weight=1 / 127, rows=False):
        width, place = (12, (1, len(taps), 12)) if rows else (4, (len(taps), 1, 4))
        weights = np.broadcast_to(np.reshape(taps, (1, len(taps), 1, 1)), (1, len(taps), 1, width))
        kernel = file.constant(np.reshape(weights, (1, *place)), np.int8, [weight] * width, 3)
        options = schema.DepthwiseConv2DOptionsT(depthMultiplier=1, strideH=1, strideW=1, padding=SAME)
        options.dilationHFactor, options.dilationWFactor = (1, dilation) if rows else (dilation, 1)
        y = file.tensor((1, 1, 10, 12) if rows else shape, np.int16, to)
        return file.operator("DEPTHWISE_CONV_2D", 3, [x, kernel], y, options)

    def value(name, x, y, like=shape):
        options = schema.MulOptionsT() if name == "MUL" else schema.AddOptionsT()
        return file.operator(name, 2, [x, y], file.tensor(like, np.int16, scale), options)

    x, y = file.tensor(shape, np.int16, scale), file.tensor(shape, np.int16, scale)
    product, total = value("MUL", x, moved(y, [127, 0, 0])), x
    for taps, dilation in [([127, 0, 0], 1), ([0, 0, 127], 2), ([127, 0, 0], 4), ([0, 127], 3), ([0, 0, 127], 10)]:
        product = value("MUL", product, moved(product, taps, dilation))  # in its own place
        outputs.append(value("MUL", moved(x, taps, dilation), product))
        product = value("ADD", product, x)
        total = value("ADD", total, value("MUL", y, moved(total, taps, dilation)))
        total = value("ADD", value("MUL", moved(total, taps, dilation), x), total)
    outputs.append(total)
    twice = moved(moved(y, [127, 0, 0]), [0, 0, 127])
    outputs.append(value("MUL", twice, moved(x, [127, 0, 0])))
    outputs.append(value("ADD", x, moved(y, [0, 0, 127])))
    outputs += [value("MUL", x, moved(y, [126, 0, 0])), value("MUL", x, moved(y, [127, 0, 1]))]
    outputs.append(file.operator("MUL", 2, [x, half := moved(y, [127, 0, 0], to=scale / 2)],
                                 file.tensor(shape, np.int16, scale), schema.MulOptionsT()))  # fmt: skip
    line = file.operator("RESHAPE", 1, [x, file.constant([1, 1, 10, 12], np.int32)],
                         file.tensor((1, 1, 10, 12), np.int16, scale))  # fmt: skip
    outputs.append(value("MUL", line, moved(line, [0, 0, 127], rows=True), (1, 1, 10, 12)))
    return file.data([x, y], [*outputs, half])


def test_time_shifts_are_read_in_place():
    steps = lower(read_graph(time_shifted_products())).steps
    found = [view.delay for step in steps for view in step.inputs if view.delay]
    far = [12, -24, 48, -24, -120]
    assert sorted(found) == sorted([12, *far, *far, *far, *far, -12])
    assert sum(len(step.inputs) == 3 for step in steps) == 2 * len(far)  # the products that are added up at once
    # Left to compute: two that meet, of which one moves twice; a sum's; two that do more; one that changes the scale.
    assert sum(step.kernel == "ecg_conv_sN" for step in steps) == 3 + 1 + 2 + 1


@pytest.mark.parametrize(
    "make", [time_shifted_products, pads, unary_operators, sixteen_bits, convolutions_in_sixteen_bits]
)
def test_operators_are_bit_exact(make, generated):
    assert_bit_exact(generated(make()))


def attention(keys, product=0.03, axes=(1, 2)):
    """Attention of many keys, of export.quantise.long_softmax: 2 heads of 5 queries. Twice, of given scores with their
    mean, and of queries and keys, whose mean no operator reads and whose product overflows 16 bits. product: the
    scale of both."""
    file, outputs = TFLiteBuilder(), []

    def made(name, version, inputs, shape, dtype, scales, options):
        return file.operator(name, version, inputs, file.tensor(shape, dtype, *scales), options)

    def attend(scores, step, values, mean, matrix, finer):
        def quantised(x, shape, dtype, *scales):
            return made("QUANTIZE", 2, [x], shape, dtype, scales, schema.QuantizeOptionsT())

        wide = quantised(scores, (1, 2, 5, keys), np.int16, step / 64)
        softmax = schema.SoftmaxOptionsT(beta=1.0)
        weights = made("SOFTMAX", 3, [wide], (1, 2, 5, keys), np.int16, [2.0**-15], softmax)
        if mean:
            over = file.constant(axes, np.int32)
            found = made("MEAN", 2, [weights, over], (1, keys), np.int16, [mean / finer], schema.ReducerOptionsT())
            outputs.append(quantised(found, (1, keys), np.int8, mean, -128))
        wide = quantised(values, (1, 2, *matrix), np.int16, 0.04 / 64)
        adjoint = schema.BatchMatMulOptionsT(adjY=matrix == (3, keys))
        found = made("BATCH_MATMUL", 2, [weights, wide], (1, 2, 5, 3), np.int16, [product / finer], adjoint)
        outputs.append(quantised(found, (1, 2, 5, 3), np.int8, product, 6))

    scores, values = file.tensor((1, 2, 5, keys), np.int8, 0.07, 9), file.tensor((1, 2, keys, 3), np.int8, 0.04, -5)
    attend(scores, 0.07, values, 3 / keys / 256, (keys, 3), 64)
    queries, turned = file.tensor((1, 2, 5, 4), np.int8, 0.09, -20), file.tensor((1, 2, 4, keys), np.int8, 0.1, 3)
    upright = file.tensor((1, 2, 3, keys), np.int8, 0.04, 7)
    plain = schema.BatchMatMulOptionsT()
    scored = made("BATCH_MATMUL", 2, [queries, turned], (1, 2, 5, keys), np.int8, (0.9, -11), plain)
    attend(scored, 0.9, upright, None, (3, keys), 512)
    return file.data([scores, values, queries, turned, upright], outputs)


@pytest.mark.parametrize(("keys", "product"), [(256, 0.03), (500, 0.0006)])
def test_long_attention(keys, product, generated):
    program = generated(attention(keys, product))
    assert_bit_exact(program)
    assert program.plan.arena < 2 * keys  # a mean, two products, and no matrix of scores


def exported_attention(constant=False):
    file = TFLiteBuilder()
    scores, values = file.tensor((1, 6, 256), np.int8, 0.1, 4), file.tensor((1, 256, 3), np.int8, 0.04)
    if constant:
        values = file.constant(random_constants((1, 256, 3), np.int8), np.int8, 0.04)
    weights = file.tensor((1, 6, 256), np.int8, 2.0**-8, -128)
    file.operator("SOFTMAX", 2, [scores], weights, schema.SoftmaxOptionsT(beta=1.0))
    product, mean = file.tensor((1, 6, 3), np.int8, 0.03, 6), file.tensor((1, 256), np.int8, 1e-4, -128)
    file.operator("MEAN", 2, [weights, file.constant([1], np.int32)], mean, schema.ReducerOptionsT())
    file.operator("BATCH_MATMUL", 2, [weights, values], product, schema.BatchMatMulOptionsT())
    return widen_long_softmax(file.data([scores] if constant else [scores, values], [product, mean]))


def test_exported_long_attention(generated):
    assert_bit_exact(generated(exported_attention()))


def test_long_attention_to_constants_is_refused():
    with pytest.raises(InputError, match="computes with int16 values and .* with int8"):
        read_graph(exported_attention(constant=True))


@pytest.mark.parametrize("scale", [2.0**-12, 2.0**-11, 2.0**-14, 3.7e-4, 2.0**-9, 0.01])
@pytest.mark.parametrize(("name", "version"), [("LOGISTIC", 2), ("TANH", 2)])
def test_every_sixteen_bit_value(name, version, scale, generated):
    from export.c99.reference_kernels import run_reference_kernels

    file = TFLiteBuilder()
    x = file.tensor((1, 2**16), np.int16, scale)
    data = file.data([x], [file.operator(name, version, [x], file.tensor((1, 2**16), np.int16, 2.0**-15))])
    values = np.arange(-(2**15), 2**15).astype(np.int16)[None]
    (expected,) = run_reference_kernels(data, [values])
    (found,) = generated(data).run([values], [np.empty_like(expected)])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("scale", [2.0**-12, 3.7e-4, 2.0**-15, 0.9, 1e-6])
@pytest.mark.parametrize("shape", [(1, 3, 5), (1, 1), (1, 2, 700)])
def test_softmax_in_sixteen_bits(shape, scale, generated):
    file = TFLiteBuilder()
    x, outputs = file.tensor(shape, np.int16, scale), []
    for beta in (1.0, 0.3):
        y = file.tensor(shape, np.int16, 2.0**-15)
        outputs.append(file.operator("SOFTMAX", 3, [x], y, schema.SoftmaxOptionsT(beta=beta)))
    if shape[-1] == 1:  # of one value it is 1
        program = generated(file.data([x], outputs))
        assert program.run_own_test().startswith("0 of ")
        return
    assert_bit_exact(generated(file.data([x], outputs)))


def lines_through_zero():
    """Rectifiers and changes of scale in 16 bits, with scales that are powers of two and others."""
    file, outputs = TFLiteBuilder(), []
    x = file.tensor((1, 2**16), np.int16, 2.0**-12)
    for scale in (2.0**-12, 2.0**-11, 2.0**-14, 3.7e-4, 1e-3):
        leaky = schema.LeakyReluOptionsT()
        leaky.alpha = 0.3
        forms = [("RELU", 2, None), ("RELU6", 2, None), ("LEAKY_RELU", 2, leaky)]
        for name, version, options in (*forms, ("QUANTIZE", 2, schema.QuantizeOptionsT())):
            outputs.append(file.operator(name, version, [x], file.tensor((1, 2**16), np.int16, scale), options))
    return file.data([x], outputs)


def test_every_sixteen_bit_value_of_lines_through_zero(generated):
    from export.c99.reference_kernels import run_reference_kernels

    data = lines_through_zero()
    values = np.arange(-(2**15), 2**15).astype(np.int16)[None]
    expected = run_reference_kernels(data, [values])
    program = generated(data)
    for found, desired in zip(program.run([values], [np.empty_like(y) for y in expected]), expected, strict=True):
        np.testing.assert_array_equal(found, desired)
    assert_bit_exact(program)


def product_of_columns():
    file = TFLiteBuilder()
    x, y = (file.tensor((1, 4, 4), np.int8, 0.1) for _ in range(2))
    options = schema.BatchMatMulOptionsT(adjX=True)
    return file.data([x, y], [file.operator("BATCH_MATMUL", 2, [x, y], file.tensor((1, 4, 4), np.int8, 0.4), options)])


def dense_layer_in_sixteen_bits():
    file = TFLiteBuilder()
    x, output = file.tensor((1, 4), np.int16, 2.0**-12), file.tensor((1, 3), np.int16, 2.0**-12)
    weights = file.constant(random_constants((3, 4), np.int8), np.int8, 0.01)
    return file.data([x], [file.operator("FULLY_CONNECTED", 4, [x, weights], output, schema.FullyConnectedOptionsT())])


def mean_over_keys():
    return attention(256, axes=(1, 3))


def cosine():
    file = TFLiteBuilder()
    x, output = (file.tensor((1, 4), np.int8, 0.1) for _ in range(2))
    return file.data([x], [file.operator("COS", 1, [x], output)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (product_of_columns, "BATCH_MATMUL .* transposed first matrix has no C99 form"),
        (dense_layer_in_sixteen_bits, "FULLY_CONNECTED in 16 bits .* convolution"),
        (mean_over_keys, "MEAN of shape .*: C99 has means of an attention over all queries"),
        (cosine, "COS has no C99 kernel"),
    ],
)
def test_operators_without_a_kernel_are_named(make, message):
    with pytest.raises(InputError, match=message):
        lower(read_graph(make()))
