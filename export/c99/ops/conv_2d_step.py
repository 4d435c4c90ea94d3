"""A convolution over two axes, or in groups of channels, as a step."""

import numpy as np

from export.c99.c_text import array, structure
from export.c99.ir import GraphOperator
from export.c99.ops.convolution_step import call_row, filter_constants
from export.c99.ops.plane import Plane
from export.c99.steps import Step, View
from firmware_bench.runtime.errors import InputError


def conv_2d_step(
    function: str,
    name: str,
    operator: GraphOperator,
    view: View,
    output: View,
    plane: Plane,
    weights: np.ndarray,
    bias_input: int = 2,
) -> Step:
    """The step of ecg_conv2d or ecg_conv2d_transposed.

    Args:
        function: One of these.
        name: The step's name.
        operator: The operator; its weights have a scale each channel.
        view: The input.
        output: The output.
        plane: The points.
        weights: int8 (channels, kernel y, kernel x, channels of a group of the input).
        bias_input: The number of the operator's input that is the bias.

    Returns:
        The step.

    Raises:
        InputError: The channels are no multiple of the groups.
    """
    x, y = view.tensor, output.tensor
    channels, height, width, part = weights.shape
    groups, rest = divmod(x.width, part)
    if rest or channels % groups or channels != y.width or (height, width) != tuple(plane.kernel):
        raise InputError(f"{operator.name} of {x.width} channels with weights {weights.shape} has no C99 form")
    constants, fields = filter_constants(name, operator, x, operator.operand(1), y, bias_input)
    fields |= plane.fields()
    fields |= {"depth": x.width, "groups": groups}
    fields |= {"dilation_y": plane.dilation[0], "dilation_x": plane.dilation[1]}
    transposed = function == "ecg_conv2d_transposed"
    step = Step(
        name,
        "ecg_conv2d_sN",
        [view],
        output,
        declare=lambda by_rows: [
            array("int8_t", f"{name}_weights", weights),
            *constants,
            structure("ecg_conv2d_params_sN", name, **fields),
        ],
        emit_row=lambda places, t, out: [call_row(f"{function}_sN", name, places[0], t, out)],
        input_rows=(lambda t: (0, x.rows - 1)) if transposed else plane.input_rows,
        ready_condition=(lambda t, rows: "0") if transposed else plane.ready_condition,
        rows=y.rows,
        scratch=height * width * part,
    )
    return step
