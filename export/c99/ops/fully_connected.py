"""FULLY_CONNECTED: a dense layer."""

import numpy as np

from export.c99.c_text import array, structure
from export.c99.context import LoweringContext
from export.c99.fixed_point import single_rounding_multiplier
from export.c99.ir import GraphOperator
from export.c99.ops.loops import activation_limits
from export.c99.steps import Step
from firmware_bench.runtime.errors import InputError


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    if operator.output.dtype is not np.int8:
        raise InputError(
            f"{operator.name} in 16 bits is rounded otherwise by LiteRT than by TensorFlow Lite Micro: export it "
            "as a convolution of one tap, as ecg-edge does"
        )
    weights = operator.operand(1)
    if weights.data is None:
        raise InputError(f"{operator.name} with weights that are computed has no C99 form: use a matrix product")
    name, (view,), output = context.operands(operator)
    x, y, (channels, depth) = view.tensor, output.tensor, weights.shape
    bias = operator.inputs[2] if len(operator.inputs) > 2 else None
    scales = np.broadcast_to(weights.scales, channels)
    low, high = -128 - y.zero_point, 127 - y.zero_point
    factors = [single_rounding_multiplier(x.scale * float(scale) / y.scale, low, high) for scale in scales]
    fields = {
        "weights": f"${name}_weights",
        "bias": f"${name}_bias",
        "width": depth,
        "channels": channels,
        "multipliers": f"${name}_multipliers",
        "shifts": f"${name}_shifts",
        "zero_in": x.zero_point,
        "zero_out": y.zero_point,
        **activation_limits(operator.options, y),
    }
    step = Step(
        name,
        "ecg_dense_s8",
        [view],
        output,
        declare=lambda by_rows: [
            array("int8_t", f"{name}_weights", weights.values),
            array("int32_t", f"{name}_bias", np.zeros(channels, np.int32) if bias is None else bias.values),
            array("int32_t", f"{name}_multipliers", [multiplier for multiplier, _ in factors]),
            array("int8_t", f"{name}_shifts", [shift for _, shift in factors]),
            structure("ecg_dense_params_s8", name, **fields),
        ],
        emit_row=lambda places, t, out: [f"ecg_dense_s8(&${name}, {places[0].row(t)}, $window, {out.row(t)});"],
        rows=x.size // depth,
        scratch=depth,
    )
    return [step]


def multiplications(operator: GraphOperator) -> int:
    """See export.c99.ops."""
    weights = operator.operand(1)
    return operator.output.size * weights.size // weights.shape[0]
