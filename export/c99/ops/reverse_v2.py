"""REVERSE_V2: some axes from their ends."""

import numpy as np

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.copy_step import copy_step
from export.c99.ops.loops import strides
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    name, inputs, output = context.operands(operator)
    x = operator.operand(0)
    axes = {int(axis) % len(x.shape) for axis in np.ravel(operator.operand(1).values)}
    steps = strides(x.shape)
    loops = [(n, -step if a in axes else step, step) for a, (n, step) in enumerate(zip(x.shape, steps, strict=True))]
    start = sum((x.shape[axis] - 1) * steps[axis] for axis in axes)
    return [copy_step(name, operator, inputs, output, [loops], starts=[(start, 0)])]
