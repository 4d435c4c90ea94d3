"""What of the schema of TensorFlow Lite (schema.fbs) a file may use, in numbers as the file has them.

Tables, their fields and options, types and operators; tflite_verifier.py checks files against it.
"""

from __future__ import annotations

from typing import Any

# Fields of the schema's tables: a type of struct, "string", ["<type>"] or [table] for a vector, or a table.
CORE: dict[str, dict[int, Any]] = {
    "Model": {0: "<I", 1: ["OperatorCode"], 2: ["SubGraph"], 3: "string", 4: ["Buffer"], 5: ["<i"], 6: ["Metadata"],
              7: ["SignatureDef"]},
    "OperatorCode": {0: "<b", 1: "string", 2: "<i", 3: "<i"},
    "SubGraph": {0: ["Tensor"], 1: ["<i"], 2: ["<i"], 3: ["Operator"], 4: "string", 5: "<i"},
    "Tensor": {0: ["<i"], 1: "<b", 2: "<I", 3: "string", 4: "Quantisation", 5: "<B", 7: ["<i"], 8: "<B"},
    "Quantisation": {0: ["<f"], 1: ["<f"], 2: ["<f"], 3: ["<q"], 6: "<i"},
    "Operator": {0: "<I", 1: ["<i"], 2: ["<i"], 3: "<B", 4: "Options", 5: ["<B"], 6: "<b", 7: ["<B"], 8: ["<i"],
                 13: "<i"},
    "Buffer": {0: ["<B"]},
    "Metadata": {0: "string", 1: "<I"},
    "SignatureDef": {0: ["TensorMap"], 1: ["TensorMap"], 2: "string", 4: "<I"},
    "TensorMap": {0: "string", 1: "<I"},
}  # fmt: skip
# Fields of options that are no numbers, by the type of the options.
OPTION_VECTORS: dict[int, dict[int, Any]] = {3: {1: ["<i"], 2: ["<i"]}, 8: {5: ["<B"]}, 17: {0: ["<i"]},
                                             30: {0: ["<i"]}, 115: {0: ["<f"]}}  # fmt: skip
_PADDING, _ACTIVATION, _SIZE = ("<b", 0, 0, 1), ("<b", 0, 0, 5), ("<i", 0, 1, 1 << 20)
_DILATION = ("<i", 1, 1, 1 << 20)
# Options that kernels divide by, count with or switch on: type → field → (type of struct, default, least, most).
OPTION_LIMITS: dict[int, dict[int, tuple[str, int, int, int]]] = {
    1: {0: _PADDING, 1: _SIZE, 2: _SIZE, 3: _ACTIVATION, 4: _DILATION, 5: _DILATION},  # Conv2D
    2: {0: _PADDING, 1: _SIZE, 2: _SIZE, 4: _ACTIVATION, 5: _DILATION, 6: _DILATION},  # DepthwiseConv2D
    5: {0: _PADDING, 1: _SIZE, 2: _SIZE, 3: _SIZE, 4: _SIZE, 5: _ACTIVATION},  # Pool2D
    8: {0: _ACTIVATION, 1: ("<b", 0, 0, 1)},  # FullyConnected
    10: {1: _ACTIVATION},  # Concatenation
    11: {0: _ACTIVATION},  # Add
    19: {0: _SIZE},  # SpaceToDepth
    21: {0: _ACTIVATION},  # Mul
    28: {0: _ACTIVATION},  # Sub
    29: {0: _ACTIVATION},  # Div
    35: {0: _SIZE},  # Split
    49: {0: _PADDING, 1: _SIZE, 2: _SIZE, 3: _ACTIVATION},  # TransposeConv
    59: {0: _SIZE},  # Pack
    64: {0: _SIZE},  # Unpack
    71: {0: _ACTIVATION},  # UnidirectionalSequenceLSTM
    79: {0: _SIZE},  # SplitV
    94: {0: _SIZE},  # DepthToSpace
}
# Bytes of an element, by the schema's number of the type: floats, integers and bool. INT4 (17) is counted as a byte.
TYPE_BYTES = {0: 4, 1: 2, 2: 4, 3: 1, 4: 8, 6: 1, 7: 2, 9: 1, 10: 8, 12: 8, 15: 4, 16: 2, 17: 1}
INT4 = 17
# Operators that ecg-edge runs, by the schema's codes: how many inputs they have (least, most). Others are refused: they
# call graphs (IF, WHILE), keep resources (variables, hash tables), are somebody's own (CUSTOM) or StableHLO's.
_ANY = 10_000
INPUTS: dict[int, tuple[int, int]] = {
    **dict.fromkeys((1, 5, 6, 8, 11, 12, 13, 14, 17, 19, 20, 21, 25, 26, 28, 43, 47, 50, 53, 59, 66, 73, 75, 76, 77, 80,
                     87, 88, 92, 93, 98, 101, 104, 108, 110, 111, 114, 116, 117, 150, 152, 158), (1, 1)),
    **dict.fromkeys((0, 18, 23, 34, 36, 39, 40, 41, 42, 48, 49, 54, 55, 56, 57, 58, 61, 62, 63, 69, 70, 71, 72, 74, 78,
                     79, 81, 82, 84, 86, 89, 90, 91, 94, 95, 97, 99, 100, 105, 107, 112, 126, 128, 130, 131, 140, 145,
                     156), (2, 2)),
    **dict.fromkeys((37, 38, 60, 64, 65, 96, 102, 123, 151), (3, 3)),
    2: (1, _ANY), 83: (1, _ANY), 106: (1, _ANY),  # CONCATENATION, PACK, ADD_N
    22: (1, 2),  # RESHAPE
    3: (2, 3), 4: (2, 3), 9: (2, 3),  # CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED
    67: (3, 4), 45: (4, 4), 85: (4, 4), 27: (5, 5),  # TRANSPOSE_CONV, STRIDED_SLICE, ONE_HOT, SVDF
    44: (20, 24),  # UNIDIRECTIONAL_SEQUENCE_LSTM
}  # fmt: skip
MANY_OUTPUTS = {48, 49, 88, 102}  # TOPK_V2, SPLIT, UNPACK, SPLIT_V; the others have one
# Inputs that may be left out (-1), by operator: biases, and most of an LSTM's.
OPTIONAL_INPUTS = {3: {2}, 4: {2}, 9: {2}, 27: {4}, 44: set(range(1, 24)), 67: {3}}
STATEFUL = {27, 44}  # SVDF and LSTM: their variables are inputs that nothing makes
