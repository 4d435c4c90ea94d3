"""The last step of the 8-bit conversion: a float file whose tensors carry ranges → a file for a target."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export import tf_private
from export.quantise.long_softmax import LONG_ROW, SOFTMAX, long_softmax_outputs, widen_long_softmax
from export.targets import Target
from export.tflite import flatbuffer
from export.tflite.editor import Editor
from export.tflite.operator_facts import LSTM, facts

INTEGERS = "int8 activations and weights"
INT8_MIN = -128  # the zero point of a range that begins at zero


def quantise_for(target: Target, calibrated: schema.ModelT) -> bytes:
    """Quantises a calibrated float file for `target`.

    Operators that the target computes faster in float stay so, LSTMs among them with 8-bit weights; the file then
    takes and gives floats.

    Args:
        target: The kind of device.
        calibrated: The float file; its tensors carry ranges.

    Returns:
        The TFLite file.
    """
    float_operators = choose_float_operators(calibrated, target)
    quantised = tf_private.quantise_int8(flatbuffer.write(calibrated), bool(float_operators), float_operators)
    if not float_operators:
        quantised = widen_long_softmax(quantised)
    if target.integers_only:
        return quantised
    model = flatbuffer.read(quantised)
    _quantise_lstm_weights(model)
    _drop_saturating_relus(model)
    return flatbuffer.write(model)


def choose_float_operators(calibrated: schema.ModelT, target: Target) -> list[str]:
    """The kinds of operators that stay in float. For a softmax alone the conversions cost more than they save."""
    found = {name for name, _, _ in flatbuffer.operators(calibrated)} & target.float_operators
    return sorted(found) if found - {SOFTMAX} else []


def describe_parts(calibrated: schema.ModelT, target: Target) -> dict[str, str]:
    """The precision of each part of the file for `target`, for its metadata."""
    float_operators = choose_float_operators(calibrated, target)
    kinds = {name: "float activations, int8 weights" if name == LSTM else "float" for name in float_operators}
    if long_softmax_outputs(calibrated) and SOFTMAX not in float_operators:
        kinds[f"{SOFTMAX} of {LONG_ROW} and more, with its products"] = "int16 activations"
    return {**kinds, "others": INTEGERS} if kinds else {"all": INTEGERS}


def _quantise_lstm_weights(model):
    """The weights of float LSTMs as symmetric 8-bit integers with one scale; once, where several share a matrix."""
    editor = Editor(model)
    for name, operator, graph in flatbuffer.operators(model):
        for position in facts(name).weights if name == LSTM else ():
            tensor = int(operator.inputs[position])
            if graph.tensors[tensor].type == schema.TensorType.FLOAT32:
                values = editor.values(tensor)
                scale = max(float(np.abs(values).max()), 1e-8) / 127
                editor.set_values(tensor, np.clip(np.round(values / scale), -127, 127).astype(np.int8))
                editor.set_scale(tensor, scale)


def _drop_saturating_relus(model):
    """Removes a RELU where zero is the lowest integer: an operator that writes its output in place of its input has
    saturated already. The converter leaves a RELU alone behind a transposed convolution, where it takes three times as
    long as the convolution: XNNPACK has no integer kernel for it."""
    (graph,) = model.subgraphs
    named = [(flatbuffer.operator_name(model, operator), operator) for operator in graph.operators]
    makers = {int(operator.outputs[0]): operator for name, operator in named if name == "TRANSPOSE_CONV"}
    read = [*graph.outputs, *(tensor for operator in graph.operators for tensor in operator.inputs)]
    for name, relu in named:
        before, after = int(relu.inputs[0]), int(relu.outputs[0])
        scaled = flatbuffer.scale_and_zero_point(graph.tensors[after])
        if name == "RELU" and before in makers and read.count(before) == 1 and scaled and scaled[1] == INT8_MIN:
            makers[before].outputs = [after]
            graph.operators.remove(relu)
