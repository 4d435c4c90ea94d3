"""Convolutions and pools over two axes, or in groups of channels: shared by what is no plain convolution over time.

A row of a tensor is a point of the plane; lines follow one another."""

import dataclasses
from collections.abc import Sequence

from ai_edge_litert import schema_py_generated as schema

from export.c99.ir import GraphOperator, GraphTensor
from firmware_bench.runtime.errors import InputError


@dataclasses.dataclass(frozen=True)
class Plane:
    """The points of an operator's input that a point of its output is made from.

    Attributes:
        height, width: Points of the input.
        out_height, out_width: Points of the output.
        kernel, stride, dilation, pad: Along both axes, (y, x).
    """

    height: int
    width: int
    out_height: int
    out_width: int
    kernel: Sequence[int]
    stride: Sequence[int]
    dilation: Sequence[int]
    pad: Sequence[int]

    def fields(self) -> dict[str, int]:
        """The fields that the kernels share."""
        found = {"height": self.height, "width": self.width, "out_width": self.out_width}
        for name, pair in (("kernel", self.kernel), ("stride", self.stride), ("pad", self.pad)):
            found |= {f"{name}_y": pair[0], f"{name}_x": pair[1]}
        return found

    def input_rows(self, t: int) -> tuple[int, int]:
        """The first and the last row of the input of whole lines that row t is made from, beyond the ends as well."""
        first = (t // self.out_width) * self.stride[0] - self.pad[0]
        last = first + (self.kernel[0] - 1) * self.dilation[0]
        if self.height == 1:
            column = (t % self.out_width) * self.stride[1] - self.pad[1]
            return column, column + (self.kernel[1] - 1) * self.dilation[1]
        return first * self.width, (last + 1) * self.width - 1

    def ready_condition(self, t: str, rows: str) -> str:
        """The C condition under which row t can be made of so many rows of the input, where more are to come."""
        if self.height == 1:
            reach = (self.kernel[1] - 1) * self.dilation[1] + 1 - self.pad[1]
            return f"((({t} * {self.stride[1]}) + {reach}) <= {rows})"
        reach = (self.kernel[0] - 1) * self.dilation[0] + 1 - self.pad[0]
        return f"((((({t} / {self.out_width}) * {self.stride[0]}) + {reach}) * {self.width}) <= {rows})"


def plane_of(operator: GraphOperator, x: GraphTensor, kernel: Sequence[int], dilation: Sequence[int]) -> Plane:
    """The plane of a convolution or a pool.

    Args:
        operator: Its options state stride and padding.
        x: Its input (n, height, width, channels).
        kernel: Points along both axes.
        dilation: From one tap to the next.

    Raises:
        InputError: There are several planes, and a point is made of points of more than one line of them.
    """
    y, options = operator.output, operator.options
    if len(x.shape) != 4 or len(y.shape) != 4:
        raise InputError(f"{operator.name} of shape {x.shape} has no C99 form: it needs four axes")
    stride = options.strideH, options.strideW
    sizes, made = x.shape[1:3], y.shape[1:3]
    if x.shape[0] > 1:
        if kernel[0] > 1 or stride[0] > 1:
            raise InputError(f"{operator.name} of shape {x.shape}: C99 has no convolutions of several planes")
        sizes, made = (x.shape[0] * sizes[0], sizes[1]), (y.shape[0] * made[0], made[1])
    pad = (0, 0)
    if options.padding == schema.Padding.SAME:
        reaches = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        rest = [(n - 1) * s + r - size for n, s, r, size in zip(made, stride, reaches, sizes, strict=True)]
        pad = (max(0, rest[0]) // 2, max(0, rest[1]) // 2)
    return Plane(*sizes, *made, kernel, stride, dilation, pad)


def transposed_plane(operator: GraphOperator, x: GraphTensor, kernel: Sequence[int]) -> Plane:
    """The plane of a transposed convolution of one input (1, height, width, channels); as `plane_of`."""
    y, options = operator.output, operator.options
    if len(x.shape) != 4 or len(y.shape) != 4 or x.shape[0] != 1:
        raise InputError(f"{operator.name} of shape {x.shape} has no C99 form: it needs one plane of four axes")
    stride, sizes, made = (options.strideH, options.strideW), x.shape[1:3], y.shape[1:3]
    pad = (0, 0)
    if options.padding == schema.Padding.SAME:
        rest = [(size - 1) * s + k - n for size, s, k, n in zip(sizes, stride, kernel, made, strict=True)]
        pad = (max(0, rest[0]) // 2, max(0, rest[1]) // 2)
    return Plane(*sizes, *made, kernel, stride, (1, 1), pad)
