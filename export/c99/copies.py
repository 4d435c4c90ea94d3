"""Values that only move, as steps of the program (export.c99.operators)."""

import numpy as np

from export.c99.loops import distances, joined
from export.c99.steps import Step, structure
from firmware_bench.runtime.errors import InputError


def transpose(name, operator, inputs, output):
    x = operator.inputs[0]
    order = [int(axis) for axis in operator.inputs[1].data]
    steps, to = distances(x.shape), distances(output.tensor.shape)
    return _copies(name, operator, inputs[:1], output, [[(x.shape[a], steps[a], to[n]) for n, a in enumerate(order)]])


def reverse(name, operator, inputs, output):
    x = operator.inputs[0]
    axes = {int(axis) % len(x.shape) for axis in np.ravel(operator.inputs[1].data)}
    steps = distances(x.shape)
    loops = [(n, -step if a in axes else step, step) for a, (n, step) in enumerate(zip(x.shape, steps, strict=True))]
    start = sum((x.shape[axis] - 1) * steps[axis] for axis in axes)
    return _copies(name, operator, inputs[:1], output, [loops], starts=[(start, 0)])


def _sliced(operator):
    """Loops (size, step from, step to) over a slice, and where it starts."""
    x, options = operator.inputs[0], operator.options
    if options.ellipsisMask or options.newAxisMask or any(t.data is None for t in operator.inputs[1:]):
        raise InputError(f"{operator.name} with an ellipsis, a new axis or computed limits has no C99 form")
    begins, ends, strides = ([int(n) for n in t.data] for t in operator.inputs[1:])
    steps, loops, start = distances(x.shape), [], 0
    for axis, n in enumerate(x.shape):
        begin = None if options.beginMask >> axis & 1 else begins[axis]
        end = None if options.endMask >> axis & 1 else ends[axis]
        if options.shrinkAxisMask >> axis & 1:
            end = begins[axis] + 1 or None
        chosen = range(n)[begin : end : strides[axis]]
        start += chosen.start * steps[axis]
        loops.append((len(chosen), chosen.step * steps[axis]))
    to = distances([size for size, _ in loops])
    return [(size, step, out) for (size, step), out in zip(loops, to, strict=True)], start


def stretch(operator) -> int | None:
    """Where the output of a slice starts in its input, of which it is a stretch; None where it lies apart."""
    loops, start = _sliced(operator)
    return start if all(size == 1 or step == to for size, step, to in loops) else None


def strided_slice(name, operator, inputs, output):
    x = operator.inputs[0]
    loops, start = _sliced(operator)
    step = _copies(name, operator, inputs[:1], output, [loops], starts=[(start, 0)])
    y = output.tensor
    if y.width == x.width and y.rows > 1 and loops[-2][1] == x.width and y.rows == loops[-2][0]:
        first, size = start // x.width, x.width * np.dtype(x.dtype).itemsize
        # A stretch of time: its rows can be copied as they come.
        step.row = lambda places, t, out: [f"memcpy({out.row(t)}, {places[0].row(f'({t} + {first})')}, {size});"]
        step.span = lambda t: (t + first, t + first)
        step.due = lambda t, have: f"{t} + {first} < {have}"
        step.rows = y.rows
    return step


def pad(name, operator, inputs, output):
    x, y = operator.inputs[0], output.tensor
    before = [int(n) for n in np.reshape(operator.inputs[1].data, (-1, 2))[:, 0]]
    value = int(operator.inputs[2].data.ravel()[0]) if len(operator.inputs) > 2 else y.zero_point
    steps, to = distances(x.shape), distances(y.shape)
    start = sum(n * step for n, step in zip(before, to, strict=True))
    step = _copies(name, operator, inputs[:1], output, [list(zip(x.shape, steps, to, strict=True))], [(0, start)])
    copies, size = step.whole, y.size * np.dtype(y.dtype).itemsize
    if value and y.dtype is not np.int8:
        raise InputError(f"{operator.name} with {value} in 16 bits has no C99 form: pad with zeros")
    step.whole = lambda places, out: [f"memset({out.base}, {value}, {size});", *copies(places, out)]
    return step


def concatenation(name, operator, inputs, output):
    y = output.tensor
    axis, to = operator.options.axis % len(y.shape), distances(y.shape)
    loops, starts, done = [], [], 0
    for tensor, view in zip(operator.inputs, inputs, strict=True):
        if view is None or (tensor.scale, tensor.zero_point) != (y.scale, y.zero_point):
            raise InputError(f"{operator.name} of constants or of different scales has no C99 form: convert it again")
        loops.append(list(zip(tensor.shape, distances(tensor.shape), to, strict=True)))
        starts.append((0, done * to[axis]))
        done += tensor.shape[axis]
    return _copies(name, operator, inputs, output, loops, starts)


def _copies(name, operator, inputs, output, loops, starts=None):
    """One copy per input, of loops (size, step from, step to) and starts (from, to)."""
    starts = starts or [(0, 0)] * len(loops)

    def declare(by_rows):
        found = []
        for n, (nest, (start, to)) in enumerate(zip(loops, starts, strict=True)):
            nest = joined(nest, 5, operator)
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
