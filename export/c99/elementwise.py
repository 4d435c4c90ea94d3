"""Sums, products and functions of one value as steps of the program (export.c99.operators)."""

import math

import numpy as np

from export.c99.fixed_point import quantised
from export.c99.loops import distances, joined, limits
from export.c99.steps import Step, array, ctype, structure
from export.c99.tables import sigmoid_points
from firmware_bench.runtime.errors import InputError

BLOCK = 1024  # values, at most, of a product that is added up at once
ADD_SHIFTS = {np.int8: 20, np.int16: 15}  # ECG_LEFT_SHIFT of kernels/ecg_elementwise.c


def binary(function, name, operator, inputs, output):
    """ADD, SUB, MUL, MAXIMUM of two tensors, one of which may be constant, or repeated along axes."""
    tensors, y = operator.inputs, output.tensor
    a, b = tensors
    function, arithmetic = _arithmetic(function, operator)
    if any(view is not None and view.delay for view in inputs):
        return _product_in_time(function, name, inputs, output, arithmetic)
    loops = _broadcast(operator, a, b, y)
    sides = list(zip("ab", tensors, strict=True))
    constants = [array(ctype(t.dtype), f"{name}_{side}", t.data) for side, t in sides if t.data is not None]
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
        in_place=[n for n, tensor in enumerate(t for t in tensors if t.data is None) if tensor.size == y.size],
    )
    if by_rows:
        step.row = lambda places, t, out: [f"{function}(&{name}, {pointers(places, t)}, {out.row(t)});"]
    return step


def _product_in_time(function, name, inputs, output, arithmetic):
    """A product of two tensors of one shape, one of them delayed: zero where that has nothing."""
    size, delay = output.tensor.size, sum(view.delay for view in inputs)
    block = math.gcd(size, delay)

    def whole(places, out):
        nothing = f"memset({out.base} + i, 0, {block} * sizeof(ecg_value));"
        product = f"{function}(&{name}, {_factors_in_time(places, inputs)}, {out.base} + i);"
        return _in_time(size, delay, block, nothing, product)

    return Step(
        name,
        "ecg_elementwise",
        inputs,
        output,
        declare=lambda by_rows: [_blockwise(name, block, arithmetic)],
        whole=whole,
        in_place=(0, 1),
    )


def sum_in_time(name, operator, product, inputs, output):
    """The ADD of a tensor and a product as above, which is nowhere stored as a whole; `inputs`: that tensor, then the
    factors of `product`, an operator."""
    size, delay = output.tensor.size, sum(view.delay for view in inputs)
    block = math.gcd(size, delay, BLOCK)
    multiply, of_product = _arithmetic("ecg_multiply", product)
    add, of_sum = _arithmetic("ecg_add", operator)
    first = operator.inputs[0].index == product.output.index

    def whole(places, out):
        term = f"{places[0].base} + i"
        terms = f"window, {term}" if first else f"{term}, window"
        product = f"{multiply}(&{name}_product, {_factors_in_time(places[1:], inputs[1:])}, window);"
        total = f"{add}(&{name}, {terms}, {out.base} + i);"
        return _in_time(size, delay, block, "memset(window, 0, sizeof window);", product, total)

    return Step(
        name,
        "ecg_elementwise",
        inputs,
        output,
        declare=lambda by_rows: [_blockwise(f"{name}_product", block, of_product), _blockwise(name, block, of_sum)],
        whole=whole,
        window=block,
        in_place=(0, 1, 2),
    )


def _in_time(size, delay, block, nothing, product, *then):
    """A loop over blocks of values: `nothing` where what is delayed has none for block i, else `product`, and `then`.
    It goes from the end towards which values move, so that the output may take the place of what it is made from."""
    if delay > 0:
        blocks, beyond = f"int32_t i = {size - block}; i >= 0; i -= {block}", f"i < {delay}"
    else:
        blocks, beyond = f"int32_t i = 0; i < {size}; i += {block}", f"i >= {size + delay}"
    lines = [f"if ({beyond}) {{", f"    {nothing}", "} else {", f"    {product}", "}", *then]
    return [f"for ({blocks}) {{", *(f"    {line}" for line in lines), "}"]


def _factors_in_time(places, views):
    return ", ".join(
        f"{place.base} + i" + (f" {'-' if view.delay > 0 else '+'} {abs(view.delay)}" if view.delay else "")
        for place, view in zip(places, views, strict=True)
    )


def _blockwise(name, block, arithmetic):
    return structure(
        "ecg_binary", name, sizes=(1, 1, 1, block), steps_a=(0, 0, 0, 1), steps_b=(0, 0, 0, 1), **arithmetic
    )


def _arithmetic(function, operator):
    """The function of the kernel, and the fields of its structure but for the loops."""
    fields = _binary_fields(operator, *operator.inputs, operator.output)
    if operator.output.dtype is np.int16 and _by_powers_of_two(fields):
        function += "_by_powers"
    return function, fields


def _broadcast(operator, a, b, y):
    """Four loops (size, step of a, step of b) over the output."""
    axes = len(y.shape)

    def steps(tensor):
        shape = (1,) * (axes - len(tensor.shape)) + tensor.shape
        return [0 if n == 1 else step for n, step in zip(shape, distances(shape), strict=True)]

    return joined(list(zip(y.shape, steps(a), steps(b), strict=True)), 4, operator)


def _binary_fields(operator, a, b, y):
    fields = {"zero_a": a.zero_point, "zero_b": b.zero_point, "zero_out": y.zero_point}
    if operator.name in ("ADD", "SUB"):
        twice = 2 * max(a.scale, b.scale)
        factors = [a.scale / twice, b.scale / twice, twice / (2 ** ADD_SHIFTS[y.dtype] * y.scale)]
        (ma, sa), (mb, sb), (my, sy) = map(quantised, factors)
        mb = -mb if operator.name == "SUB" else mb
        fields |= {"multiplier_a": ma, "shift_a": sa, "multiplier_b": mb, "shift_b": sb}
        fields |= {"multiplier_out": my, "shift_out": sy}
    elif operator.name == "MUL":
        product = float(np.float32(a.scale) * np.float32(b.scale) / np.float32(y.scale))
        multiplier, shift = quantised(product)
        fields |= {"multiplier_out": multiplier, "shift_out": shift}
    elif len({(t.scale, t.zero_point) for t in (a, b, y)}) > 1:
        raise InputError(
            f"{operator.name} of tensors that differ in scale: convert again with export.quantise.ranges.tie"
        )
    return fields | limits(operator.options, y)


def _by_powers_of_two(fields) -> bool:
    """Whether all scales of a sum or product differ by powers of two. Then rescaling is shifting, a term's by less than
    the bits that it was shifted left before, and its factor becomes the one of both."""
    factors = [key for key in ("multiplier_a", "multiplier_b", "multiplier_out") if key in fields]
    terms = [("multiplier_a", "shift_a"), ("multiplier_b", "shift_b")] if "shift_a" in fields else []
    half = ADD_SHIFTS[np.int16] - 1  # of the 15 bits, that factor being 1/2
    if not factors or any(abs(fields[key]) != 2**30 for key in factors) or fields["shift_out"] > 0:
        return False
    if any(not -half <= fields[shift] <= 0 for _, shift in terms):
        return False
    for multiplier, shift in terms:
        fields[multiplier] = (fields[multiplier] >> 30) << half + fields.pop(shift)
    return True


def sigmoid(function, name, operator, inputs, output):
    """LOGISTIC and TANH of 16-bit values."""
    x, y = operator.inputs[0], output.tensor
    if y.scale != 2.0**-15 or x.scale > 1:
        raise InputError(f"{operator.name} from scale {x.scale:g} to {y.scale:g}: convert it again")
    factor, shift = x.scale * 3 * 2**12, 0
    while factor <= 32767 / 2:
        factor, shift = 2 * factor, shift + 1
    points = array("uint16_t", "sigmoid_points", sigmoid_points())
    fields = {"points": "sigmoid_points", "multiplier": int(factor), "shift": shift}
    return Step(
        name,
        "ecg_sigmoid",
        [inputs[0]],
        output,
        declare=lambda by_rows: [points, structure("ecg_sigmoid", name, **fields)],
        whole=lambda places, out: [f"{function}(&{name}, {places[0].base}, {y.size}, {out.base});"],
        row=lambda places, t, out: [f"{function}(&{name}, {places[0].row(t)}, {x.width}, {out.row(t)});"],
        rows=x.rows,
        in_place=(0,),
    )


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
        in_place=(0,),
    )
