"""MEAN: global average pooling of a sequence, accumulated row by row, or a mean over any one or two axes."""

import math

from export.c99.c_text import structure
from export.c99.context import LoweringContext
from export.c99.fixed_point import mean_multiplier
from export.c99.ir import GraphOperator
from export.c99.ops.loops import reduced_axes, reduction_loops
from export.c99.steps import Step, TimeMeanStep


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    return [_time_mean(context, operator) if is_time_mean(operator) else _mean(context, operator)]


def is_time_mean(operator: GraphOperator) -> bool:
    """Whether a MEAN leaves one row of several."""
    x, axes = operator.operand(0), reduced_axes(operator)
    kept = [n for axis, n in enumerate(x.shape) if axis not in axes]
    return x.rows > 1 and len(x.shape) - 1 not in axes and math.prod(kept) == x.width


def mean_fields(operator: GraphOperator, count: int) -> dict[str, int]:
    """The fields of ecg_mean_params for a mean of `count` values, but for the loops."""
    x, y = operator.operand(0), operator.output
    multiplier, shift = mean_multiplier(x.scale / y.scale, count)
    return {
        "count": count,
        "zero_in": x.zero_point,
        "zero_out": y.zero_point,
        "multiplier": multiplier,
        "shift": shift,
    }


def _time_mean(context, operator):
    name, x = context.new_name(operator.name), operator.operand(0)
    parts = [context.view(part) for part in context.parts(x)]
    return TimeMeanStep(
        name,
        "ecg_mean_sN",
        parts,
        context.new_view(operator.output, name),
        declare=lambda by_rows: [structure("ecg_mean_params_sN", name, **mean_fields(operator, x.rows))],
        rows=x.rows,
        sums_offset=context.reserve_sums(x.width),
    )


def _mean(context, operator):
    name, inputs, output = context.operands(operator)
    loops = reduction_loops(operator)
    fields = {**loops, **mean_fields(operator, math.prod(loops["over_sizes"]))}
    return Step(
        name,
        "ecg_mean_sN",
        inputs,
        output,
        declare=lambda by_rows: [structure("ecg_mean_params_sN", name, **fields)],
        emit_all=lambda places, out: [f"ecg_mean_sN(&${name}, {places[0].base}, {out.base});"],
    )
