"""Weights, biases and other constants of a file with 16-bit activations: exact where it matters, and small."""

import copy
import math

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.tflite import flatbuffer
from export.tflite.editor import Editor

WITH_BIAS = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
WEIGHTS, BIAS = 1, 2  # which of their inputs it is
ALIKE = 4  # times the least scale of a channel that the largest may be
LARGE = 256  # numbers of a constant from which on 8 bits and an operator take less than 16 bits
LOWEST = 2**15  # the amount of the lowest 16-bit number
WIDER = 128  # times the 8-bit number less its zero point is the 16-bit number


def separate_biases(model: schema.ModelT) -> None:
    """Gives every operator a bias of its own. The converter keeps equal constants once, but the scale of a bias in
    integers is that of its operator's input, and its numbers become 64 bits long."""
    (graph,) = model.subgraphs
    for name, operator, _ in flatbuffer.operators(model):
        if name in WITH_BIAS and len(operator.inputs) > BIAS:
            tensor = copy.copy(graph.tensors[operator.inputs[BIAS]])
            model.buffers.append(copy.copy(model.buffers[tensor.buffer]))
            tensor.buffer = len(model.buffers) - 1
            graph.tensors.append(tensor)
            operator.inputs = [*operator.inputs[:BIAS], len(graph.tensors) - 1]


def take_single_scales(model: schema.ModelT, floats: schema.ModelT) -> None:
    """Gives weights one scale where their channels are ALIKE: of eight bits the finest channel then loses two. A scale
    per channel takes as much as a bias: of the step of edge ecg_mamba 4 kB in 82. floats: the model before it was
    quantised."""
    for (operator, graph), (before, source) in zip(_convolutions(model), _convolutions(floats), strict=True):
        x, weights, bias = (graph.tensors[n] for n in operator.inputs)
        scales = weights.quantization.scale
        if len(scales) > 1 and max(scales) <= ALIKE * min(scales):
            scale = float(max(scales))
            exact, added = (_numbers(floats, source.tensors[n], np.float32) for n in before.inputs[WEIGHTS:])
            _replace(model, weights, np.rint(exact / scale).astype(np.int8))
            _replace(model, bias, np.rint(added / (float(x.quantization.scale[0]) * scale)).astype(np.int64))
            weights.quantization = schema.QuantizationParametersT(scale=[scale], zeroPoint=[0])


def correct_biases(model: schema.ModelT, floats: schema.ModelT, means) -> None:
    """Takes off each bias what the rounded weights add to the output on average ("Data-Free Quantization Through Weight
    Equalization and Bias Correction", arXiv 1906.04721). floats: the model before. means: tensor of it →
    (channels,). A bias of zeros stays: all that have none share it. The step of edge ecg_mamba so agrees with Keras to
    44 dB, and to 39 without; models of 8-bit activations, whose noise is theirs, gain nothing."""
    for (operator, graph), (before, source) in zip(_convolutions(model), _convolutions(floats), strict=True):
        x, weights, bias = (graph.tensors[n] for n in operator.inputs)
        rounded, added = _numbers(model, weights, np.int8), _numbers(model, bias, np.int64)
        if added.any():
            scales = np.asarray(weights.quantization.scale, np.float64)
            exact = _numbers(floats, source.tensors[before.inputs[WEIGHTS]], np.float32)
            errors = (rounded * scales.reshape(-1, 1, 1, 1) - exact) * means[int(before.inputs[0])]
            excess = errors.sum(axis=(1, 2, 3)) / (float(x.quantization.scale[0]) * scales)
            _replace(model, bias, added - np.rint(excess).astype(np.int64))


def narrow_biases(model: schema.ModelT) -> None:
    """Biases of 32 bits, and sums of as many, for convolutions that cannot overflow them: smaller and faster."""
    for operator, graph in _convolutions(model):
        weights, bias = (graph.tensors[operator.inputs[part]] for part in (WEIGHTS, BIAS))
        added = _numbers(model, bias, np.int64)
        amounts = np.abs(_numbers(model, weights, np.int8).astype(np.int64)).sum(axis=(1, 2, 3))
        if (amounts * LOWEST + np.abs(added)).max() <= np.iinfo(np.int32).max:
            _replace(model, bias, added.astype(np.int32))
            bias.type = operator.builtinOptions.quantizedBiasType = schema.TensorType.INT32


def settle_summands_and_factors(model: schema.ModelT) -> None:
    """Gives constants of 16 bits scales that are powers of two (why: export.convert.int16.power_of_two), and LARGE ones
    8 bits, which an operator widens."""
    editor = Editor(model)
    for operator in [*editor.graph.operators]:
        for place, number in enumerate(operator.inputs):
            tensor = editor.graph.tensors[number]
            if tensor.type == schema.TensorType.INT16 and model.buffers[tensor.buffer].data is not None:
                values = _numbers(model, tensor, np.int16) * float(tensor.quantization.scale[0])
                settled = _widened(editor, operator, values) if values.size >= LARGE else _settled(editor, values)
                operator.inputs = [settled if n == place else int(other) for n, other in enumerate(operator.inputs)]


def _settled(editor, values):
    scale = _power_of_two(np.abs(values).max() / (LOWEST - 1))
    return editor.constant(np.rint(values / scale).astype(np.int16), scale)


def _widened(editor, operator, values):
    """The output of an operator in front of `operator` that widens a constant of 8 bits."""
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    scale = _power_of_two((high - low) / 256)  # each end may be half a step beyond the last number
    zero_point = int(np.clip(np.rint(-128 - low / scale), -128, 127))
    narrow = np.clip(np.rint(values / scale) + zero_point, -128, 127).astype(np.int8)
    at = next(n for n, other in enumerate(editor.graph.operators) if other is operator)
    wide = editor.wide(values.shape, scale / WIDER)
    return editor.operator("QUANTIZE", [editor.constant(narrow, scale, zero_point)], wide, at=at)


def _power_of_two(least):
    return 2.0 ** math.ceil(math.log2(least))


def forget_scales_of_biases(model: schema.ModelT) -> None:
    """They follow from those of inputs and weights."""
    for name, operator, graph in flatbuffer.operators(model):
        if name in WITH_BIAS and len(operator.inputs) > BIAS:
            graph.tensors[operator.inputs[BIAS]].quantization = None


def _convolutions(model):
    return [(operator, graph) for name, operator, graph in flatbuffer.operators(model) if name == "CONV_2D"]


def _numbers(model, tensor, kind):
    data = model.buffers[tensor.buffer].data
    return np.frombuffer(np.asarray(data, np.uint8).tobytes(), kind).reshape(tensor.shape)


def _replace(model, tensor, numbers):
    model.buffers.append(schema.BufferT(data=np.frombuffer(numbers.tobytes(), np.uint8)))
    tensor.buffer = len(model.buffers) - 1
