"""MAX_POOL_2D: a maximum over time, or over two axes."""

from ai_edge_litert import schema_py_generated as schema

from export.c99.c_text import structure
from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator
from export.c99.ops.loops import activation_limits
from export.c99.ops.pool_step import pool_step
from export.c99.steps import Step


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    options, x = operator.options, operator.operand(0)
    if options.filterHeight != 1 or len(x.shape) != 4 or x.rows != x.shape[2]:
        return [pool_step("ecg_max_pool2d", context, operator)]
    name, (view,), output = context.operands(operator)
    stride, kernel, rows = options.strideW, options.filterWidth, output.tensor.rows
    pad = max(0, (rows - 1) * stride + kernel - x.rows) // 2 if options.padding == schema.Padding.SAME else 0
    fields = {"rows": x.rows, "width": x.width, "kernel": kernel, "stride": stride, "pad": pad}
    fields |= activation_limits(options, output.tensor)
    step = Step(
        name,
        "ecg_max_pool_sN",
        [view],
        output,
        declare=lambda by_rows: [structure("ecg_max_pool_params_sN", name, **fields)],
        emit_row=lambda places, t, out: [
            f"ecg_max_pool_sN(&${name}, {places[0].base}, {places[0].capacity}, {t}, {out.row(t)});"
        ],
        input_rows=lambda t: (t * stride - pad, t * stride - pad + kernel - 1),
        ready_condition=lambda t, rows: f"((({t} * {stride}) + {kernel - pad}) <= {rows})",
        rows=rows,
    )
    return [step]
