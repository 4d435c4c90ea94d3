"""Sigmoid or tanh of 16-bit values as a step: shared by LOGISTIC and TANH. Of 8-bit values they are look-up tables."""

from export.c99.c_text import array, structure
from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.reference_kernels import sigmoid_points
from export.c99.steps import Step
from firmware_bench.runtime.errors import InputError


def sigmoid_step(function: str, context: LoweringContext, operator: GraphOperator) -> Step:
    """The step of ecg_sigmoid_s16 or ecg_tanh_s16.

    Args:
        function: One of these.
        context: The state of lowering.
        operator: LOGISTIC or TANH.

    Returns:
        The step.

    Raises:
        InputError: The output's scale is not 2^-15, or the input's is above 1.
    """
    name, inputs, output = context.operands(operator)
    x, y = operator.operand(0), output.tensor
    if y.scale != 2.0**-15 or x.scale > 1:
        raise InputError(f"{operator.name} from scale {x.scale:g} to {y.scale:g}: convert it again")
    factor, shift = x.scale * 3 * 2**12, 0
    while factor <= 32767 / 2:
        factor, shift = 2 * factor, shift + 1
    points = array("uint16_t", "sigmoid_points", sigmoid_points())
    fields = {"points": "$sigmoid_points", "multiplier": int(factor), "shift": shift}
    return Step(
        name,
        "ecg_sigmoid_s16",
        inputs,
        output,
        declare=lambda by_rows: [points, structure("ecg_sigmoid_params_s16", name, **fields)],
        emit_all=lambda places, out: [f"{function}(&${name}, {places[0].base}, {y.size}, {out.base});"],
        emit_row=lambda places, t, out: [f"{function}(&${name}, {places[0].row(t)}, {x.width}, {out.row(t)});"],
        rows=x.rows,
        in_place=(0,),
    )
