"""TEMPLATE: say here in one line what the operator does, and for which values.

Copy this file to the operator's name in lower case and replace TEMPLATE (docs/contributing/operator.md). It lowers an
operator with one input and one output of the same shape, element by element, to the kernel ecg_TEMPLATE_sN.
"""

from export.c99.c_text import structure
from export.c99.context import LoweringContext
from export.c99.fixed_point import quantize_multiplier
from export.c99.ir import GraphOperator
from export.c99.steps import Step
from firmware_bench.runtime.errors import InputError


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    # A form of the operator that the kernel does not have: name it, and say what to do.
    if len(operator.operands) != 1:
        raise InputError(f"{operator.name} of {len(operator.operands)} tensors has no C99 form: export the model again")

    # The step's name, views of the computed inputs, and a view of new memory for the output. A constant input has no
    # view: operator.operand(1).values are its integers, and export.c99.c_text.array writes them as a C array.
    name, inputs, output = context.operands(operator)
    x, y = operator.operand(0), output.tensor

    # The fields of the kernel's structure. Scales become multipliers here, as LiteRT's reference kernel prepares them.
    multiplier, shift = quantize_multiplier(x.scale / y.scale)
    fields = {"zero_in": x.zero_point, "zero_out": y.zero_point, "multiplier": multiplier, "shift": shift}

    step = Step(
        name,
        "ecg_TEMPLATE_sN",  # the kernel's file
        inputs,
        output,
        declare=lambda by_rows: [structure("ecg_TEMPLATE_params_sN", name, **fields)],
        # Statements that compute all of it, and, where a row needs one row of the input alone, those for row t: then
        # the step runs while samples arrive. Placeholders ($, _sN) are those of export.c99.c_text.
        emit_all=lambda places, out: [f"ecg_TEMPLATE_sN(&${name}, {places[0].base}, {y.size}, {out.base});"],
        emit_row=lambda places, t, out: [f"ecg_TEMPLATE_sN(&${name}, {places[0].row(t)}, {y.width}, {out.row(t)});"],
        rows=y.rows,
        in_place=(0,),  # the output may take the memory of input 0: the kernel reads each value before it writes it
    )
    return [step]
