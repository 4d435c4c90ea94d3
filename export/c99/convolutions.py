"""Convolutions and dense layers as steps of the program (export.c99.operators)."""

from functools import partial

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.c99.fixed_point import quantised_of_sums, rounded_once
from export.c99.loops import limits, only_in_8_bits
from export.c99.steps import Step, array, structure
from firmware_bench.runtime.errors import InputError


def convolution(name, operator, inputs, output):
    return _convolution(name, operator, inputs[0], output, "ecg_conv")


def depthwise(name, operator, inputs, output):
    return _convolution(name, operator, inputs[0], output, "ecg_conv_depthwise")


def delay(operator) -> int | None:
    """By how many values a depthwise convolution in 16 bits moves its input in time, later or (negative) earlier, with
    zeros where nothing comes from; None for an operator that does more than that."""
    x, y = operator.inputs[0], operator.output
    if operator.name != "DEPTHWISE_CONV_2D" or y.dtype is not np.int16 or x.shape != y.shape:
        return None
    weights, shape = operator.inputs[1], _over_time(operator)
    taps = np.reshape(weights.data, (shape["kernel"], x.width))
    (used,) = np.nonzero(taps.any(axis=1))
    given = operator.inputs[2] if len(operator.inputs) > 2 else None
    bounds = np.iinfo(np.int16)
    free = limits(operator.options, y) == {"low": bounds.min, "high": bounds.max}
    if len(used) != 1 or shape["stride"] != 1 or not free or (given is not None and given.data.any()):
        return None
    values = np.arange(bounds.min, bounds.max + 1)
    factors = _factors(x, weights, y, wide=True)
    for weight, (multiplier, shift) in set(zip(taps[used[0]].tolist(), factors, strict=True)):
        if shift < 1 or not np.array_equal(values, values * weight * multiplier + (1 << shift - 1) >> shift):
            return None
    return (shape["pad"] - int(used[0]) * shape["dilation"]) * x.width


def _over_time(operator) -> dict:
    """Kernel, stride, dilation and padding in front of a convolution, in rows."""
    x, weights, options = operator.inputs[0], operator.inputs[1], operator.options
    high, kernel = weights.shape[1:3]
    wide = len(x.shape) == 4 and high == 1 and (x.rows == x.shape[2] or kernel == options.strideW == 1)
    tall = len(x.shape) == 4 and kernel == 1 == options.strideH == options.strideW
    if not (wide or tall):
        raise InputError(
            f"{operator.name} of shape {x.shape} with {weights.shape}: C99 has convolutions over time only"
        )
    stride, dilation = options.strideW, options.dilationWFactor
    if not wide:  # over the first axis: the next in time is as many rows on as there are at one time
        kernel, dilation = high, options.dilationHFactor * x.shape[2]
    reach = (kernel - 1) * dilation + 1
    rows = operator.output.rows
    pad = max(0, (rows - 1) * stride + reach - x.rows) // 2 if options.padding == schema.Padding.SAME else 0
    if not wide:
        pad -= pad % x.shape[2]  # in whole times, of which an even kernel has one less in front
    return {"kernel": kernel, "stride": stride, "dilation": dilation, "pad": pad}


def _convolution(name, operator, view, output, function):
    x, weights, width, rows = view.tensor, operator.inputs[1], view.tensor.width, output.tensor.rows
    kernel, stride, dilation, pad = (shape := _over_time(operator)).values()
    reach = (kernel - 1) * dilation + 1
    here = x.dtype is np.int16 and pad == 0 and dilation == 1 and (rows - 1) * stride + kernel <= x.rows
    return Step(
        name,
        "ecg_conv",
        [view],
        output,
        declare=lambda by_rows: _filter(name, operator, x, weights, output.tensor, **shape),
        here=partial(_call_here, function, name, stride * width) if here else None,
        row=lambda places, t, out: [_tap_call(function, name, places[0], t, out)],
        span=lambda t: (t * stride - pad, t * stride - pad + reach - 1),
        due=lambda t, have: f"{t} * {stride} + {reach - pad} <= {have}",
        rows=rows,
        window=kernel * width,
    )


def transposed_convolution(name, operator, inputs, output):
    view, weights, options = inputs[2], operator.inputs[1], operator.options
    x, stride, kernel = view.tensor, operator.options.strideW, weights.shape[2]
    if len(x.shape) != 4 or weights.shape[1] != 1 or x.rows != x.shape[2]:
        raise InputError(f"{operator.name} of shape {x.shape}: C99 has convolutions over time only")
    rows = output.tensor.rows
    pad = max(0, (x.rows - 1) * stride + kernel - rows) // 2 if options.padding == schema.Padding.SAME else 0
    shape = {"kernel": kernel, "stride": stride, "dilation": 1, "pad": pad}
    return Step(
        name,
        "ecg_conv",
        [view],
        output,
        declare=lambda by_rows: _filter(name, operator, x, weights, output.tensor, bias=3, **shape),
        row=lambda places, t, out: [_tap_call("ecg_conv_transposed", name, places[0], t, out)],
        span=lambda t: (-(-(t + pad - kernel + 1) // stride), (t + pad) // stride),
        due=lambda t, have: f"({t} + {pad}) / {stride} < {have}",
        rows=rows,
        window=kernel * x.width,
    )


def dense(name, operator, inputs, output):
    view, weights, y = inputs[0], operator.inputs[1], output.tensor
    only_in_8_bits(operator)
    if weights.data is None:
        raise InputError(f"{operator.name} with weights that are computed has no C99 form: use a matrix product")
    x, (channels, depth) = view.tensor, weights.shape
    given = operator.inputs[2] if len(operator.inputs) > 2 else None
    scales = np.broadcast_to(weights.scales, channels)
    factors = [rounded_once(x.scale * float(w) / y.scale, -128 - y.zero_point, 127 - y.zero_point) for w in scales]
    fields = {
        "weights": f"{name}_weights",
        "bias": f"{name}_bias",
        "width": depth,
        "channels": channels,
        "multipliers": f"{name}_multipliers",
        "shifts": f"{name}_shifts",
        "zero_in": x.zero_point,
        "zero_out": y.zero_point,
        **limits(operator.options, y),
    }
    return Step(
        name,
        "ecg_dense",
        [view],
        output,
        declare=lambda by_rows: [
            array("int8_t", f"{name}_weights", weights.data),
            array("int32_t", f"{name}_bias", np.zeros(channels, np.int32) if given is None else given.data),
            array("int32_t", f"{name}_multipliers", [multiplier for multiplier, _ in factors]),
            array("int8_t", f"{name}_shifts", [shift for _, shift in factors]),
            structure("ecg_dense", name, **fields),
        ],
        row=lambda places, t, out: [f"ecg_dense(&{name}, {places[0].row(t)}, window, {out.row(t)});"],
        rows=x.size // depth,
        window=depth,
    )


def _call_here(function, name, distance, places, t, out):
    return [f"{function}_here(&{name}, {places[0].base} + {t} * {distance}, {out.row(t)});"]


def _tap_call(function, name, place, t, out):
    return f"{function}(&{name}, {place.base}, {place.capacity}, {t}, window, {out.row(t)});"


def _filter(name, operator, x, weights, output, bias=2, **shape):
    channels = output.width
    given = operator.inputs[bias] if len(operator.inputs) > bias else None
    biases = np.zeros(channels, np.int32) if given is None else given.data
    if np.abs(biases).max() > np.iinfo(np.int32).max:
        raise InputError(f"{operator.name} with a bias beyond 32 bits has no C99 form: convert it again")
    wide = output.dtype is np.int16 and (given is None or given.dtype is np.int64)
    factors = _factors(x, weights, output, wide)
    fields = {
        "weights": f"{name}_weights",
        "bias": f"{name}_bias",
        "multipliers": f"{name}_multipliers",
        "shifts": f"{name}_shifts",
        "rows": x.rows,
        "width": x.width,
        "channels": channels,
        **shape,
        "zero_in": x.zero_point,
        "zero_out": output.zero_point,
        **limits(operator.options, output),
        **({"wide": int(wide)} if output.dtype is np.int16 else {}),
    }
    return [
        array("int8_t", f"{name}_weights", weights.data),
        array("int32_t", f"{name}_bias", biases),
        array("int32_t", f"{name}_multipliers", [multiplier for multiplier, _ in factors]),
        array("int8_t", f"{name}_shifts", [shift for _, shift in factors]),
        structure("ecg_conv", name, **fields),
    ]


def _factors(x, weights, output, wide) -> list[tuple[int, int]]:
    """(multiplier, shift) of each channel, for sums of 32 bits or `wide` ones of 64."""
    scales = np.broadcast_to(weights.scales, output.width)
    return [quantised_of_sums(x.scale * float(scale) / output.scale, wide) for scale in scales]
