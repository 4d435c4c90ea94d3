"""Helpers of several operators: limits of a fused activation, strides, and loops over the axes of a tensor."""

import math
from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.c99.ir import GraphOperator, GraphTensor
from firmware_bench.runtime.errors import InputError

_ACTIVATION = schema.ActivationFunctionType
_UPPER_LIMITS = {_ACTIVATION.RELU: None, _ACTIVATION.RELU6: 6.0, _ACTIVATION.RELU_N1_TO_1: 1.0}


def activation_limits(options, output: GraphTensor) -> dict[str, int]:
    """The limits that an operator's fused activation leaves of its output.

    Args:
        options: The operator's options in the schema.
        output: The output, with its scale and zero point.

    Returns:
        The fields `low` and `high` of a kernel: integers.

    Raises:
        InputError: The activation is none of ReLU, ReLU6 and ReLU between -1 and 1.
    """
    bounds = np.iinfo(output.dtype or np.int8)
    least, most = bounds.min, bounds.max
    kind = getattr(options, "fusedActivationFunction", _ACTIVATION.NONE)
    if kind == _ACTIVATION.NONE:
        return {"low": int(least), "high": int(most)}
    if kind not in _UPPER_LIMITS:
        raise InputError(f"fused activation {kind} has no C99 form: use ReLU or a layer of its own")

    def integer(value):
        return round(np.float32(value) / np.float32(output.scale)) + output.zero_point

    low = integer(-1.0) if kind == _ACTIVATION.RELU_N1_TO_1 else integer(0.0)
    upper = _UPPER_LIMITS[kind]
    high = most if upper is None else integer(upper)
    return {"low": int(max(least, low)), "high": int(min(most, high))}


def require_int8(operator: GraphOperator) -> None:
    """Refuse 16-bit values where the kernel is for 8-bit ones only.

    Raises:
        InputError: The operator's output has 16 bits.
    """
    if operator.output.dtype is not np.int8:
        raise InputError(f"operator {operator.name} has no C99 kernel in 16 bits: export whole windows in 8")


def reduced_axes(operator: GraphOperator) -> set[int]:
    """The axes that an operator such as MEAN leaves out."""
    x = operator.operand(0)
    return {int(axis) % len(x.shape) for axis in np.ravel(operator.operand(1).values)}


def reduction_loops(operator: GraphOperator) -> dict[str, list[int]]:
    """The loops over the axes that an operator such as MEAN keeps, and over those that it leaves out, as fields.

    Raises:
        InputError: More loops are needed than the kernels have.
    """
    x, axes = operator.operand(0), reduced_axes(operator)
    loops = [(n, step, axis in axes) for axis, (n, step) in enumerate(zip(x.shape, strides(x.shape), strict=True))]
    kept = merge_loops([(n, step) for n, step, is_left_out in loops if not is_left_out], 3, operator)
    over = merge_loops([(n, step) for n, step, is_left_out in loops if is_left_out], 2, operator)
    return {
        "sizes": [n for n, _ in kept],
        "steps": [step for _, step in kept],
        "over_sizes": [n for n, _ in over],
        "over_steps": [step for _, step in over],
    }


def strides(shape: Sequence[int]) -> list[int]:
    """Values from one index of each axis to the next."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def merge_loops(loops: Sequence[tuple[int, ...]], count: int, operator: GraphOperator) -> list[tuple[int, ...]]:
    """Merge nested loops that together step as one.

    Args:
        loops: (size, step, …) of each, the outermost first.
        count: The number of loops that the kernel has.
        operator: For the error message.

    Returns:
        `count` loops, the outermost of size 1 where fewer are needed.

    Raises:
        InputError: More loops are needed.
    """
    merged: list[tuple[int, ...]] = []
    for loop in loops:
        size, *steps = loop
        if size == 1:
            continue
        if merged and all(before == size * step for before, step in zip(merged[-1][1:], steps, strict=True)):
            merged[-1] = (merged[-1][0] * size, *steps)
        else:
            merged.append(tuple(loop))
    if len(merged) > count:
        raise InputError(f"{operator.name} of shape {operator.operand(0).shape}: too many axes for its C kernel")
    width = len(loops[0]) if loops else 2
    return [(1, *[0] * (width - 1))] * (count - len(merged)) + merged
