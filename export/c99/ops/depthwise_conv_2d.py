"""DEPTHWISE_CONV_2D: a convolution over time, or over two axes, of every channel by itself."""

import numpy as np

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.conv_2d_step import conv_2d_step
from export.c99.ops.convolution_step import channel_factors, convolution_step, kernel_over_time
from export.c99.ops.loops import activation_limits
from export.c99.ops.plane import plane_of
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    name, (view,), output = context.operands(operator)
    taps = kernel_over_time(operator)
    if taps is not None:
        return [convolution_step("ecg_conv_depthwise", name, operator, view, output, taps)]
    weights, options = operator.operand(1).values, operator.options
    dilation = options.dilationHFactor, options.dilationWFactor
    plane = plane_of(operator, view.tensor, weights.shape[1:3], dilation)
    channels_first = weights.transpose(3, 1, 2, 0)  # each channel a group
    return [conv_2d_step("ecg_conv2d", name, operator, view, output, plane, channels_first)]


def multiplications(operator: GraphOperator) -> int:
    """See export.c99.ops."""
    return operator.output.size * operator.operand(1).rows


def time_shift(operator: GraphOperator) -> int | None:
    """By how many values a depthwise convolution in 16 bits moves its input in time, and does nothing else.

    Args:
        operator: Any operator.

    Returns:
        Values by which the output is later, or (negative) earlier, with zeros beyond the ends; None for an operator
        that does more than that.
    """
    if operator.name != "DEPTHWISE_CONV_2D" or operator.output.dtype is not np.int16:
        return None
    x, weights, y = operator.operand(0), operator.operand(1), operator.output
    if x.shape != y.shape:
        return None
    taps = kernel_over_time(operator)
    if taps is None:
        return None
    rows = np.reshape(weights.values, (taps.kernel, x.width))
    (used,) = np.nonzero(rows.any(axis=1))
    bias = operator.inputs[2] if len(operator.inputs) > 2 else None
    bounds = np.iinfo(np.int16)
    is_unlimited = activation_limits(operator.options, y) == {"low": bounds.min, "high": bounds.max}
    has_bias = bias is not None and bias.values.any()
    if len(used) != 1 or taps.stride != 1 or not is_unlimited or has_bias:
        return None
    values = np.arange(bounds.min, bounds.max + 1)
    factors = channel_factors(x, weights, y, is_wide=True)
    for weight, (multiplier, shift) in set(zip(rows[used[0]].tolist(), factors, strict=True)):
        if shift < 1 or not np.array_equal(values, values * weight * multiplier + (1 << shift - 1) >> shift):
            return None
    return (taps.pad - int(used[0]) * taps.dilation) * x.width
