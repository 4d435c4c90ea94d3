"""LOGISTIC: a sigmoid of 16-bit values. Of 8-bit ones it is a look-up table (export.c99.passes.tabulate_unary)."""

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.sigmoid_step import sigmoid_step
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    return [sigmoid_step("ecg_sigmoid_s16", context, operator)]
