"""REDUCE_MIN: the lowest value over some axes."""

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.extreme_step import extreme_step
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    return [extreme_step("ecg_lowest", context, operator)]
