"""TRANSPOSE: the axes in another order."""

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.copy_step import copy_step
from export.c99.ops.loops import strides
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    name, inputs, output = context.operands(operator)
    x = operator.operand(0)
    order = [int(axis) for axis in operator.operand(1).values]
    steps_in, steps_out = strides(x.shape), strides(output.tensor.shape)
    loops = [(x.shape[axis], steps_in[axis], steps_out[n]) for n, axis in enumerate(order)]
    return [copy_step(name, operator, inputs, output, [loops])]
