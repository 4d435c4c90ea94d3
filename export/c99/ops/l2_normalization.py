"""L2_NORMALIZATION: every row divided by its Euclidean norm, of 8-bit values."""

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.loops import require_int8
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    require_int8(operator)
    name, inputs, output = context.operands(operator)
    x = operator.operand(0)
    step = Step(
        name,
        "ecg_l2_normalize_s8",
        inputs,
        output,
        declare=lambda by_rows: [],
        emit_row=lambda places, t, out: [
            f"ecg_l2_normalize_s8({places[0].row(t)}, {x.width}, {x.zero_point}, {out.row(t)});"
        ],
        rows=x.rows,
        in_place=(0,),
    )
    return [step]
