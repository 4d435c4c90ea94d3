"""What operators share: the limits that an activation leaves, and loops over the axes of a tensor."""

import math

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.c99.graph import Tensor
from firmware_bench.runtime.errors import InputError

_ACTIVATION = schema.ActivationFunctionType


def limits(options, output: Tensor) -> dict:
    """The lowest and highest value that the fused activation leaves of an output."""
    least, most = (int(limit) for limit in (np.iinfo(output.dtype).min, np.iinfo(output.dtype).max))
    ceiling = {_ACTIVATION.RELU: None, _ACTIVATION.RELU6: 6.0, _ACTIVATION.RELU_N1_TO_1: 1.0}
    kind = getattr(options, "fusedActivationFunction", _ACTIVATION.NONE)
    if kind == _ACTIVATION.NONE:
        return {"low": least, "high": most}
    if kind not in ceiling:
        raise InputError(f"fused activation {kind} has no C99 form: use ReLU or a layer of its own")

    def integer(value):
        return round(np.float32(value) / np.float32(output.scale)) + output.zero_point

    low = integer(-1.0) if kind == _ACTIVATION.RELU_N1_TO_1 else integer(0.0)
    high = most if ceiling[kind] is None else integer(ceiling[kind])
    return {"low": max(least, low), "high": min(most, high)}


def only_in_8_bits(operator) -> None:
    """InputError for an operator on 16-bit values whose kernel takes 8-bit ones alone."""
    if operator.output.dtype is not np.int8:
        raise InputError(f"operator {operator.name} has no C99 kernel in 16 bits: export whole windows in 8")


def distances(shape):
    """How far apart neighbours along each axis lie."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def joined(loops, count, operator):
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
