"""A float TFLite file as a differentiable TensorFlow function: any registered model's operators, not its layers.

Quantisation-aware training then runs on the very graph that becomes integers: batch norm is folded, LSTMs are one
operator, and every tensor that will have a scale is visible. Values have the batch in front of the file's own shapes,
(n, *shape), so that a file for one window takes many, wherever its own batch axis has been moved.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from export.tflite import flatbuffer
from export.tflite.editor import Editor
from export.tflite.operator_facts import LSTM, LSTM_BIASES, LSTM_INPUT_WEIGHTS, LSTM_RECURRENT_WEIGHTS, facts
from firmware_bench.runtime.errors import InputError
from models_keras.layers.lstm import CELL_CLIP

ACTIVATIONS = {
    schema.ActivationFunctionType.NONE: lambda x: x,
    schema.ActivationFunctionType.RELU: tf.nn.relu,
    schema.ActivationFunctionType.RELU6: tf.nn.relu6,
}
PADDINGS: dict[int, Any] = {schema.Padding.SAME: "SAME", schema.Padding.VALID: "VALID"}


class FloatGraph:
    """The only subgraph of a float file. Every weight and bias is made to belong to one operator.

    Args:
        data: The float TFLite file, batch 1.

    Attributes:
        inputs, outputs: Name by the file's signature → tensor.
        constants: Tensor → its values.
        weights: Tensor → axis of the channels that have a scale each, None for one scale.
        biases: Tensors.

    Raises:
        InputError: An operator is not known here.
    """

    def __init__(self, data: bytes):
        self.file = flatbuffer.read(data)
        self.editor = Editor(self.file)
        self.subgraph = self.editor.graph
        (signature,) = self.file.signatureDefs
        self.inputs = {entry.name.decode(): int(entry.tensorIndex) for entry in signature.inputs}
        self.outputs = {entry.name.decode(): int(entry.tensorIndex) for entry in signature.outputs}
        self.operators = [(name, operator) for name, operator, _ in flatbuffer.operators(self.file)]
        unknown = {name for name, _ in self.operators} - OPERATORS.keys()
        if unknown:
            layer = next(
                flatbuffer.tensor_name(self.tensor(o.outputs[0])) for name, o in self.operators if name in unknown
            )
            raise InputError(f"{layer}: the operator {', '.join(sorted(unknown))} has no integer form here")
        self.weights: dict[int, int | None] = {}
        self.biases: set[int] = set()
        for name, operator in self.operators:
            known = facts(name)
            self.weights |= {self.editor.own_input(operator, place): axis for place, axis in known.weights.items()}
            present = [place for place in known.biases if flatbuffer.has_input(operator, place)]
            self.biases |= {self.editor.own_input(operator, place) for place in present}
        constants = filter(self.editor.is_constant, range(len(self.subgraph.tensors)))
        self.constants = {tensor: self.editor.values(tensor) for tensor in constants}

    def shape(self, tensor: int) -> tuple[int, ...]:
        """The tensor's shape in the file."""
        return self.editor.shape(tensor)

    def tensor(self, index: int) -> schema.TensorT:
        """The tensor in the file."""
        return self.subgraph.tensors[index]

    def set_constant(self, tensor: int, values: np.ndarray) -> None:
        """Writes new values of a weight or bias into `file`."""
        self.editor.set_values(tensor, np.ascontiguousarray(values, np.float32))

    def run(
        self,
        inputs: Mapping[str, tf.Tensor],
        constant: Callable = lambda tensor, values: values,
        activation: Callable = lambda tensor, values: values,
    ) -> dict[int, tf.Tensor]:
        """Computes every activation.

        Args:
            inputs: Name → (n, …).
            constant: `constant(tensor, values)` replaces a float constant.
            activation: `activation(tensor, values)` replaces an input or the output of an operator.

        Returns:
            Tensor → (n, *shape).
        """
        values = {}

        def value(tensor):
            if tensor in values:
                return values[tensor]
            known = self.constants[tensor]
            return known if known.dtype == np.int32 else constant(tensor, known)

        for name, tensor in self.inputs.items():
            windows = tf.convert_to_tensor(inputs[name])
            values[tensor] = activation(tensor, tf.reshape(windows, (-1, *self.shape(tensor))))
        for name, operator in self.operators:
            call = _OperatorCall(
                self, operator, value, lambda x, tensor=int(operator.outputs[0]): activation(tensor, x)
            )
            results = OPERATORS[name](call)
            for tensor, result in zip(
                operator.outputs, results if isinstance(results, list) else [results], strict=True
            ):
                shaped = tf.reshape(result, (-1, *self.shape(tensor)))
                values[int(tensor)] = activation(int(tensor), shaped)
        return values


class _OperatorCall:
    """One operator with its inputs. `hidden` replaces an LSTM's output at every step."""

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


def _max_pool(call):
    size, stride = (call.options.filterHeight, call.options.filterWidth), (call.options.strideH, call.options.strideW)
    return call.activate(tf.nn.max_pool2d(_flat(call[0], 3), size, stride, PADDINGS[call.options.padding]))


def _mean(call):
    return tf.reduce_mean(call[0], [call.axis(int(axis)) for axis in np.ravel(call[1])])


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
    return tf.pad(call[0], [[0, 0], *call[1].tolist()])


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
    "BATCH_MATMUL": _matmul,
    "CONCATENATION": _concatenation,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "L2_NORMALIZATION": _l2_normalise,
    "LOGISTIC": _unary(tf.sigmoid),
    "MAXIMUM": _elementwise(tf.maximum),
    "MAX_POOL_2D": _max_pool,
    "MEAN": _mean,
    "MUL": _elementwise(tf.multiply),
    "PACK": _pack,
    "PAD": _pad,
    "PRELU": lambda call: tf.maximum(call[0], 0) + call[1] * tf.minimum(call[0], 0),
    "RELU": _unary(tf.nn.relu),
    "RESHAPE": _unary(tf.identity),
    "REVERSE_V2": _reverse,
    "SOFTMAX": lambda call: tf.nn.softmax(call.options.beta * call[0]),
    "STRIDED_SLICE": _strided_slice,
    "SUB": _elementwise(tf.subtract),
    "TANH": _unary(tf.tanh),
    "TRANSPOSE": _transpose,
    "TRANSPOSE_CONV": _transpose_conv,
    LSTM: _lstm,
    "UNPACK": _unpack,
}
