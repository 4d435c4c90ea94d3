"""An element-wise operator of two operands as a step: shared by ADD, SUB, MUL, MAXIMUM, MINIMUM,
SQUARED_DIFFERENCE and PRELU."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from export.c99.c_text import array, ctype, structure
from export.c99.context import LoweringContext
from export.c99.fixed_point import quantize_multiplier
from export.c99.ir import GraphOperator, GraphTensor
from export.c99.ops.loops import activation_limits, merge_loops, strides
from export.c99.steps import Place, Step
from firmware_bench.runtime.errors import InputError

LEFT_SHIFTS: dict[Any, int] = {np.int8: 20, np.int16: 15}  # ECG_LEFT_FACTOR of kernels/ecg_binary_sN.c
SQUARE_LEFT_SHIFT = 7  # of both terms of a squared difference


def binary_step(function: str, context: LoweringContext, operator: GraphOperator) -> Step:
    """The step of an operator on two tensors, one of which may be constant or broadcast.

    Args:
        function: The kernel function without its type.
        context: The state of lowering.
        operator: The operator.

    Returns:
        The step; by rows where each row of the output is made from one row of each tensor.
    """
    name, inputs, output = context.operands(operator)
    y, tensors = output.tensor, (operator.operand(0), operator.operand(1))
    function, arithmetic = binary_arithmetic(function, operator)
    loops = _broadcast_loops(operator, tensors, y)
    sides = list(zip("ab", tensors, strict=True))
    constants = [array(ctype(t.dtype), f"{name}_{side}", t.data) for side, t in sides if t.data is not None]

    def pointers(places: Sequence[Place], t: str | None = None) -> str:
        remaining = iter(places)
        found = []
        for side, tensor in sides:
            if tensor.data is None:
                place = next(remaining)
                found.append(place.base if t is None else place.row(t))
            else:
                found.append(f"${name}_{side}" + (f" + ({t} * {tensor.width})" if t and tensor.rows > 1 else ""))
        return ", ".join(found)

    def declare(by_rows: bool) -> list[str]:
        if by_rows:
            a_step, b_step = (int(tensor.width > 1) for tensor in tensors)
            return [
                *constants,
                binary_structure(name, (1, 1, 1, y.width), (0, 0, 0, a_step), (0, 0, 0, b_step), arithmetic),
            ]
        sizes, a_steps, b_steps = (tuple(loop[n] for loop in loops) for n in range(3))
        return [*constants, binary_structure(name, sizes, a_steps, b_steps, arithmetic)]

    step = Step(
        name,
        "ecg_binary_sN",
        inputs,
        output,
        declare=declare,
        emit_all=lambda places, out: [f"{function}(&${name}, {pointers(places)}, {out.base});"],
        rows=y.rows,
        in_place=[n for n, tensor in enumerate(t for t in tensors if t.data is None) if tensor.size == y.size],
    )
    if all(t.width in (1, y.width) and t.rows in ((y.rows,) if t.data is None else (1, y.rows)) for t in tensors):
        step.emit_row = lambda places, t, out: [f"{function}(&${name}, {pointers(places, t)}, {out.row(t)});"]
    return step


def binary_structure(name: str, sizes, steps_a, steps_b, arithmetic: dict[str, int]) -> str:
    """The structure ecg_binary_params of four nested loops and the arithmetic of `binary_arithmetic`."""
    return structure("ecg_binary_params_sN", name, sizes=sizes, steps_a=steps_a, steps_b=steps_b, **arithmetic)


def binary_arithmetic(function: str, operator: GraphOperator) -> tuple[str, dict[str, int]]:
    """The function of the kernel for the operator's scales, and the fields of its structure but for the loops.

    Args:
        function: That of the kernel without its type.
        operator: Its two inputs and its output have scales and zero points.

    Returns:
        The function with its type, and the fields.

    Raises:
        InputError: The operator needs tensors of one scale, and they differ; or its scales are too far apart.
    """
    check_factors(operator)
    a, b, y = operator.operand(0), operator.operand(1), operator.output
    fields = {"zero_a": a.zero_point, "zero_b": b.zero_point, "zero_out": y.zero_point}
    if operator.name in ("ADD", "SUB"):
        (ma, sa), (mb, sb), (my, sy) = map(quantize_multiplier, _factors(operator))
        mb = -mb if operator.name == "SUB" else mb
        fields |= {"multiplier_a": ma, "shift_a": sa, "multiplier_b": mb, "shift_b": sb}
        fields |= {"multiplier_out": my, "shift_out": sy}
    elif operator.name == "MUL":
        product = float(np.float32(a.scale) * np.float32(b.scale) / np.float32(y.scale))
        multiplier, shift = quantize_multiplier(product)
        fields |= {"multiplier_out": multiplier, "shift_out": shift}
    elif operator.name == "SQUARED_DIFFERENCE":
        (ma, sa), (mb, sb), (my, sy) = map(quantize_multiplier, _factors(operator))
        fields |= {"multiplier_a": ma, "shift_a": sa, "multiplier_b": mb, "shift_b": sb}
        fields |= {"multiplier_out": my, "shift_out": sy}
    elif operator.name == "PRELU":
        above = float(np.float32(a.scale) / np.float32(y.scale))
        below = float(np.float32(a.scale) * np.float32(b.scale) / np.float32(y.scale))
        (ma, sa), (my, sy) = quantize_multiplier(above), quantize_multiplier(below)
        fields |= {"multiplier_a": ma, "shift_a": sa, "multiplier_out": my, "shift_out": sy}
    elif len({(t.scale, t.zero_point) for t in (a, b, y)}) > 1:
        raise InputError(f"{operator.name} of tensors that differ in scale: export the model again")
    fields |= activation_limits(operator.options, y)
    if y.dtype is np.int16 and (shifts := _power_of_two_fields(fields)) is not None:
        return f"{function}_by_powers_sN", shifts
    return f"{function}_sN", fields


def check_factors(operator: GraphOperator) -> None:
    """Check that a sum, difference or squared difference rescales by less than 1: LiteRT ends the process otherwise.

    Args:
        operator: Any operator.

    Raises:
        InputError: Its output's scale is too fine for those of its inputs, or they are of two shapes where scales are
            stated as powers of two.
    """
    if operator.name in ("ADD", "SUB", "SQUARED_DIFFERENCE") and not _factors(operator)[2] < 1:
        a, b, y = operator.operand(0), operator.operand(1), operator.output
        raise InputError(
            f"{operator.name} of scales {a.scale:g} and {b.scale:g} to {y.scale:g}: they are too far apart, calibrate "
            "the model again"
        )
    is_power = getattr(operator.options, "potScaleInt16", False) and operator.output.dtype is np.int16
    is_power = is_power and bool(operator.options.fusedActivationFunction)
    if operator.name == "ADD" and is_power and operator.operand(0).shape != operator.operand(1).shape:
        raise InputError("ADD of two shapes with powers of two as scales takes no activation: export again")


def _factors(operator: GraphOperator) -> list[float]:
    """By what both operands and the result of a sum, difference or squared difference are multiplied."""
    a, b, y = operator.operand(0), operator.operand(1), operator.output
    twice = 2 * max(a.scale, b.scale)
    is_square = operator.name == "SQUARED_DIFFERENCE"
    shift = 2 * SQUARE_LEFT_SHIFT if is_square else LEFT_SHIFTS[y.dtype]
    return [a.scale / twice, b.scale / twice, twice * (twice if is_square else 1) / (2**shift * y.scale)]


def _power_of_two_fields(fields: dict[str, int]) -> dict[str, int] | None:
    """The fields where all scales of a sum or product differ by powers of two, else None. Then rescaling is shifting, a
    term's by less than the bits that it was shifted left before, and its factor becomes the one of both."""
    factors = [key for key in ("multiplier_a", "multiplier_b", "multiplier_out") if key in fields]
    terms = [("multiplier_a", "shift_a"), ("multiplier_b", "shift_b")] if "shift_a" in fields else []
    half = LEFT_SHIFTS[np.int16] - 1  # of the 15 bits, that factor being 1/2
    if not factors or any(abs(fields[key]) != 2**30 for key in factors) or fields["shift_out"] > 0:
        return None
    if any(not -half <= fields[shift] <= 0 for _, shift in terms):
        return None
    found = dict(fields)
    for multiplier, shift in terms:
        found[multiplier] = (fields[multiplier] >> 30) << half + found.pop(shift)
    return found


def _broadcast_loops(operator, tensors: Sequence[GraphTensor], y: GraphTensor):
    """Four loops (size, step of a, step of b) over the output."""
    axes = len(y.shape)

    def steps(tensor):
        shape = (1,) * (axes - len(tensor.shape)) + tensor.shape
        return [0 if n == 1 else step for n, step in zip(shape, strides(shape), strict=True)]

    a, b = tensors
    return merge_loops(list(zip(y.shape, steps(a), steps(b), strict=True)), 4, operator)
