"""The operators of a float TFLite file as differentiable TensorFlow functions, for export.quantise.float_graph.

Values have the batch in front of the file's own shapes, (n, *shape). An operator is `function(call)` in OPERATORS.
"""

from typing import Any

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from export.tflite import flatbuffer
from export.tflite.operator_facts import LSTM, LSTM_BIASES, LSTM_INPUT_WEIGHTS, LSTM_RECURRENT_WEIGHTS
from firmware_bench.runtime.errors import InputError
from models_keras.layers.lstm import CELL_CLIP

ACTIVATIONS = {
    schema.ActivationFunctionType.NONE: lambda x: x,
    schema.ActivationFunctionType.RELU: tf.nn.relu,
    schema.ActivationFunctionType.RELU6: tf.nn.relu6,
}
PADDINGS: dict[int, Any] = {schema.Padding.SAME: "SAME", schema.Padding.VALID: "VALID"}


class OperatorCall:
    """One operator with its inputs.

    Args:
        graph: The export.quantise.float_graph.FloatGraph.
        operator: The operator.
        value: Tensor → its values.
        hidden: Replaces an LSTM's output at every step.
    """

    def __init__(self, graph, operator, value, hidden):
        self.graph, self.operator, self.value, self.hidden = graph, operator, value, hidden
        self.options = operator.builtinOptions

    def __getitem__(self, place) -> Any:
        """The input at `place`, or None where there is none."""
        present = flatbuffer.has_input(self.operator, place)
        return self.value(int(self.operator.inputs[place])) if present else None

    def rank(self, place=0):
        """Of the input in the file, without the batch in front."""
        return len(self.graph.shape(self.operator.inputs[place]))

    def axis(self, number, place=0):
        """The axis of a value that the file calls `number`."""
        return number % self.rank(place) + 1

    @property
    def shape(self):
        """Of the first output, in the file."""
        return self.graph.shape(self.operator.outputs[0])

    def activate(self, x):
        return ACTIVATIONS[self.options.fusedActivationFunction](x)

    def align(self, place):
        """The input with as many axes as the output: axes of length 1 follow the batch, as in broadcasting."""
        x, missing = self[place], len(self.shape) - self.rank(place)
        if int(self.operator.inputs[place]) in self.graph.constants or not missing:
            return x
        return tf.reshape(x, (-1, *[1] * missing, *x.shape[1:]))

    def repeat_constants(self):
        """All inputs of an operator that joins them, constants repeated for every window."""
        constant = [int(tensor) in self.graph.constants for tensor in self.operator.inputs]
        count = tf.shape(self[constant.index(False)])[0]
        parts = [self[place] for place in range(len(constant))]
        return [tf.repeat(x[None], count, 0) if same else x for x, same in zip(parts, constant, strict=True)]


def _flat(x, keep):
    """All but the last `keep` axes as one."""
    return tf.reshape(x, (-1, *x.shape[-keep:])) if keep else tf.reshape(x, (-1,))


def _elementwise(function):
    def operator(call):
        y = function(call.align(0), call.align(1))
        return call.activate(y) if hasattr(call.options, "fusedActivationFunction") else y

    return operator


def _unary(function):
    return lambda call: function(call[0])


def _add_bias(x, bias):
    return x if bias is None else x + bias


def _conv(call):
    strides = [1, call.options.strideH, call.options.strideW, 1]
    dilations = [1, call.options.dilationHFactor, call.options.dilationWFactor, 1]
    kernel = tf.transpose(call[1], (1, 2, 3, 0))
    y = tf.nn.conv2d(_flat(call[0], 3), kernel, strides, PADDINGS[call.options.padding], dilations=dilations)
    return call.activate(_add_bias(y, call[2]))


def _depthwise(call):
    x = _flat(call[0], 3)
    _, height, width, channels = call[1].shape
    kernel = tf.reshape(call[1], (height, width, x.shape[-1], channels // x.shape[-1]))
    strides = [1, call.options.strideH, call.options.strideW, 1]
    dilations = [call.options.dilationHFactor, call.options.dilationWFactor]
    y = tf.nn.depthwise_conv2d(x, kernel, strides, PADDINGS[call.options.padding], dilations=dilations)
    return call.activate(_add_bias(y, call[2]))


def _transpose_conv(call):
    x = _flat(call[2], 3)
    kernel = tf.transpose(call[1], (1, 2, 0, 3))
    strides = [1, call.options.strideH, call.options.strideW, 1]
    shape: Any = (tf.shape(x)[0], *call[0][1:])
    y = tf.nn.conv2d_transpose(x, kernel, shape, strides, PADDINGS[call.options.padding])
    return call.activate(_add_bias(y, call[3]))


def _dense(call):
    x = tf.reshape(call[0], (-1, call[1].shape[1]))
    return call.activate(_add_bias(tf.matmul(x, call[1], transpose_b=True), call[2]))


def _matmul(call):
    return tf.matmul(call.align(0), call.align(1), transpose_a=call.options.adjX, transpose_b=call.options.adjY)


def _pool(function):
    def operator(call):
        options = call.options
        size, stride = (options.filterHeight, options.filterWidth), (options.strideH, options.strideW)
        return call.activate(function(_flat(call[0], 3), size, stride, PADDINGS[options.padding]))

    return operator


def _reduce(function):
    return lambda call: function(call[0], [call.axis(int(axis)) for axis in np.ravel(call[1])])


def _slice(call):
    begins, sizes = call[1], call[2]
    ends = [None if size < 0 else int(begin + size) for begin, size in zip(begins, sizes, strict=True)]
    return call[0][(slice(None), *(slice(int(begin), end) for begin, end in zip(begins, ends, strict=True)))]


def _split(call):
    return tf.split(call[1], call.options.numSplits, call.axis(int(call[0]), 1))


def _split_v(call):
    return tf.split(call[0], [int(size) for size in call[1]], call.axis(int(call[2])))


def _gather(call):
    return tf.gather(call[0], call[1], axis=call.axis(call.options.axis))


def _resize(call):
    """Nearest neighbour, by a whole factor along each axis."""
    x: Any = _flat(call[0], 3)
    height, width = (int(size) for size in call[1])
    if height % x.shape[1] or width % x.shape[2]:
        raise InputError(f"a resize from {x.shape[1:3]} to {(height, width)} is by no whole factor: use UpSampling")
    return tf.repeat(tf.repeat(x, height // x.shape[1], 1), width // x.shape[2], 2)


def _strided_slice(call):
    options = call.options
    slices: list[Any] = [slice(None)]
    for axis, (begin, end, stride) in enumerate(zip(call[1], call[2], call[3], strict=True)):
        start = None if options.beginMask >> axis & 1 else int(begin)
        stop = None if options.endMask >> axis & 1 else int(end)
        slices.append(int(begin) if options.shrinkAxisMask >> axis & 1 else slice(start, stop, int(stride)))
    return call[0][tuple(slices)]


def _concatenation(call):
    axis = call.options.axis % len(call.shape) + 1
    return call.activate(tf.concat(call.repeat_constants(), axis))


def _pack(call):
    return tf.stack(call.repeat_constants(), call.options.axis % len(call.shape) + 1)


def _unpack(call):
    return tf.unstack(call[0], axis=call.axis(call.options.axis))


def _transpose(call):
    return tf.transpose(call[0], [0, *(int(axis) + 1 for axis in call[1])])


def _pad(call):
    value = 0 if call[2] is None else tf.reshape(call[2], ())
    return tf.pad(call[0], [[0, 0], *call[1].tolist()], constant_values=value)


def _reverse(call):
    return tf.reverse(call[0], [call.axis(int(axis)) for axis in np.ravel(call[1])])


def _l2_normalise(call):
    return call[0] / tf.maximum(tf.norm(call[0], axis=-1, keepdims=True), 1e-6)


def _lstm(call):
    """Gates in the file's order: input, forget, cell, output."""
    x = _flat(call[0], 2)  # (n, time, channels)
    kernel, recurrent, bias = (
        tf.concat([call[place] for place in places], 0)
        for places in (LSTM_INPUT_WEIGHTS, LSTM_RECURRENT_WEIGHTS, LSTM_BIASES)
    )
    gates = tf.matmul(x, kernel, transpose_b=True) + bias

    def step(state, gates):
        hidden, cell = state
        i, f, g, o = tf.split(gates + tf.matmul(hidden, recurrent, transpose_b=True), 4, -1)
        cell = tf.clip_by_value(tf.sigmoid(f) * cell + tf.sigmoid(i) * tf.tanh(g), -CELL_CLIP, CELL_CLIP)
        return call.hidden(tf.sigmoid(o) * tf.tanh(cell)), cell

    zeros = tf.zeros_like(gates[:, 0, : call.shape[-1]])
    hidden, _ = tf.scan(step, tf.transpose(gates, (1, 0, 2)), (zeros, zeros))
    return tf.transpose(hidden, (1, 0, 2))


OPERATORS = {
    "ABS": _unary(tf.abs),
    "ADD": _elementwise(tf.add),
    "AVERAGE_POOL_2D": _pool(tf.nn.avg_pool2d),
    "BATCH_MATMUL": _matmul,
    "CONCATENATION": _concatenation,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "DIV": _elementwise(tf.divide),
    "ELU": _unary(tf.nn.elu),
    "EXP": _unary(tf.exp),
    "EXPAND_DIMS": _unary(tf.identity),
    "FULLY_CONNECTED": _dense,
    "GATHER": _gather,
    "HARD_SWISH": lambda call: call[0] * tf.nn.relu6(call[0] + 3) / 6,
    "L2_NORMALIZATION": _l2_normalise,
    "LEAKY_RELU": lambda call: tf.nn.leaky_relu(call[0], call.options.alpha),
    "LOGISTIC": _unary(tf.sigmoid),
    "MAXIMUM": _elementwise(tf.maximum),
    "MAX_POOL_2D": _pool(tf.nn.max_pool2d),
    "MEAN": _reduce(tf.reduce_mean),
    "MINIMUM": _elementwise(tf.minimum),
    "MUL": _elementwise(tf.multiply),
    "NEG": _unary(tf.negative),
    "PACK": _pack,
    "PAD": _pad,
    "PADV2": _pad,
    "PRELU": lambda call: tf.maximum(call[0], 0) + call[1] * tf.minimum(call[0], 0),
    "REDUCE_MAX": _reduce(tf.reduce_max),
    "REDUCE_MIN": _reduce(tf.reduce_min),
    "RELU": _unary(tf.nn.relu),
    "RELU6": _unary(tf.nn.relu6),
    "RESHAPE": _unary(tf.identity),
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "REVERSE_V2": _reverse,
    "RSQRT": _unary(tf.math.rsqrt),
    "SLICE": _slice,
    "SOFTMAX": lambda call: tf.nn.softmax(call.options.beta * call[0]),
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "SQRT": _unary(tf.sqrt),
    "SQUARE": _unary(tf.square),
    "SQUARED_DIFFERENCE": _elementwise(tf.math.squared_difference),
    "SQUEEZE": _unary(tf.identity),
    "STRIDED_SLICE": _strided_slice,
    "SUB": _elementwise(tf.subtract),
    "SUM": _reduce(tf.reduce_sum),
    "TANH": _unary(tf.tanh),
    "TRANSPOSE": _transpose,
    "TRANSPOSE_CONV": _transpose_conv,
    LSTM: _lstm,
    "UNPACK": _unpack,
}
