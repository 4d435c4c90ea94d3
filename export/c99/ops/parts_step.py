"""Parts of a tensor along an axis, one after the other: shared by SPLIT, SPLIT_V and UNPACK."""

from collections.abc import Sequence

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator, GraphTensor
from export.c99.ops.copy_step import copy_step
from export.c99.ops.loops import strides
from export.c99.steps import Step
from firmware_bench.runtime.errors import InputError


def parts_steps(
    context: LoweringContext, operator: GraphOperator, x: GraphTensor, axis: int, sizes: Sequence[int]
) -> list[Step]:
    """A copy for every output.

    Args:
        context: The state of lowering.
        operator: The operator.
        x: What is taken apart.
        axis: Along which.
        sizes: Of every part.

    Raises:
        InputError: The input and an output differ in scale.
    """
    view, steps, found, start = context.view(x), strides(x.shape), [], 0
    for tensor, size in zip(operator.outputs, sizes, strict=True):
        if (tensor.scale, tensor.zero_point) != (x.scale, x.zero_point):
            raise InputError(f"{operator.name} of different scales has no C99 form: convert it again")
        shape = (*x.shape[:axis], size, *x.shape[axis + 1 :])
        loops = list(zip(shape, steps, strides(shape), strict=True))
        name = context.new_name(operator.name)
        output = context.new_view(tensor, name)
        found.append(copy_step(name, operator, [view], output, [loops], [(start * steps[axis], 0)]))
        start += size
    return found
