"""BATCH_MATMUL: products of two computed matrices."""

import numpy as np

from export.c99.c_text import structure
from export.c99.context import LoweringContext
from export.c99.fixed_point import quantize_sum_multiplier
from export.c99.ir import GraphOperator
from export.c99.steps import Step
from firmware_bench.runtime.errors import InputError


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    fields = matmul_fields(operator)
    name, inputs, output = context.operands(operator)
    step = Step(
        name,
        "ecg_matmul_sN",
        inputs,
        output,
        declare=lambda by_rows: [structure("ecg_matmul_params_sN", name, **fields)],
        emit_all=lambda places, out: [
            f"ecg_matmul_sN(&${name}, {places[0].base}, {places[1].base}, $window, {out.base});"
        ],
        scratch=fields["depth"],
    )
    return [step]


def multiplications(operator: GraphOperator) -> int:
    """See export.c99.ops."""
    return operator.output.size * operator.operand(0).width


def matmul_fields(operator: GraphOperator) -> dict[str, int]:
    """The fields of a structure ecg_matmul_params.

    Raises:
        InputError: A matrix is constant, the first is transposed, or one is repeated along an axis.
    """
    a, b, y = operator.operand(0), operator.operand(1), operator.output
    transposed = operator.options.adjY
    if operator.options.adjX or a.data is not None or b.data is not None:
        raise InputError(f"{operator.name} of constants or of a transposed first matrix has no C99 form")
    rows, depth, columns = y.shape[-2], a.shape[-1], y.shape[-1]
    count = y.size // (rows * columns)
    if a.size != count * rows * depth or b.size != count * depth * columns:
        raise InputError(f"{operator.name} of {a.shape} and {b.shape}: C99 has no products of repeated matrices")
    multiplier, shift = quantize_sum_multiplier(
        float(np.float32(a.scale) * np.float32(b.scale)) / y.scale, is_wide=y.dtype is np.int16
    )
    return {
        "count": count,
        "rows": rows,
        "depth": depth,
        "columns": columns,
        "depth_step": 1 if transposed else columns,
        "column_step": depth if transposed else 1,
        "zero_a": a.zero_point,
        "zero_b": b.zero_point,
        "zero_out": y.zero_point,
        "multiplier": multiplier,
        "shift": shift,
    }
