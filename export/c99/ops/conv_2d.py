"""CONV_2D: a convolution over time."""

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.convolution_step import convolution_step
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    name, (view,), output = context.operands(operator)
    return [convolution_step("ecg_conv", name, operator, view, output)]


def multiplications(operator: GraphOperator) -> int:
    """See export.c99.ops."""
    weights = operator.operand(1)
    return operator.output.size * weights.size // weights.shape[0]
