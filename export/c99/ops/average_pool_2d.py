"""AVERAGE_POOL_2D: an average over time, or over two axes."""

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.pool_step import pool_step
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    return [pool_step("ecg_average_pool2d", context, operator)]
