"""Unary operators on 8-bit values: look-up tables of 256 entries, and chains of them one table."""

import numpy as np

from export.c99.c_text import array
from export.c99.context import LookUpTable, LoweringContext
from export.c99.ir import GraphOperator, GraphTensor
from export.c99.ops.binary_step import check_factors
from export.c99.reference_kernels import INT8_VALUES, evaluate_operator
from export.c99.steps import Step

UNARY = {"LOGISTIC", "TANH", "ABS", "NEG", "RELU", "RELU6", "RSQRT", "SQRT", "EXP", "HARD_SWISH", "LEAKY_RELU",
         "QUANTIZE"}  # fmt: skip
# Unary where both operands come from one value, or one is a constant.
BINARY = {"ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "PRELU", "DIV"}


def tabulate_unary(context: LoweringContext, operator: GraphOperator) -> bool:
    """Lower an operator that is a function of one 8-bit value, element by element, to a look-up table.

    The table is computed by LiteRT's reference kernel. It becomes a step when another step reads it: until then a
    further unary operator makes one table of both.

    Args:
        context: The state of lowering.
        operator: Any operator.

    Returns:
        Whether the operator was one, and is lowered.
    """
    if operator.name not in UNARY | BINARY or operator.output.dtype is not np.int8:
        return False
    arguments: list[np.ndarray | None] = []
    source = None
    for tensor in operator.operands:
        if tensor.data is not None:
            if tensor.size > 1:
                return False
            arguments.append(None)
            continue
        if tensor.size != operator.output.size:
            return False
        table = context.tables.get(tensor.index) or LookUpTable(context.view(tensor), INT8_VALUES)
        if source is not None and table.source.storage is not source.storage:
            return False
        source = table.source
        arguments.append(table.values)
    if source is None:
        return False
    check_factors(operator)
    defer_table(context, operator.output, LookUpTable(source, evaluate_operator(operator, arguments)))
    return True


def defer_table(context: LoweringContext, tensor: GraphTensor, table: LookUpTable) -> None:
    """Let `tensor` be computed by the table when a step reads it."""
    context.tables[tensor.index] = table

    def lower():
        name = context.new_name("table")
        output = context.new_view(tensor, name)
        context.steps.append(_step(name, table, output))

    context.deferred[tensor.index] = lower


def _step(name, table, output):
    rows, width = table.source.tensor.rows, table.source.tensor.width
    size = output.tensor.size
    return Step(
        name,
        "ecg_table_s8",
        [table.source],
        output,
        declare=lambda by_rows: [array("int8_t", f"{name}_table", table.values)],
        emit_all=lambda places, out: [f"ecg_table_s8(${name}_table, {places[0].base}, {size}, {out.base});"],
        emit_row=lambda places, t, out: [f"ecg_table_s8(${name}_table, {places[0].row(t)}, {width}, {out.row(t)});"],
        rows=rows,
        in_place=(0,),
    )
