"""Acceptance checks that need only the file: no window and no runtime."""

import math

from ai_edge_litert import schema_py_generated as schema

from export.targets import MCU, Target
from export.tflite import flatbuffer
from export.tflite.operator_facts import (
    LSTM,
    LSTM_CELL_STATE,
    LSTM_HIDDEN,
    LSTM_OUTPUT_STATE,
    TFLM_OPERATORS,
    facts,
)
from export.verify.acceptance import AcceptanceCheck

FLOAT_WEIGHTS = 1024  # where activations are float, the converter leaves up to so many weights of an operator in float
CELL_SCALES = (2.0**-15, 2.0**-9)  # outside, LiteRT's int16 tanh of the cell saturates without a message


def lint(data: bytes, target: Target = MCU) -> list[AcceptanceCheck]:
    """Checks an integer TFLite file without running it.

    Args:
        data: The file.
        target: What it is made for. Where that has integers only: no float tensor, operators known to TensorFlow Lite
            Micro, scales of LSTMs. Otherwise: 8-bit weights.

    Returns:
        The acceptance checks.
    """
    model = flatbuffer.read(data)
    if not target.integers_only:
        return [_check_weights(model)]
    checks = [_check_float_tensors(model), _check_operators(model)]
    if any(name == LSTM for name, _, _ in flatbuffer.operators(model)):
        checks += [_check_lstm_scales(model), _check_cell_scales(model)]
    return checks


def _check_float_tensors(model):
    tensors = [
        tensor
        for graph in model.subgraphs
        for tensor in graph.tensors
        # The LSTM operator lists tensors of shape [0] for normalisations that it does not do.
        if tensor.type in flatbuffer.FLOAT_TYPES and (tensor.shape is None or math.prod(tensor.shape) > 0)
    ]
    names = map(flatbuffer.tensor_name, tensors)  # a constant may have none
    return AcceptanceCheck(
        "float tensors",
        f"{len(tensors)}" + (f" ({next(filter(None, names), '')})" if tensors else ""),
        "0",
        not tensors,
        "replace the layer that this tensor belongs to by one that has an integer form",
    )


def _check_weights(model):
    found = [
        flatbuffer.tensor_name(graph.tensors[operator.outputs[0]])
        for name, operator, graph in flatbuffer.operators(model)
        for weights in (graph.tensors[operator.inputs[position]] for position in facts(name).weights)
        if weights.type in flatbuffer.FLOAT_TYPES
        and math.prod(weights.shape) > FLOAT_WEIGHTS
        and model.buffers[weights.buffer].data is not None
    ]
    return AcceptanceCheck(
        f"operators with more than {FLOAT_WEIGHTS:,} weights in float",
        f"{len(found)}" + (f" ({found[0]})" if found else ""),
        "0",
        not found,
        "replace the layer that this operator belongs to by one that has an integer form",
    )


def _check_operators(model):
    unknown = sorted({name for name, _, _ in flatbuffer.operators(model)} - TFLM_OPERATORS)
    return AcceptanceCheck(
        "operators unknown to TFLite Micro",
        f"{len(unknown)}" + (f" ({', '.join(unknown)})" if unknown else ""),
        "0",
        not unknown,
        "express the layer by convolutions, matrix products, sums and sigmoids",
    )


def _check_lstm_scales(model):
    unequal = 0
    for name, operator, graph in flatbuffer.operators(model):
        if name == LSTM:
            tensors = operator.outputs[0], operator.inputs[LSTM_OUTPUT_STATE], operator.intermediates[LSTM_HIDDEN]
            scales = {flatbuffer.scale_and_zero_point(graph.tensors[tensor]) for tensor in tensors}
            unequal += len(scales) > 1 or None in scales
    return AcceptanceCheck(
        "LSTMs whose state and output differ in scale",
        f"{unequal}",
        "0",
        unequal == 0,
        "the kernels read the state's scale and the next operator the output's: convert again with "
        "export.quantise.ranges.tie",
    )


def _check_cell_scales(model):
    tensors = [
        graph.tensors[operator.inputs[LSTM_CELL_STATE]]
        for name, operator, graph in flatbuffer.operators(model)
        if name == LSTM
    ]
    scales = [(flatbuffer.scale_and_zero_point(tensor) or (0.0, 0))[0] for tensor in tensors]
    low, high = CELL_SCALES
    return AcceptanceCheck(
        "LSTM cell scales",
        " … ".join(f"{scale:.3g}" for scale in sorted({min(scales), max(scales)})),
        f"{low:.3g} … {high:.3g}",
        all(t.type == schema.TensorType.INT16 for t in tensors) and all(low <= scale <= high for scale in scales),
        "the cell saturates outside without a message: convert again with export.quantise.ranges.tie",
    )
