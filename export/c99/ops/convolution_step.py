"""A convolution over time as a step: shared by CONV_2D, DEPTHWISE_CONV_2D and TRANSPOSE_CONV."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.c99.c_text import array, structure
from export.c99.fixed_point import quantize_sum_multiplier
from export.c99.ir import GraphOperator, GraphTensor
from export.c99.ops.loops import activation_limits
from export.c99.steps import Place, Step, View
from firmware_bench.runtime.errors import InputError


@dataclasses.dataclass(frozen=True)
class TimeKernel:
    """The taps of a convolution, in rows.

    Attributes:
        kernel: The number of taps.
        stride: Rows of the input from one row of the output to the next.
        dilation: Rows of the input from one tap to the next.
        pad: Rows of zeros before the input.
    """

    kernel: int
    stride: int
    dilation: int
    pad: int

    @property
    def reach(self) -> int:
        """Rows from the first tap to the last."""
        return (self.kernel - 1) * self.dilation + 1


def kernel_over_time(operator: GraphOperator) -> TimeKernel | None:
    """The taps of a convolution over time, or over the first axis.

    Args:
        operator: CONV_2D or DEPTHWISE_CONV_2D.

    Returns:
        The taps, in rows of the input; None where the convolution is over more than one axis, or in groups.
    """
    x, weights, options = operator.operand(0), operator.operand(1), operator.options
    height, kernel = weights.shape[1:3]
    if len(x.shape) != 4 or (operator.name == "CONV_2D" and weights.shape[3] != x.width):
        return None
    is_point = kernel == height == options.strideW == options.strideH == 1
    is_wide = (height == 1 and x.rows == x.shape[2]) or is_point
    is_tall = x.shape[0] == 1 and kernel == 1 == options.strideH == options.strideW
    if not (is_wide or is_tall):
        return None
    stride, dilation = options.strideW, options.dilationWFactor
    if not is_wide:  # over the first axis: the next in time is as many rows on as there are at one time
        kernel, dilation = height, options.dilationHFactor * x.shape[2]
    reach, rows = (kernel - 1) * dilation + 1, operator.output.rows
    pad = max(0, (rows - 1) * stride + reach - x.rows) // 2 if options.padding == schema.Padding.SAME else 0
    if not is_wide:
        pad -= pad % x.shape[2]  # in whole times, of which an even kernel has one less in front
    return TimeKernel(kernel, stride, dilation, pad)


def convolution_step(
    function: str, name: str, operator: GraphOperator, view: View, output: View, taps: TimeKernel
) -> Step:
    """The step of a convolution whose output row t is made from the rows t * stride - pad + tap * dilation.

    Args:
        function: The kernel function; `function_contiguous` is called where all taps are stored one after another.
        name: The step's name.
        operator: CONV_2D or DEPTHWISE_CONV_2D.
        view: The input.
        output: The output.
        taps: Those of `kernel_over_time`.

    Returns:
        The step.
    """
    x, weights, rows = view.tensor, operator.operand(1), output.tensor.rows
    distance = taps.stride * x.width

    def emit_row_contiguous(places: Sequence[Place], t: str, out: Place) -> list[str]:
        return [f"{function}_contiguous_sN(&${name}, {places[0].base} + ({t} * {distance}), {out.row(t)});"]

    # Without padding, 16-bit values are read in place; 8-bit ones are widened first.
    is_contiguous = x.dtype is np.int16 and taps.pad == 0 and taps.dilation == 1
    is_contiguous = is_contiguous and (rows - 1) * taps.stride + taps.kernel <= x.rows
    return Step(
        name,
        "ecg_conv_sN",
        [view],
        output,
        declare=lambda by_rows: declare_filter(name, operator, x, weights, output.tensor, taps),
        emit_row_contiguous=emit_row_contiguous if is_contiguous else None,
        emit_row=lambda places, t, out: [call_row(f"{function}_sN", name, places[0], t, out)],
        input_rows=lambda t: (t * taps.stride - taps.pad, t * taps.stride - taps.pad + taps.reach - 1),
        ready_condition=lambda t, rows: f"((({t} * {taps.stride}) + {taps.reach - taps.pad}) <= {rows})",
        rows=rows,
        scratch=taps.kernel * x.width,
    )


def call_row(function: str, name: str, place: Place, t: str, out: Place) -> str:
    """The statement that computes row `t`."""
    return f"{function}(&${name}, {place.base}, {place.capacity}, {t}, $window, {out.row(t)});"


def declare_filter(
    name: str,
    operator: GraphOperator,
    x: GraphTensor,
    weights: GraphTensor,
    output: GraphTensor,
    taps: TimeKernel,
    bias_input: int = 2,
) -> list[str]:
    """The constants of a convolution in C.

    Args:
        name: The step's name.
        operator: The operator.
        x: Its input.
        weights: Its weights, channels first; of a depthwise convolution last.
        output: Its output.
        taps: The taps.
        bias_input: The number of the operator's input that is the bias, int32 or int64.

    Returns:
        Weights, bias, multipliers, shifts, and the structure ecg_conv_params.

    Raises:
        InputError: A bias does not fit into 32 bits.
    """
    constants, fields = filter_constants(name, operator, x, weights, output, bias_input)
    fields |= {
        "rows": x.rows,
        "width": x.width,
        "kernel": taps.kernel,
        "stride": taps.stride,
        "dilation": taps.dilation,
        "pad": taps.pad,
    }
    return [
        array("int8_t", f"{name}_weights", weights.values),
        *constants,
        structure("ecg_conv_params_sN", name, **fields),
    ]


def filter_constants(
    name: str, operator: GraphOperator, x: GraphTensor, weights: GraphTensor, output: GraphTensor, bias_input: int
) -> tuple[list[str], dict[str, Any]]:
    """What every kind of convolution has: bias, multipliers and shifts in C, and the fields of the kernel's structure.

    Args:
        name, operator, x, weights, output, bias_input: As of `declare_filter`.

    Returns:
        The constants, and the fields that refer to them and to the weights, zero points and limits.

    Raises:
        InputError: A bias does not fit into 32 bits.
    """
    given = operator.inputs[bias_input] if len(operator.inputs) > bias_input else None
    bias = np.zeros(output.width, np.int32) if given is None else given.values
    if np.abs(bias).max() > np.iinfo(np.int32).max:
        raise InputError(f"{operator.name} with a bias beyond 32 bits has no C99 form: convert it again")
    is_wide = output.dtype is np.int16 and (given is None or given.dtype is np.int64)
    factors = channel_factors(x, weights, output, is_wide)
    fields: dict[str, Any] = {
        "weights": f"${name}_weights",
        "bias": f"${name}_bias",
        "multipliers": f"${name}_multipliers",
        "shifts": f"${name}_shifts",
        "channels": output.width,
        "zero_in": x.zero_point,
        "zero_out": output.zero_point,
        **activation_limits(operator.options, output),
        **({"wide": int(is_wide)} if output.dtype is np.int16 else {}),
    }
    constants = [
        array("int32_t", f"{name}_bias", bias),
        array("int32_t", f"{name}_multipliers", [multiplier for multiplier, _ in factors]),
        array("int8_t", f"{name}_shifts", [shift for _, shift in factors]),
    ]
    return constants, fields


def channel_factors(x: GraphTensor, weights: GraphTensor, output: GraphTensor, is_wide: bool) -> list[tuple[int, int]]:
    """(multiplier, shift) of each channel, for sums of 32 bits or, `is_wide`, of 64."""
    scales = np.broadcast_to(weights.scales, output.width)
    return [quantize_sum_multiplier(x.scale * float(scale) / output.scale, is_wide) for scale in scales]
