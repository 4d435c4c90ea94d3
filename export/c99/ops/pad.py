"""PAD and PADV2: values around those of the input."""

import numpy as np

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.copy_step import copy_step
from export.c99.ops.loops import strides
from export.c99.steps import Step, fill


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    name, inputs, output = context.operands(operator)
    x, y = operator.operand(0), output.tensor
    before = [int(n) for n in np.reshape(operator.operand(1).values, (-1, 2))[:, 0]]
    value = int(operator.operand(2).values.ravel()[0]) if len(operator.inputs) > 2 else y.zero_point
    steps_in, steps_out = strides(x.shape), strides(y.shape)
    start = sum(n * step for n, step in zip(before, steps_out, strict=True))
    loops = list(zip(x.shape, steps_in, steps_out, strict=True))
    step = copy_step(name, operator, inputs, output, [loops], [(0, start)])
    step.emit_all = lambda places, out: [
        *fill(out.base, value, y.size),
        f"ecg_copy_sN(&${name}_0, {places[0].base}, {out.base});",
    ]
    return [step]
