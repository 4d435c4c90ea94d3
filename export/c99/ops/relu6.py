"""RELU6: a rectifier of 16-bit values, limited to 6. Of 8-bit ones a table."""

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.slopes_step import slopes_step
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    return [slopes_step(context, operator, below=0.0, limit=6.0)]
