"""Two lines that meet at zero, of 16-bit values, as a step: shared by RELU, RELU6, LEAKY_RELU and QUANTIZE. Of 8-bit
values they are look-up tables."""

import numpy as np

from export.c99.c_text import structure
from export.c99.context import LoweringContext
from export.c99.fixed_point import quantize_multiplier
from export.c99.ir import GraphOperator
from export.c99.steps import Step
from firmware_bench.runtime.errors import InputError

MOST_SHIFT = 15  # by which a 16-bit value can be shifted to the left in 32 bits


def slopes_step(
    context: LoweringContext, operator: GraphOperator, below: float | None = None, limit: float | None = None
) -> Step:
    """The step of ecg_slopes_s16.

    Args:
        context: The state of lowering.
        operator: One with an input and an output of the same shape.
        below: What negative values are multiplied by, 0 for a rectifier; None where they are as others.
        limit: The highest value of the output, None where there is none.

    Returns:
        The step.

    Raises:
        InputError: The scales are too far apart.
    """
    name, inputs, output = context.operands(operator)
    x, y, bounds = operator.operand(0), output.tensor, np.iinfo(np.int16)
    # LiteRT divides the scales in double precision for QUANTIZE, and in single precision for rectifiers.
    single_x, single_y = np.float32(x.scale), np.float32(y.scale)
    factor = x.scale / y.scale if below is None else float(single_x / single_y)
    above = quantize_multiplier(factor)
    under = above if below is None else quantize_multiplier(float(single_x * np.float32(below) / single_y))
    if max(above[1], under[1]) > MOST_SHIFT or (below or 0) < 0:
        raise InputError(f"{operator.name} from scale {x.scale:g} to {y.scale:g} has no C99 form: export it again")
    fields = {
        "multiplier_below": under[0],
        "shift_below": under[1],
        "multiplier_above": above[0],
        "shift_above": above[1],
        "low": 0 if below == 0 else int(bounds.min),
        "high": int(bounds.max if limit is None else min(bounds.max, round(np.float32(limit) / np.float32(y.scale)))),
    }
    return Step(
        name,
        "ecg_slopes_s16",
        inputs,
        output,
        declare=lambda by_rows: [structure("ecg_slopes_params_s16", name, **fields)],
        emit_all=lambda places, out: [f"ecg_slopes_s16(&${name}, {places[0].base}, {y.size}, {out.base});"],
        emit_row=lambda places, t, out: [f"ecg_slopes_s16(&${name}, {places[0].row(t)}, {x.width}, {out.row(t)});"],
        rows=x.rows,
        in_place=(0,),
    )
