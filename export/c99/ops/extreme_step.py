"""The highest or lowest value over some axes as a step: shared by REDUCE_MAX and REDUCE_MIN."""

from export.c99.c_text import structure
from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.loops import reduction_loops
from export.c99.steps import Step
from firmware_bench.runtime.errors import InputError


def extreme_step(function: str, context: LoweringContext, operator: GraphOperator) -> Step:
    """The step of ecg_highest or ecg_lowest.

    Raises:
        InputError: The input and the output differ in scale, or there are too many axes.
    """
    name, inputs, output = context.operands(operator)
    x, y = operator.operand(0), output.tensor
    if (x.scale, x.zero_point) != (y.scale, y.zero_point):
        raise InputError(f"{operator.name} of tensors that differ in scale: export the model again")
    fields = reduction_loops(operator)
    return Step(
        name,
        "ecg_extreme_sN",
        inputs,
        output,
        declare=lambda by_rows: [structure("ecg_extreme_params_sN", name, **fields)],
        emit_all=lambda places, out: [f"{function}_sN(&${name}, {places[0].base}, {out.base});"],
    )
