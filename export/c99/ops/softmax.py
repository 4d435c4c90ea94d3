"""SOFTMAX over the last axis, of 8-bit values."""

from export.c99.c_text import array, structure
from export.c99.context import LoweringContext
from export.c99.fixed_point import softmax_exponentials
from export.c99.ir import GraphOperator
from export.c99.ops.loops import require_int8
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    require_int8(operator)
    name, inputs, output = context.operands(operator)
    x = operator.operand(0)
    values = softmax_exponentials(x.scale * operator.options.beta)
    fields = {"exponentials": f"${name}_exponentials", "count": len(values), "rows": x.rows, "width": x.width}
    step = Step(
        name,
        "ecg_softmax_s8",
        inputs,
        output,
        declare=lambda by_rows: [
            array("int32_t", f"{name}_exponentials", values),
            structure("ecg_softmax_params_s8", name, **fields),
        ],
        emit_all=lambda places, out: [f"ecg_softmax_s8(&${name}, {places[0].base}, {out.base});"],
        in_place=(0,),
    )
    return [step]
