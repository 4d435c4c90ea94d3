"""Operators that only change a shape: the output is the input's memory."""

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.passes.tabulate_unary import defer_table

RESHAPES = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS"}


def alias_reshape(context: LoweringContext, operator: GraphOperator) -> bool:
    """Lower a reshape to nothing.

    Args:
        context: The state of lowering.
        operator: Any operator.

    Returns:
        Whether the operator was one, and is lowered.
    """
    if operator.name not in RESHAPES:
        return False
    source, output = operator.operand(0), operator.output
    if source.index in context.tables and source.index not in context.storages:
        defer_table(context, output, context.tables[source.index])
    else:
        context.storages[output.index] = context.view(source).storage
    return True
