"""SPLIT: equal parts along an axis."""

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.parts_step import parts_steps
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    x = operator.operand(1)
    axis = int(operator.operand(0).values.ravel()[0]) % len(x.shape)
    count = len(operator.outputs)
    return parts_steps(context, operator, x, axis, [x.shape[axis] // count] * count)
