"""Facts about the operators of TensorFlow Lite, in one table.

Positions are those among an operator's inputs, as in the schema and the kernels of TensorFlow Lite.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from ai_edge_litert import schema_py_generated as schema

LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"
# Positions among an LSTM's inputs and, of LSTM_HIDDEN, its intermediates. Gates: input, forget, cell, output.
LSTM_INPUT_WEIGHTS = range(1, 5)
LSTM_RECURRENT_WEIGHTS = range(5, 9)
LSTM_BIASES = range(12, 16)
LSTM_OUTPUT_STATE = 18
LSTM_CELL_STATE = 19
LSTM_HIDDEN = 4

CONVOLUTION_WEIGHTS = 1
CONVOLUTION_BIAS = 2

INT16_STEPS_PER_INT8_CONSTANT = 128  # a constant's 8-bit number less its zero point, times this, is its 16-bit number


@dataclasses.dataclass(frozen=True)
class OperatorFacts:
    """Facts about one kind of operator.

    Attributes:
        weights: Position of a weight → the axis of the channels that have a scale each, None for one scale.
        biases: Positions of biases. A bias has the scale of the input times that of the weights.
        same_scale: The integer kernel only moves or compares values, so inputs and outputs share one scale.
        fixed_range: The one output range of the integer kernel, of 256 steps.
        reads_int16: The kernels take 16-bit activations beside a 16-bit softmax.
        broadcasts: The kernel repeats an input with fewer or shorter axes.
        version: The version to write that takes integers, where the editor writes the operator.
        options: The schema's class of its options, where the editor writes the operator.
    """

    weights: Mapping[int, int | None] = dataclasses.field(default_factory=dict)
    biases: Sequence[int] = ()
    same_scale: bool = False
    fixed_range: tuple[float, float] | None = None
    reads_int16: bool = False
    broadcasts: bool = False
    version: int = 1
    options: type | None = None


_MOVES = OperatorFacts(same_scale=True)

FACTS: dict[str, OperatorFacts] = {
    "ADD": OperatorFacts(broadcasts=True),
    "AVERAGE_POOL_2D": _MOVES,
    "BATCH_MATMUL": OperatorFacts(reads_int16=True),
    "CONCATENATION": OperatorFacts(same_scale=True, version=2, options=schema.ConcatenationOptionsT),
    "CONV_2D": OperatorFacts(weights={1: 0}, biases=(2,), options=schema.Conv2DOptionsT),
    "DEPTHWISE_CONV_2D": OperatorFacts(weights={1: 3}, biases=(2,)),
    "DEPTH_TO_SPACE": _MOVES,
    "EXPAND_DIMS": _MOVES,
    "FULLY_CONNECTED": OperatorFacts(weights={1: None}, biases=(2,), version=4, options=schema.FullyConnectedOptionsT),
    "GATHER": _MOVES,
    "GATHER_ND": _MOVES,
    "L2_NORMALIZATION": OperatorFacts(fixed_range=(-1.0, 127 / 128)),
    "LOGISTIC": OperatorFacts(fixed_range=(0.0, 255 / 256)),
    LSTM: OperatorFacts(
        weights=dict.fromkeys([*LSTM_INPUT_WEIGHTS, *LSTM_RECURRENT_WEIGHTS]), biases=tuple(LSTM_BIASES)
    ),
    "MAXIMUM": _MOVES,
    "MAX_POOL_2D": _MOVES,
    "MEAN": OperatorFacts(reads_int16=True),
    "MINIMUM": _MOVES,
    "MIRROR_PAD": _MOVES,
    "MUL": OperatorFacts(broadcasts=True),
    "PACK": _MOVES,
    "PAD": _MOVES,
    "PADV2": _MOVES,
    "QUANTIZE": OperatorFacts(version=2, options=schema.QuantizeOptionsT),
    "REDUCE_MAX": _MOVES,
    "REDUCE_MIN": _MOVES,
    "RESHAPE": OperatorFacts(same_scale=True, options=schema.ReshapeOptionsT),
    "RESIZE_NEAREST_NEIGHBOR": _MOVES,
    "REVERSE_V2": _MOVES,
    "SELECT_V2": _MOVES,
    "SLICE": _MOVES,
    "SOFTMAX": OperatorFacts(fixed_range=(0.0, 255 / 256), version=3, options=schema.SoftmaxOptionsT),
    "SPACE_TO_DEPTH": _MOVES,
    "SPLIT": _MOVES,
    "SPLIT_V": _MOVES,
    "SQUEEZE": _MOVES,
    "STRIDED_SLICE": OperatorFacts(same_scale=True, version=2, options=schema.StridedSliceOptionsT),
    "SUB": OperatorFacts(broadcasts=True),
    "TANH": OperatorFacts(fixed_range=(-1.0, 127 / 128)),
    "TRANSPOSE": _MOVES,
    "TRANSPOSE_CONV": OperatorFacts(weights={1: 0}, biases=(3,)),
    "UNPACK": _MOVES,
}

# Operators that the Python wheel of TensorFlow Lite Micro has kernels for; tests/export/verify/test_lint.py asks it.
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


@dataclasses.dataclass(frozen=True)
class MicroDifference:
    """How an integer kernel of TensorFlow Lite Micro differs from LiteRT's reference kernel.

    Attributes:
        reason: Why, in a few words.
        steps: By how many integer steps an output differs at most; None where there is no kernel, or any number.
        accepted: Whether a file with the operator is exported all the same: it is rounding that no other operator
            avoids. A dense layer becomes a convolution, which is equal.
    """

    reason: str
    steps: int | None = None
    accepted: bool = False


_NO_KERNEL = MicroDifference("has no kernel for such integers")
_NO_KERNEL_OF_16 = {(name, 16): _NO_KERNEL for name in ("REDUCE_MAX", "REDUCE_MIN")}
_NO_KERNEL_OF_8 = {(name, 8): _NO_KERNEL for name in ("EXP", "NEG", "SQRT")}
_ONLY_LIMITS = MicroDifference("only limits its values: input and output have to share scale and zero point")

# (operator, bits of its values) → the difference. Every other operator of both is equal in every value: the fuzz of
# tests/operator_fuzz tries it.
MICRO_DIFFERENCES: dict[tuple[str, int], MicroDifference] = {
    **_NO_KERNEL_OF_16,
    **_NO_KERNEL_OF_8,
    ("FULLY_CONNECTED", 8): MicroDifference("rounds twice where LiteRT rounds once", 1),
    ("FULLY_CONNECTED", 16): MicroDifference("rounds twice where LiteRT rounds once", 1),
    ("LEAKY_RELU", 16): MicroDifference("rounds the product with the slope otherwise", 1, True),
    ("LOGISTIC", 8): MicroDifference("computes in fixed point what LiteRT reads from a table", 1, True),
    ("RELU6", 8): _ONLY_LIMITS,
    ("RELU6", 16): _ONLY_LIMITS,
    ("SOFTMAX", 16): MicroDifference("divides by a table of which one entry is rounded otherwise", 1, True),
    ("TANH", 8): MicroDifference("takes a table that is rounded otherwise", 1, True),
    (LSTM, 8): MicroDifference("takes sigmoid and tanh from a table instead of polynomials", accepted=True),
}


def micro_difference(name: str, bits: int) -> MicroDifference | None:
    """How TensorFlow Lite Micro differs from LiteRT in an operator on values of 8 or 16 bits; None if it does not."""
    return MICRO_DIFFERENCES.get((name, bits))


def facts(name: str) -> OperatorFacts:
    """The facts of the operator `name`; those of an operator without weights that rescales, where it is not listed."""
    return FACTS.get(name, OperatorFacts())
