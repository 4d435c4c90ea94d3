"""Every operator that there is a C kernel for: from its tensors and options to a step of the program.

Each function takes (name, operator, inputs, output), the inputs as views (None for a constant or what is left out),
and returns the Step. The arithmetic is that of LiteRT's reference kernels, down to how each factor is rounded.
"""

import math

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ecg_edge.errors import InputError
from export.c99.fixed_point import exponentials, mean_factor, quantised, rounded_once
from export.c99.graph import Operator, Tensor
from export.c99.steps import LSTM, Step, TimeMean, View, array, structure

_ACTIVATION = schema.ActivationFunctionType
ADD_SHIFT = 20  # ECG_LEFT_SHIFT of kernels/ecg_elementwise.c
GATES = 4


def limits(options, output: Tensor) -> dict:
    """The lowest and highest value that the fused activation leaves of an 8-bit output."""
    ceiling = {_ACTIVATION.RELU: None, _ACTIVATION.RELU6: 6.0, _ACTIVATION.RELU_N1_TO_1: 1.0}
    kind = getattr(options, "fusedActivationFunction", _ACTIVATION.NONE)
    if kind == _ACTIVATION.NONE:
        return {"low": -128, "high": 127}
    if kind not in ceiling:
        raise InputError(f"fused activation {kind} has no C99 form: use ReLU or a layer of its own")

    def integer(value):
        return round(np.float32(value) / np.float32(output.scale)) + output.zero_point

    low = integer(-1.0) if kind == _ACTIVATION.RELU_N1_TO_1 else integer(0.0)
    high = 127 if ceiling[kind] is None else integer(ceiling[kind])
    return {"low": max(-128, low), "high": min(127, high)}


# ---------------------------------------------------------------------------------- convolutions, dense layers


def convolution(name, operator, inputs, output):
    return _convolution(name, operator, inputs[0], output, "ecg_conv")


def depthwise(name, operator, inputs, output):
    return _convolution(name, operator, inputs[0], output, "ecg_conv_depthwise")


def _convolution(name, operator, view, output, function):
    x, weights, options = view.tensor, operator.inputs[1], operator.options
    kernel, width = weights.shape[2], x.shape[-1]
    if len(x.shape) != 4 or weights.shape[1] != 1 or not (x.rows == x.shape[2] or kernel == options.strideW == 1):
        raise InputError(
            f"{operator.name} of shape {x.shape} with {weights.shape}: C99 has convolutions over time only"
        )
    stride, dilation = options.strideW, options.dilationWFactor
    reach = (kernel - 1) * dilation + 1
    rows = output.tensor.rows
    pad = max(0, (rows - 1) * stride + reach - x.rows) // 2 if options.padding == schema.Padding.SAME else 0
    shape = {"kernel": kernel, "stride": stride, "dilation": dilation, "pad": pad}
    return Step(
        name,
        "ecg_conv",
        [view],
        output,
        declare=lambda by_rows: _filter(name, operator, x, weights, output.tensor, **shape),
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


def _tap_call(function, name, place, t, out):
    return f"{function}(&{name}, {place.base}, {place.capacity}, {t}, window, {out.row(t)});"


def _filter(name, operator, x, weights, output, bias=2, **shape):
    channels = output.width
    given = operator.inputs[bias] if len(operator.inputs) > bias else None
    biases = np.zeros(channels, np.int32) if given is None else given.data
    scales = np.broadcast_to(weights.scales, channels)
    factors = [quantised(x.scale * float(scale) / output.scale) for scale in scales]
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
    }
    return [
        array("int8_t", f"{name}_weights", weights.data),
        array("int32_t", f"{name}_bias", biases),
        array("int32_t", f"{name}_multipliers", [multiplier for multiplier, _ in factors]),
        array("int8_t", f"{name}_shifts", [shift for _, shift in factors]),
        structure("ecg_conv", name, **fields),
    ]


# ---------------------------------------------------------------------------------- pools, means


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
        declare=lambda by_rows: [structure("ecg_mean", name, **_mean_fields(operator, x.rows))],
        rows=x.rows,
        sums=sums,
    )


def mean(name, operator, inputs, output):
    (view, _), x = inputs, operator.inputs[0]
    axes, steps = averaged_axes(operator), _steps(x.shape)
    kept = _joined([(n, steps[axis]) for axis, n in enumerate(x.shape) if axis not in axes], 3, operator)
    over = _joined([(n, steps[axis]) for axis, n in enumerate(x.shape) if axis in axes], 2, operator)
    fields = {
        "sizes": [n for n, _ in kept],
        "steps": [step for _, step in kept],
        "over_sizes": [n for n, _ in over],
        "over_steps": [step for _, step in over],
        **_mean_fields(operator, math.prod(n for n, _ in over)),
    }
    return Step(
        name,
        "ecg_mean",
        [view],
        output,
        declare=lambda by_rows: [structure("ecg_mean", name, **fields)],
        whole=lambda places, out: [f"ecg_mean(&{name}, {places[0].base}, {out.base});"],
    )


def _mean_fields(operator, count):
    x, y = operator.inputs[0], operator.output
    multiplier, shift = mean_factor(x.scale / y.scale, count)
    return {
        "count": count,
        "zero_in": x.zero_point,
        "zero_out": y.zero_point,
        "multiplier": multiplier,
        "shift": shift,
    }


def _steps(shape):
    """How far apart neighbours along each axis lie."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def _joined(loops, count, operator):
    """Nested loops (size, step, …) with those joined that step alike, filled up to `count` from the outside."""
    joined = []
    for loop in loops:
        size, *steps = loop
        if size == 1:
            continue
        if joined and all(before == size * step for before, step in zip(joined[-1][1:], steps, strict=True)):
            joined[-1] = (joined[-1][0] * size, *steps)
        else:
            joined.append(tuple(loop))
    if len(joined) > count:
        raise InputError(f"{operator.name} of shape {operator.inputs[0].shape}: too many axes for its C kernel")
    width = len(loops[0]) if loops else 2
    return [(1, *[0] * (width - 1))] * (count - len(joined)) + joined


# ---------------------------------------------------------------------------------- element by element


def binary(function, name, operator, inputs, output):
    """ADD, SUB, MUL, MAXIMUM, MINIMUM of two tensors, one of which may be constant, or repeated along axes."""
    tensors, y = operator.inputs, output.tensor
    a, b = tensors
    arithmetic = _binary_fields(operator, a, b, y)
    loops = _broadcast(operator, a, b, y)
    sides = list(zip("ab", tensors, strict=True))
    constants = [array("int8_t", f"{name}_{side}", t.data) for side, t in sides if t.data is not None]
    by_rows = all(t.width in (1, y.width) and t.rows in ((y.rows,) if t.data is None else (1, y.rows)) for t in tensors)

    def pointers(places, t=None):
        places = iter(places)
        found = []
        for side, tensor in sides:
            if tensor.data is None:
                place = next(places)
                found.append(place.base if t is None else place.row(t))
            else:
                found.append(f"{name}_{side}" + (f" + {t} * {tensor.width}" if t and tensor.rows > 1 else ""))
        return ", ".join(found)

    def declare(streamed):
        if streamed:
            sizes, a_steps, b_steps = (1, 1, 1, y.width), *((0, 0, 0, int(t.width > 1)) for t in tensors)
        else:
            sizes, a_steps, b_steps = (tuple(loop[n] for loop in loops) for n in range(3))
        fields = {"sizes": sizes, "steps_a": a_steps, "steps_b": b_steps, **arithmetic}
        return [*constants, structure("ecg_binary", name, **fields)]

    step = Step(
        name,
        "ecg_elementwise",
        [view for view in inputs if view is not None],
        output,
        declare=declare,
        whole=lambda places, out: [f"{function}(&{name}, {pointers(places)}, {out.base});"],
        rows=y.rows,
    )
    if by_rows:
        step.row = lambda places, t, out: [f"{function}(&{name}, {pointers(places, t)}, {out.row(t)});"]
    return step


def _broadcast(operator, a, b, y):
    """Four loops (size, step of a, step of b) over the output."""
    axes = len(y.shape)

    def steps(tensor):
        shape = (1,) * (axes - len(tensor.shape)) + tensor.shape
        return [0 if n == 1 else step for n, step in zip(shape, _steps(shape), strict=True)]

    return _joined(list(zip(y.shape, steps(a), steps(b), strict=True)), 4, operator)


def _binary_fields(operator, a, b, y):
    fields = {"zero_a": a.zero_point, "zero_b": b.zero_point, "zero_out": y.zero_point}
    if operator.name in ("ADD", "SUB"):
        twice = 2 * max(a.scale, b.scale)
        factors = [a.scale / twice, b.scale / twice, twice / (2**ADD_SHIFT * y.scale)]
        (ma, sa), (mb, sb), (my, sy) = map(quantised, factors)
        mb = -mb if operator.name == "SUB" else mb
        fields |= {"multiplier_a": ma, "shift_a": sa, "multiplier_b": mb, "shift_b": sb}
        fields |= {"multiplier_out": my, "shift_out": sy}
    elif operator.name == "MUL":
        product = float(np.float32(a.scale) * np.float32(b.scale) / np.float32(y.scale))
        multiplier, shift = quantised(product)
        fields |= {"multiplier_out": multiplier, "shift_out": shift}
    elif len({(t.scale, t.zero_point) for t in (a, b, y)}) > 1:
        raise InputError(f"{operator.name} of tensors that differ in scale: convert again with export.ranges.tie")
    return fields | limits(operator.options, y)


def table(name, values, view, output):
    """A function of one value, its 256 `values` as a table."""
    return Step(
        name,
        "ecg_elementwise",
        [view],
        output,
        declare=lambda by_rows: [array("int8_t", f"{name}_table", values)],
        whole=lambda places, out: [f"ecg_table({name}_table, {places[0].base}, {output.tensor.size}, {out.base});"],
        row=lambda places, t, out: [f"ecg_table({name}_table, {places[0].row(t)}, {view.tensor.width}, {out.row(t)});"],
        rows=view.tensor.rows,
        in_place=True,
    )


# ---------------------------------------------------------------------------------- rows, matrices


def softmax(name, operator, inputs, output):
    x = operator.inputs[0]
    values = exponentials(x.scale * operator.options.beta)
    fields = {"exponentials": f"{name}_exponentials", "count": len(values), "rows": x.rows, "width": x.width}
    return Step(
        name,
        "ecg_softmax",
        [inputs[0]],
        output,
        declare=lambda by_rows: [
            array("int32_t", f"{name}_exponentials", values),
            structure("ecg_softmax", name, **fields),
        ],
        whole=lambda places, out: [f"ecg_softmax(&{name}, {places[0].base}, {out.base});"],
        in_place=True,
    )


def normalise(name, operator, inputs, output):
    x = operator.inputs[0]
    return Step(
        name,
        "ecg_normalise",
        [inputs[0]],
        output,
        declare=lambda by_rows: [],
        row=lambda places, t, out: [f"ecg_normalise({places[0].row(t)}, {x.width}, {x.zero_point}, {out.row(t)});"],
        rows=x.rows,
        in_place=True,
    )


def matrix_product(name, operator, inputs, output):
    a, b = operator.inputs
    y, transposed = output.tensor, operator.options.adjY
    if operator.options.adjX or a.data is not None or b.data is not None:
        raise InputError(f"{operator.name} of constants or of a transposed first matrix has no C99 form")
    rows, depth, columns = y.shape[-2], a.shape[-1], y.shape[-1]
    count = y.size // (rows * columns)
    if a.size != count * rows * depth or b.size != count * depth * columns:
        raise InputError(f"{operator.name} of {a.shape} and {b.shape}: C99 has no products of repeated matrices")
    multiplier, shift = quantised(float(np.float32(a.scale) * np.float32(b.scale)) / y.scale)
    fields = {
        "count": count,
        "rows": rows,
        "depth": depth,
        "columns": columns,
        "depth_step": 1 if transposed else columns,
        "column_step": depth if transposed else 1,
        "zero_a": a.zero_point,
        "zero_b": b.zero_point,
        "zero_out": y.zero_point,
        "multiplier": multiplier,
        "shift": shift,
    }
    return Step(
        name,
        "ecg_matmul",
        inputs,
        output,
        declare=lambda by_rows: [structure("ecg_matmul", name, **fields)],
        whole=lambda places, out: [f"ecg_matmul(&{name}, {places[0].base}, {places[1].base}, window, {out.base});"],
        window=depth,
    )


def lstm(name, operator, parts: list[View], output, backwards: bool, flipped: bool):
    """An LSTM without peepholes, projection and layer normalisation: the form that the export makes."""
    tensors = operator.inputs
    x, hidden, cell = tensors[0], tensors[18], tensors[19]
    extras = [*tensors[9:12], *tensors[16:18], *tensors[20:24]]
    if any(t is not None and t.size for t in extras) or tensors[1] is None or operator.options.timeMajor:
        raise InputError(f"{operator.name} with peepholes, projection, normalisation or coupled gates has no C99 form")
    weights, recurrent, biases = tensors[1:5], tensors[5:9], tensors[12:16]
    state = operator.intermediates[4]
    if (state.scale, state.zero_point) != (hidden.scale, hidden.zero_point):
        raise InputError(f"{operator.name} whose state and output differ in scale: convert it again")
    inputs, units = weights[0].shape[1], weights[0].shape[0]
    gate_scale, log_cell = np.float32(2.0**-12), round(math.log2(cell.scale))

    def factors(matrices, scale):
        # LiteRT multiplies and divides these in single precision.
        found = [quantised(float(np.float32(w.scale) * np.float32(scale) / gate_scale)) for w in matrices]
        return [multiplier for multiplier, _ in found], [shift for _, shift in found]

    multipliers, shifts = factors(weights, x.scale)
    recurrent_multipliers, recurrent_shifts = factors(recurrent, hidden.scale)
    multiplier, shift = quantised(float(np.float32(2.0**-15 / state.scale * 2.0**-15)))
    clip = np.float32(operator.options.cellClip) / np.float32(cell.scale)
    fields = {
        "weights": f"{name}_weights",
        "recurrent": f"{name}_recurrent",
        "bias": f"{name}_bias",
        "multipliers": multipliers,
        "shifts": shifts,
        "recurrent_multipliers": recurrent_multipliers,
        "recurrent_shifts": recurrent_shifts,
        "inputs": inputs,
        "units": units,
        "cell_bits": 15 + log_cell,
        "cell_clip": int(min(clip, 32767)) if clip > 0 else 32768,
        "multiplier": multiplier,
        "shift": shift,
        "zero_out": state.zero_point,
    }
    return LSTM(
        name,
        "ecg_lstm",
        parts,
        output,
        declare=lambda by_rows: [
            array("int8_t", f"{name}_weights", np.stack([w.data for w in weights], 1)),
            array("int8_t", f"{name}_recurrent", np.stack([w.data for w in recurrent], 1)),
            array("int32_t", f"{name}_bias", np.stack([b.data for b in biases], 1)),
            structure("ecg_lstm", name, **fields),
        ],
        window=inputs,
        backwards=backwards,
        flipped=flipped,
        units=units,
        zero_in=x.zero_point,
    )


# ---------------------------------------------------------------------------------- values that only move


def transpose(name, operator, inputs, output):
    x = operator.inputs[0]
    order = [int(axis) for axis in operator.inputs[1].data]
    steps, to = _steps(x.shape), _steps(output.tensor.shape)
    return _copies(name, operator, inputs[:1], output, [[(x.shape[a], steps[a], to[n]) for n, a in enumerate(order)]])


def reverse(name, operator, inputs, output):
    x = operator.inputs[0]
    axes = {int(axis) % len(x.shape) for axis in np.ravel(operator.inputs[1].data)}
    steps = _steps(x.shape)
    loops = [(n, -step if a in axes else step, step) for a, (n, step) in enumerate(zip(x.shape, steps, strict=True))]
    start = sum((x.shape[axis] - 1) * steps[axis] for axis in axes)
    return _copies(name, operator, inputs[:1], output, [loops], starts=[(start, 0)])


def strided_slice(name, operator, inputs, output):
    x, options = operator.inputs[0], operator.options
    if options.ellipsisMask or options.newAxisMask or any(t.data is None for t in operator.inputs[1:]):
        raise InputError(f"{operator.name} with an ellipsis, a new axis or computed limits has no C99 form")
    begins, ends, strides = ([int(n) for n in t.data] for t in operator.inputs[1:])
    steps, loops, start = _steps(x.shape), [], 0
    for axis, n in enumerate(x.shape):
        begin = None if options.beginMask >> axis & 1 else begins[axis]
        end = None if options.endMask >> axis & 1 else ends[axis]
        if options.shrinkAxisMask >> axis & 1:
            end = begins[axis] + 1 or None
        chosen = range(n)[begin : end : strides[axis]]
        start += chosen.start * steps[axis]
        loops.append((len(chosen), chosen.step * steps[axis]))
    to = _steps([size for size, _ in loops])
    loops = [(size, step, out) for (size, step), out in zip(loops, to, strict=True)]
    step = _copies(name, operator, inputs[:1], output, [loops], starts=[(start, 0)])
    y = output.tensor
    if y.width == x.width and y.rows > 1 and loops[-2][1] == x.width and y.rows == loops[-2][0]:
        first = start // x.width  # a stretch of time: its rows can be copied as they come
        step.row = lambda places, t, out: [f"memcpy({out.row(t)}, {places[0].row(f'({t} + {first})')}, {x.width});"]
        step.span = lambda t: (t + first, t + first)
        step.due = lambda t, have: f"{t} + {first} < {have}"
        step.rows = y.rows
    return step


def pad(name, operator, inputs, output):
    x, y = operator.inputs[0], output.tensor
    before = [int(n) for n in np.reshape(operator.inputs[1].data, (-1, 2))[:, 0]]
    value = int(operator.inputs[2].data.ravel()[0]) if len(operator.inputs) > 2 else y.zero_point
    steps, to = _steps(x.shape), _steps(y.shape)
    start = sum(n * step for n, step in zip(before, to, strict=True))
    step = _copies(name, operator, inputs[:1], output, [list(zip(x.shape, steps, to, strict=True))], [(0, start)])
    copies = step.whole
    step.whole = lambda places, out: [f"memset({out.base}, {value}, {y.size});", *copies(places, out)]
    return step


def concatenation(name, operator, inputs, output):
    y = output.tensor
    axis, to = operator.options.axis % len(y.shape), _steps(y.shape)
    loops, starts, done = [], [], 0
    for tensor, view in zip(operator.inputs, inputs, strict=True):
        if view is None or (tensor.scale, tensor.zero_point) != (y.scale, y.zero_point):
            raise InputError(f"{operator.name} of constants or of different scales has no C99 form: convert it again")
        loops.append(list(zip(tensor.shape, _steps(tensor.shape), to, strict=True)))
        starts.append((0, done * to[axis]))
        done += tensor.shape[axis]
    return _copies(name, operator, inputs, output, loops, starts)


def _copies(name, operator, inputs, output, loops, starts=None):
    """One copy per input, of loops (size, step from, step to) and starts (from, to)."""
    starts = starts or [(0, 0)] * len(loops)

    def declare(by_rows):
        found = []
        for n, (nest, (start, to)) in enumerate(zip(loops, starts, strict=True)):
            nest = _joined(nest, 5, operator)
            sizes, from_steps, to_steps = ([loop[field] for loop in nest] for field in range(3))
            steps = {"sizes": sizes, "from_steps": from_steps, "to_steps": to_steps}
            found.append(structure("ecg_copy", f"{name}_{n}", **steps, **{"from": start, "to": to}))
        return [] if by_rows else found

    return Step(
        name,
        "ecg_copy",
        inputs,
        output,
        declare=declare,
        whole=lambda places, out: [
            f"ecg_copy(&{name}_{n}, {place.base}, {out.base});" for n, place in enumerate(places)
        ],
    )


# ---------------------------------------------------------------------------------- by name

STEPS = {
    "CONV_2D": convolution,
    "DEPTHWISE_CONV_2D": depthwise,
    "TRANSPOSE_CONV": transposed_convolution,
    "FULLY_CONNECTED": dense,
    "MAX_POOL_2D": max_pool,
    "MEAN": mean,
    "ADD": lambda *a: binary("ecg_add", *a),
    "SUB": lambda *a: binary("ecg_add", *a),
    "MUL": lambda *a: binary("ecg_multiply", *a),
    "MAXIMUM": lambda *a: binary("ecg_maximum", *a),
    "MINIMUM": lambda *a: binary("ecg_minimum", *a),
    "SOFTMAX": softmax,
    "L2_NORMALIZATION": normalise,
    "BATCH_MATMUL": matrix_product,
    "TRANSPOSE": transpose,
    "REVERSE_V2": reverse,
    "STRIDED_SLICE": strided_slice,
    "PAD": pad,
    "PADV2": pad,
    "CONCATENATION": concatenation,
}
VIEWS = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS"}
# Functions of one value become tables; so do those of two where both come from one value, or one is a constant.
UNARY = {"LOGISTIC", "TANH", "ABS", "NEG", "RELU", "RELU6", "RSQRT", "SQRT", "EXP", "HARD_SWISH", "LEAKY_RELU",
         "QUANTIZE", "SQUARE", "ELU"}  # fmt: skip
BINARY = {"ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "PRELU"}
