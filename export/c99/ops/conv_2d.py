"""CONV_2D: a convolution over time, over two axes, or in groups of channels."""

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.conv_2d_step import conv_2d_step
from export.c99.ops.convolution_step import convolution_step, kernel_over_time
from export.c99.ops.plane import plane_of
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    name, (view,), output = context.operands(operator)
    taps = kernel_over_time(operator)
    if taps is not None:
        return [convolution_step("ecg_conv", name, operator, view, output, taps)]
    weights, options = operator.operand(1).values, operator.options
    dilation = options.dilationHFactor, options.dilationWFactor
    plane = plane_of(operator, view.tensor, weights.shape[1:3], dilation)
    return [conv_2d_step("ecg_conv2d", name, operator, view, output, plane, weights)]


def multiplications(operator: GraphOperator) -> int:
    """See export.c99.ops."""
    weights = operator.operand(1)
    return operator.output.size * weights.size // weights.shape[0]
