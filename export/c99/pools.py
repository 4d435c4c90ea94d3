"""Pools and means as steps of the program (export.c99.operators)."""

import math

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.c99.fixed_point import mean_factor
from export.c99.graph import Operator
from export.c99.loops import distances, joined, limits
from export.c99.steps import Step, TimeMean, View, structure
from firmware_bench.runtime.errors import InputError


def max_pool(name, operator, inputs, output):
    (view,), options = inputs, operator.options
    x, stride, kernel = view.tensor, options.strideW, options.filterWidth
    if options.filterHeight != 1 or len(x.shape) != 4 or x.rows != x.shape[2]:
        raise InputError(f"{operator.name} of shape {x.shape}: C99 has pools over time only")
    rows = output.tensor.rows
    pad = max(0, (rows - 1) * stride + kernel - x.rows) // 2 if options.padding == schema.Padding.SAME else 0
    fields = {"rows": x.rows, "width": x.width, "kernel": kernel, "stride": stride, "pad": pad}
    return Step(
        name,
        "ecg_pool",
        [view],
        output,
        declare=lambda by_rows: [structure("ecg_pool", name, **fields, **limits(options, output.tensor))],
        row=lambda places, t, out: [
            f"ecg_max_pool(&{name}, {places[0].base}, {places[0].capacity}, {t}, {out.row(t)});"
        ],
        span=lambda t: (t * stride - pad, t * stride - pad + kernel - 1),
        due=lambda t, have: f"{t} * {stride} + {kernel - pad} <= {have}",
        rows=rows,
    )


def averaged_axes(operator: Operator) -> list[int]:
    """The axes of a MEAN, from 0."""
    x = operator.inputs[0]
    return sorted(int(axis) % len(x.shape) for axis in np.ravel(operator.inputs[1].data))


def is_time_mean(operator: Operator) -> bool:
    """Whether a MEAN leaves one row of what has several."""
    x = operator.inputs[0]
    kept = [n for axis, n in enumerate(x.shape) if axis not in averaged_axes(operator)]
    return x.rows > 1 and len(x.shape) - 1 not in averaged_axes(operator) and math.prod(kept) == x.width


def time_mean(name, operator, parts: list[View], output, sums: int):
    x = operator.inputs[0]
    return TimeMean(
        name,
        "ecg_mean",
        parts,
        output,
        declare=lambda by_rows: [structure("ecg_mean", name, **mean_fields(operator, x.rows))],
        rows=x.rows,
        sums=sums,
    )


def mean(name, operator, inputs, output):
    (view, _), x = inputs, operator.inputs[0]
    axes, steps = averaged_axes(operator), distances(x.shape)
    kept = joined([(n, steps[axis]) for axis, n in enumerate(x.shape) if axis not in axes], 3, operator)
    over = joined([(n, steps[axis]) for axis, n in enumerate(x.shape) if axis in axes], 2, operator)
    fields = {
        "sizes": [n for n, _ in kept],
        "steps": [step for _, step in kept],
        "over_sizes": [n for n, _ in over],
        "over_steps": [step for _, step in over],
        **mean_fields(operator, math.prod(n for n, _ in over)),
    }
    return Step(
        name,
        "ecg_mean",
        [view],
        output,
        declare=lambda by_rows: [structure("ecg_mean", name, **fields)],
        whole=lambda places, out: [f"ecg_mean(&{name}, {places[0].base}, {out.base});"],
    )


def mean_fields(operator, count):
    x, y = operator.inputs[0], operator.output
    multiplier, shift = mean_factor(x.scale / y.scale, count)
    return {
        "count": count,
        "zero_in": x.zero_point,
        "zero_out": y.zero_point,
        "multiplier": multiplier,
        "shift": shift,
    }
