"""STRIDED_SLICE: a part of every axis."""

import numpy as np

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.copy_step import copy_step
from export.c99.ops.loops import strides
from export.c99.steps import Step
from firmware_bench.runtime.errors import InputError


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    loops, start = _slice_loops(operator)
    name, inputs, output = context.operands(operator)
    x, y = operator.operand(0), output.tensor
    step = copy_step(name, operator, inputs, output, [loops], starts=[(start, 0)])
    in_order = loops[-1][1] == 1
    if in_order and y.width == x.width and y.rows > 1 and loops[-2][1] == x.width and y.rows == loops[-2][0]:
        first, size = start // x.width, x.width * np.dtype(x.dtype).itemsize
        # A part of the time: its rows can be copied as they come.
        step.emit_row = lambda places, t, out: [
            f"(void)memcpy({out.row(t)}, {places[0].row(f'({t} + {first})')}, {size});"
        ]
        step.input_rows = lambda t: (t + first, t + first)
        step.ready_condition = lambda t, rows: f"(({t} + {first}) < {rows})"
        step.rows = y.rows
    return [step]


def contiguous_start(operator: GraphOperator) -> int | None:
    """Where the output of a STRIDED_SLICE starts in its input, if it is contiguous there, else None."""
    loops, start = _slice_loops(operator)
    return start if all(size == 1 or step == to for size, step, to in loops) else None


def _slice_loops(operator) -> tuple[list[tuple[int, ...]], int]:
    """(size, step in the input, step in the output) of every axis, and the first value."""
    x, options = operator.operand(0), operator.options
    if options.ellipsisMask or options.newAxisMask or any(t.data is None for t in operator.operands[1:]):
        raise InputError(f"{operator.name} with an ellipsis, a new axis or computed limits has no C99 form")
    begins, ends, by = ([int(n) for n in t.values] for t in operator.operands[1:])
    steps, sizes, start = strides(x.shape), [], 0
    for axis, n in enumerate(x.shape):
        begin = None if options.beginMask >> axis & 1 else begins[axis]
        end = None if options.endMask >> axis & 1 else ends[axis]
        if options.shrinkAxisMask >> axis & 1:
            end = begins[axis] + 1 or None
        chosen = range(n)[begin : end : by[axis]]
        start += chosen.start * steps[axis]
        sizes.append((len(chosen), chosen.step * steps[axis]))
    to = strides([size for size, _ in sizes])
    return [(size, step, out) for (size, step), out in zip(sizes, to, strict=True)], start
