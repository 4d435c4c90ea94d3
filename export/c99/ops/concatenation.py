"""CONCATENATION of tensors of one scale."""

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.copy_step import copy_step
from export.c99.ops.loops import strides
from export.c99.steps import Step
from firmware_bench.runtime.errors import InputError


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    name, inputs, output = context.operands(operator)
    y = output.tensor
    axis, to = operator.options.axis % len(y.shape), strides(y.shape)
    loops, starts, offset = [], [], 0
    for tensor in operator.operands:
        if tensor.data is not None or (tensor.scale, tensor.zero_point) != (y.scale, y.zero_point):
            raise InputError(f"{operator.name} of constants or of different scales has no C99 form: convert it again")
        loops.append(list(zip(tensor.shape, strides(tensor.shape), to, strict=True)))
        starts.append((0, offset * to[axis]))
        offset += tensor.shape[axis]
    return [copy_step(name, operator, inputs, output, loops, starts)]
