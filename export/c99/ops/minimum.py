"""MINIMUM: the smaller of two values, all of one scale, element by element."""

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.binary_step import binary_step
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    return [binary_step("ecg_minimum", context, operator)]
