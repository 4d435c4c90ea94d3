"""SLICE: a part of every axis, without gaps."""

import numpy as np

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.copy_step import copy_step
from export.c99.ops.loops import strides
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    name, inputs, output = context.operands(operator)
    x, y = operator.operand(0), output.tensor
    steps = strides(x.shape)
    start = int(np.dot(operator.operand(1).values.ravel(), steps))
    loops = list(zip(y.shape, steps, strides(y.shape), strict=True))
    return [copy_step(name, operator, inputs, output, [loops], [(start, 0)])]
