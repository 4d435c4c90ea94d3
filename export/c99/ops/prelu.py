"""PRELU of 8-bit values: what is below zero is multiplied by the second operand."""

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.binary_step import binary_step
from export.c99.ops.loops import require_int8
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    require_int8(operator)
    return [binary_step("ecg_prelu", context, operator)]
