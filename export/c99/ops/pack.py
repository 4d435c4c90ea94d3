"""PACK: tensors of one scale along a new axis."""

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
    if any(t.data is not None or (t.scale, t.zero_point) != (y.scale, y.zero_point) for t in operator.operands):
        raise InputError(f"{operator.name} of constants or of different scales has no C99 form: convert it again")
    kept = [step for n, step in enumerate(to) if n != axis]
    loops = [list(zip(t.shape, strides(t.shape), kept, strict=True)) or [(1, 1, 1)] for t in operator.operands]
    return [copy_step(name, operator, inputs, output, loops, [(0, n * to[axis]) for n in range(len(loops))])]
