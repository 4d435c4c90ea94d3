"""Weights, biases and other constants of a file with 16-bit activations: exact where it matters, and small."""

import math
from collections.abc import Mapping

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.tflite import flatbuffer
from export.tflite.editor import Editor
from export.tflite.operator_facts import CONVOLUTION_BIAS, CONVOLUTION_WEIGHTS, INT16_STEPS_PER_INT8_CONSTANT, facts

SIMILAR_SCALES = 4  # times the smallest scale of a channel that the largest may be
LARGE_CONSTANT = 256  # numbers of a constant from which on 8 bits and an operator take less than 16 bits
LIMITS = ("MAXIMUM", "MINIMUM")
INT16_AMOUNT = 2**15  # of the lowest 16-bit number


def separate_biases(model: schema.ModelT) -> None:
    """Gives every operator a bias of its own, in place.

    The converter writes equal constants once, but the scale of a bias in integers is that of its operator's input, and
    its numbers become 64 bits long.
    """
    editor = Editor(model)
    for name, operator, _ in flatbuffer.operators(model):
        for position in facts(name).biases:
            if flatbuffer.has_input(operator, position):
                editor.own_input(operator, position)


def collapse_per_channel_scales(model: schema.ModelT, floats: schema.ModelT) -> None:
    """Gives the weights of a convolution one scale where those of its channels are within SIMILAR_SCALES, in place.

    Of eight bits the finest channel then loses two. A scale per channel takes as much space as a bias: of the step of
    edge ecg_mamba 4 kB in 82.

    Args:
        model: The quantised file.
        floats: The file before it was quantised.
    """
    editor, exact = Editor(model), Editor(floats)
    for operator, before in zip(_convolutions(model), _convolutions(floats), strict=True):
        x, weights, bias = (int(n) for n in operator.inputs)
        scales = editor.graph.tensors[weights].quantization.scale
        if len(scales) > 1 and max(scales) <= SIMILAR_SCALES * min(scales):
            scale = float(max(scales))
            kernel, added = (exact.values(n) for n in before.inputs[CONVOLUTION_WEIGHTS:])
            editor.set_values(weights, np.rint(kernel / scale).astype(np.int8))
            editor.set_values(bias, np.rint(added / (editor.quantisation(x)[0] * scale)).astype(np.int64))
            editor.set_scale(weights, scale)


def correct_biases(model: schema.ModelT, floats: schema.ModelT, means: Mapping[int, np.ndarray]) -> None:
    """Subtracts from each bias what the rounded weights add to the output on average, in place.

    "Data-Free Quantization Through Weight Equalization and Bias Correction", arXiv 1906.04721. A bias of zeros stays:
    all that have none share it. The step of edge ecg_mamba so agrees with Keras to 44 dB, and to 39 without; models of
    8-bit activations, whose noise comes from the activations, gain nothing.

    Args:
        model: The quantised file.
        floats: The file before it was quantised.
        means: Tensor of `floats` → (channels,), its mean in a typical window.
    """
    editor, exact = Editor(model), Editor(floats)
    for operator, before in zip(_convolutions(model), _convolutions(floats), strict=True):
        x, weights, bias = (int(n) for n in operator.inputs)
        rounded, added = editor.values(weights), editor.values(bias)
        if added.any():
            scales = np.asarray(editor.graph.tensors[weights].quantization.scale, np.float64)
            kernel = exact.values(before.inputs[CONVOLUTION_WEIGHTS])
            of_groups = means[int(before.inputs[0])].reshape(-1, 1, 1, kernel.shape[3])
            typical = np.repeat(of_groups, len(kernel) // len(of_groups), axis=0)  # what each filter reads
            errors = (rounded * scales.reshape(-1, 1, 1, 1) - kernel) * typical
            excess = errors.sum(axis=(1, 2, 3)) / (editor.quantisation(x)[0] * scales)
            editor.set_values(bias, added - np.rint(excess).astype(np.int64))


def narrow_biases(model: schema.ModelT) -> None:
    """Gives convolutions that cannot overflow 32 bits biases and sums of 32 bits: smaller and faster. In place."""
    editor = Editor(model)
    for operator in _convolutions(model):
        weights, bias = (int(operator.inputs[position]) for position in (CONVOLUTION_WEIGHTS, CONVOLUTION_BIAS))
        added = editor.values(bias).astype(np.int64)
        amounts = np.abs(editor.values(weights).astype(np.int64)).sum(axis=(1, 2, 3))
        if (amounts * INT16_AMOUNT + np.abs(added)).max() <= np.iinfo(np.int32).max:
            editor.set_values(bias, added.astype(np.int32))
            operator.builtinOptions.quantizedBiasType = schema.TensorType.INT32


def requantise_binary_constants(model: schema.ModelT) -> None:
    """Gives the constants of sums and products scales that are powers of two, in place.

    Why powers of two: see export.convert.int16.power_of_two_range. A constant of LARGE_CONSTANT numbers and more gets
    8 bits, and an operator that widens it. Limits have the scale of what they limit.
    """
    editor = Editor(model)
    for name, operator, _ in [*flatbuffer.operators(model)]:
        if name == "QUANTIZE" and editor.is_constant(operator.inputs[0]):  # of one that operators of two scales read
            _quantise_constant(editor, operator)
            continue
        if name in LIMITS:
            continue
        for position, number in enumerate(operator.inputs):
            tensor = editor.graph.tensors[number]
            if tensor.type == schema.TensorType.INT16 and model.buffers[tensor.buffer].data is not None:
                values = np.atleast_1d(editor.values(number)) * editor.quantisation(number)[0]
                large = values.size >= LARGE_CONSTANT
                added = _add_widened(editor, operator, values) if large else _add_int16(editor, values)
                editor.set_input(operator, position, added)


def _quantise_constant(editor, operator):
    """The output of QUANTIZE as a constant."""
    ((before,), (after,)) = operator.inputs, operator.outputs
    values = editor.values(before) * (editor.quantisation(before)[0] / editor.quantisation(after)[0])
    editor.set_values(after, np.clip(np.rint(values), -INT16_AMOUNT, INT16_AMOUNT - 1).astype(np.int16))
    editor.graph.operators.remove(operator)


def _add_int16(editor, values):
    scale = _power_of_two(np.abs(values).max() / (INT16_AMOUNT - 1))
    return editor.constant(np.rint(values / scale).astype(np.int16), scale)


def _add_widened(editor, operator, values):
    """The output of an operator in front of `operator` that widens a constant of 8 bits."""
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    scale = _power_of_two((high - low) / 256)  # each end may be half a step beyond the last number
    zero_point = int(np.clip(np.rint(-128 - low / scale), -128, 127))
    narrow = np.clip(np.rint(values / scale) + zero_point, -128, 127).astype(np.int8)
    wide = editor.tensor(values.shape, np.int16, scale / INT16_STEPS_PER_INT8_CONSTANT)
    at = editor.position(operator)
    return editor.operator("QUANTIZE", [editor.constant(narrow, scale, zero_point)], wide, at=at)


def _power_of_two(least):
    return 2.0 ** math.ceil(math.log2(least))


def strip_bias_quantization(model: schema.ModelT) -> None:
    """Removes the scales of biases, which follow from those of inputs and weights, in place."""
    for name, operator, graph in flatbuffer.operators(model):
        for position in facts(name).biases:
            if flatbuffer.has_input(operator, position):
                graph.tensors[operator.inputs[position]].quantization = None


def _convolutions(model):
    return [operator for name, operator, _ in flatbuffer.operators(model) if name == "CONV_2D"]
