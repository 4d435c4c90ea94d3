"""Every operator that there is a C kernel for, one file each. docs/contributing/operator.md says how to add one.

An operator's file has the function

    lower(context: LoweringContext, operator: GraphOperator) -> list[Step]

which turns the operator's tensors and options into calls of a kernel, or raises InputError for a form that the kernel
does not have. The arithmetic is that of LiteRT's reference kernels, down to how each factor is rounded. An operator
that forms sums of products also has

    multiplications(operator: GraphOperator) -> int

the number of multiplications in one run, with padding.
"""

import importlib
from collections.abc import Iterable
from types import ModuleType

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from firmware_bench.runtime.errors import InputError

OPERATORS = {  # operator → its file here
    "ADD": "add",
    "ATTENTION": "fused_attention",
    "AVERAGE_POOL_2D": "average_pool_2d",
    "BATCH_MATMUL": "batch_matmul",
    "CONCATENATION": "concatenation",
    "CONV_2D": "conv_2d",
    "DEPTHWISE_CONV_2D": "depthwise_conv_2d",
    "FULLY_CONNECTED": "fully_connected",
    "L2_NORMALIZATION": "l2_normalization",
    "LEAKY_RELU": "leaky_relu",
    "LOGISTIC": "logistic",
    "MAXIMUM": "maximum",
    "MAX_POOL_2D": "max_pool_2d",
    "MEAN": "mean",
    "MINIMUM": "minimum",
    "MUL": "mul",
    "PACK": "pack",
    "PAD": "pad",
    "PADV2": "pad",
    "PRELU": "prelu",
    "QUANTIZE": "quantize",
    "REDUCE_MAX": "reduce_max",
    "REDUCE_MIN": "reduce_min",
    "RELU": "relu",
    "RELU6": "relu6",
    "REVERSE_V2": "reverse_v2",
    "SLICE": "slice",
    "SOFTMAX": "softmax",
    "SPLIT": "equal_split",
    "SPLIT_V": "split_v",
    "SQUARED_DIFFERENCE": "squared_difference",
    "STRIDED_SLICE": "strided_slice",
    "SUB": "sub",
    "TANH": "tanh",
    "TRANSPOSE": "transpose",
    "TRANSPOSE_CONV": "transpose_conv",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "unidirectional_sequence_lstm",
    "UNPACK": "unpack",
}


def operator_module(name: str) -> ModuleType:
    """The file of an operator.

    Raises:
        InputError: There is no C kernel for it.
    """
    if name not in OPERATORS:
        raise InputError(
            f"operator {name} has no C99 kernel: express the layer by convolutions, matrix products, sums and unary "
            "functions"
        )
    return importlib.import_module(f"{__name__}.{OPERATORS[name]}")


def lower(context: LoweringContext, operator: GraphOperator) -> None:
    """Append the steps of an operator to the program.

    Args:
        context: The state of lowering.
        operator: The operator.

    Raises:
        InputError: There is no C kernel for the operator, or for its form.
    """
    context.steps.extend(operator_module(operator.name).lower(context, operator))


def count_multiplications(operators: Iterable[GraphOperator]) -> int:
    """Multiplications of values with weights, or with values in a matrix product, in one run; padding counts.

    Args:
        operators: The operators of a graph.

    Returns:
        Their sum.
    """
    total = 0
    for operator in operators:
        if operator.name in OPERATORS:
            count = getattr(operator_module(operator.name), "multiplications", None)
            total += count(operator) if count else 0
    return total
