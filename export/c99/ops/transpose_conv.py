"""TRANSPOSE_CONV: a transposed convolution over time, or over two axes."""

from ai_edge_litert import schema_py_generated as schema

from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.conv_2d_step import conv_2d_step
from export.c99.ops.convolution_step import TimeKernel, call_row, declare_filter
from export.c99.ops.plane import transposed_plane
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    name, (view,), output = context.operands(operator)
    x, weights, options = view.tensor, operator.operand(1), operator.options
    stride, kernel, rows = options.strideW, weights.shape[2], output.tensor.rows
    if len(x.shape) != 4 or weights.shape[1] != 1 or x.rows != x.shape[2] or weights.shape[3] != x.width:
        plane = transposed_plane(operator, x, weights.shape[1:3])
        return [conv_2d_step("ecg_conv2d_transposed", name, operator, view, output, plane, weights.values, 3)]
    pad = max(0, (x.rows - 1) * stride + kernel - rows) // 2 if options.padding == schema.Padding.SAME else 0
    taps = TimeKernel(kernel, stride, 1, pad)
    step = Step(
        name,
        "ecg_conv_sN",
        [view],
        output,
        declare=lambda by_rows: declare_filter(name, operator, x, weights, output.tensor, taps, bias_input=3),
        emit_row=lambda places, t, out: [call_row("ecg_conv_transposed_sN", name, places[0], t, out)],
        input_rows=lambda t: (-(-(t + pad - kernel + 1) // stride), (t + pad) // stride),
        ready_condition=lambda t, rows: f"((({t} + {pad}) / {stride}) < {rows})",
        rows=rows,
        scratch=kernel * x.width,
    )
    return [step]


def multiplications(operator: GraphOperator) -> int:
    """See export.c99.ops."""
    return operator.operand(2).rows * operator.operand(1).size
