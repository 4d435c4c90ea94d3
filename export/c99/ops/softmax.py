"""SOFTMAX over the last axis."""

import numpy as np

from export.c99.c_text import array, structure
from export.c99.context import LoweringContext
from export.c99.fixed_point import (
    long_softmax_exponent_multiplier,
    long_softmax_points,
    reciprocal_points,
    softmax_exponentials,
)
from export.c99.ir import GraphOperator
from export.c99.steps import Step
from firmware_bench.runtime.errors import InputError

MOST_KEYS = 2**16 - 1  # of which 32 bits hold the sum of exponentials in 15 fractional bits
MOST_SHIFT = 14  # by which a difference of two 16-bit values can be shifted to the left in 32 bits


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    name, inputs, output = context.operands(operator)
    x = operator.operand(0)
    if x.width > MOST_KEYS:
        raise InputError(f"{operator.name} of {x.width} values: C99 has it for up to {MOST_KEYS}")
    constants, fields = (_tables_s16 if output.tensor.dtype is np.int16 else _tables_s8)(name, operator)
    fields |= {"rows": x.rows, "width": x.width}
    step = Step(
        name,
        "ecg_softmax_sN",
        inputs,
        output,
        declare=lambda by_rows: [*constants, structure("ecg_softmax_params_sN", name, **fields)],
        emit_all=lambda places, out: [f"ecg_softmax_sN(&${name}, {places[0].base}, {out.base});"],
        in_place=(0,),
    )
    return [step]


def _tables_s8(name, operator):
    values = softmax_exponentials(operator.operand(0).scale * operator.options.beta)
    fields = {"exponentials": f"${name}_exponentials", "count": len(values)}
    return [array("int32_t", f"{name}_exponentials", values)], fields


def _tables_s16(name, operator):
    multiplier, shift = long_softmax_exponent_multiplier(operator.operand(0).scale * operator.options.beta)
    if shift > MOST_SHIFT:
        raise InputError(f"{operator.name} of scale {operator.operand(0).scale:g}: scale the values down before it")
    constants = [
        array("int16_t", "softmax_exponentials", long_softmax_points()),
        array("int16_t", "softmax_reciprocals", reciprocal_points()),
    ]
    fields = {"exponentials": "$softmax_exponentials", "reciprocals": "$softmax_reciprocals"}
    return constants, {**fields, "multiplier": multiplier, "shift": shift}
