"""What can be told of an integer model by looking at its file: its gates need no window and no runtime."""

import math

from ai_edge_litert import schema_py_generated as schema

from export.quantise.ranges import LSTM, LSTM_CELL_STATE, LSTM_HIDDEN, LSTM_OUTPUT_STATE
from export.tflite import flatbuffer
from export.verify.acceptance import Gate

# What the Python wheel of TensorFlow Lite Micro has kernels for; tests/export/verify/test_lint.py asks it about each.
TFLM_OPERATORS = frozenset(
    """
    ABS ADD ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND BROADCAST_ARGS
    BROADCAST_TO CALL_ONCE CAST CEIL CONCATENATION CONV_2D COS CUMSUM DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE DIV
    DYNAMIC_UPDATE_SLICE ELU EMBEDDING_LOOKUP EQUAL EXP EXPAND_DIMS FILL FLOOR FLOOR_DIV FLOOR_MOD FULLY_CONNECTED
    GATHER GATHER_ND GREATER GREATER_EQUAL HARD_SWISH IF L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOG
    LOGICAL_AND LOGICAL_NOT LOGICAL_OR LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG
    NOT_EQUAL PACK PAD PADV2 PRELU QUANTIZE READ_VARIABLE REDUCE_ALL REDUCE_MAX REDUCE_MIN RELU RELU6 RESHAPE
    RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT SELECT_V2 SHAPE SIN SLICE SOFTMAX SPACE_TO_BATCH_ND
    SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM SVDF TANH TRANSPOSE
    TRANSPOSE_CONV UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK WHILE ZEROS_LIKE
    """.split()  # noqa: SIM905
)

# Without a fast integer kernel in LiteRT: what a file for a Raspberry Pi keeps in float.
FLOAT_OPERATORS = frozenset({LSTM, "BATCH_MATMUL", "L2_NORMALIZATION", "SOFTMAX"})
# Positions of an operator's weights. Where activations are float the converter leaves a FEW as they are.
WEIGHTS = {
    "CONV_2D": (1,),
    "DEPTHWISE_CONV_2D": (1,),
    "FULLY_CONNECTED": (1,),
    "TRANSPOSE_CONV": (1,),
    LSTM: range(1, 9),
}
FEW = 1024

CELL_SCALES = (2.0**-15, 2.0**-9)  # outside, LiteRT's int16 tanh of the cell saturates without a word


def lint(data: bytes, target: str = "mcu") -> list[Gate]:
    """The gates of an integer TFLite file. For a microcontroller: no float tensor, operators known to TensorFlow Lite
    Micro, LSTM scales; for a Raspberry Pi: weights of 8 bits."""
    model = flatbuffer.read(data)
    if target == "rpi":
        return [_no_float_weights(model)]
    gates = [_no_float(model), _known_operators(model)]
    if any(name == LSTM for name, _, _ in flatbuffer.operators(model)):
        gates += [_equal_lstm_scales(model), _cell_scales(model)]
    return gates


def _no_float(model):
    tensors = [
        tensor
        for graph in model.subgraphs
        for tensor in graph.tensors
        # The LSTM operator lists tensors of shape [0] for normalisations that it does not do.
        if tensor.type in flatbuffer.FLOATS and (tensor.shape is None or math.prod(tensor.shape) > 0)
    ]
    names = map(flatbuffer.tensor_name, tensors)  # a constant may have none
    return Gate(
        "float tensors",
        f"{len(tensors)}" + (f" ({next(filter(None, names), '')})" if tensors else ""),
        "0",
        not tensors,
        "replace the layer that this tensor belongs to by one that has an integer form",
    )


def _no_float_weights(model):
    found = [
        flatbuffer.tensor_name(graph.tensors[operator.outputs[0]])
        for name, operator, graph in flatbuffer.operators(model)
        for weights in (graph.tensors[operator.inputs[place]] for place in WEIGHTS.get(name, ()))
        if weights.type in flatbuffer.FLOATS
        and math.prod(weights.shape) > FEW
        and model.buffers[weights.buffer].data is not None
    ]
    return Gate(
        f"operators with more than {FEW:,} weights in float",
        f"{len(found)}" + (f" ({found[0]})" if found else ""),
        "0",
        not found,
        "replace the layer that this operator belongs to by one that has an integer form",
    )


def _known_operators(model):
    unknown = sorted({name for name, _, _ in flatbuffer.operators(model)} - TFLM_OPERATORS)
    return Gate(
        "operators unknown to TFLite Micro",
        f"{len(unknown)}" + (f" ({', '.join(unknown)})" if unknown else ""),
        "0",
        not unknown,
        "express the layer by convolutions, matrix products, sums and sigmoids",
    )


def _equal_lstm_scales(model):
    unequal = 0
    for name, operator, graph in flatbuffer.operators(model):
        if name == LSTM:
            tensors = operator.outputs[0], operator.inputs[LSTM_OUTPUT_STATE], operator.intermediates[LSTM_HIDDEN]
            scales = {flatbuffer.scale_and_zero_point(graph.tensors[tensor]) for tensor in tensors}
            unequal += len(scales) > 1 or None in scales
    return Gate(
        "LSTMs whose state and output differ in scale",
        f"{unequal}",
        "0",
        unequal == 0,
        "the kernels read the state's scale and the next operator the output's: convert again with "
        "export.quantise.ranges.tie",
    )


def _cell_scales(model):
    tensors = [
        graph.tensors[operator.inputs[LSTM_CELL_STATE]]
        for name, operator, graph in flatbuffer.operators(model)
        if name == LSTM
    ]
    scales = [(flatbuffer.scale_and_zero_point(tensor) or (0.0, 0))[0] for tensor in tensors]
    low, high = CELL_SCALES
    return Gate(
        "LSTM cell scales",
        " … ".join(f"{scale:.3g}" for scale in sorted({min(scales), max(scales)})),
        f"{low:.3g} … {high:.3g}",
        all(t.type == schema.TensorType.INT16 for t in tensors) and all(low <= scale <= high for scale in scales),
        "the cell saturates silently outside: convert again with export.quantise.ranges.tie",
    )
