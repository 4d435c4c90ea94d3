"""UNPACK: the slices along an axis."""

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.parts_step import parts_steps
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    x = operator.operand(0)
    return parts_steps(context, operator, x, operator.options.axis % len(x.shape), [1] * len(operator.outputs))
