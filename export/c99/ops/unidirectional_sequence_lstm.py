"""UNIDIRECTIONAL_SEQUENCE_LSTM: an LSTM over a sequence, forward, or backward where its input is a reversed one."""

import math

import numpy as np

from export.c99.c_text import array, structure
from export.c99.context import LoweringContext
from export.c99.fixed_point import quantize_multiplier
from export.c99.ir import GraphOperator
from export.c99.passes.time_reversal import is_time_reversal
from export.c99.steps import LstmStep, Step
from firmware_bench.runtime.errors import InputError

GATE_SCALE = np.float32(2.0**-12)


def lower(context: LoweringContext, operator: GraphOperator) -> list[Step]:
    """See export.c99.ops."""
    fields, constants = lstm_fields(operator), operator.inputs
    weights, recurrent, biases = constants[1:5], constants[5:9], constants[12:16]
    sequence, output, readers = operator.operand(0), operator.output, context.readers(operator.output)
    is_backward = sequence.index in context.reversed_inputs
    # A backward LSTM whose output is reversed again writes it in forward order at once.
    is_reversed_again = len(readers) == 1 and readers[0].name == "REVERSE_V2" and is_time_reversal(readers[0])
    if is_reversed_again:
        is_reversed_again = not {output.index, readers[0].output.index} & context.outputs
    if is_backward and is_reversed_again:
        context.forward_order_outputs.add(output.index)
    name = context.new_name(operator.name)
    parts = [context.view(part) for part in context.parts(context.reversed_inputs.get(sequence.index, sequence))]
    step = LstmStep(
        name,
        "ecg_lstm_s8",
        parts,
        context.new_view(output, name),
        declare=lambda by_rows: [
            array("int8_t", f"{name}_weights", np.stack([w.values for w in weights if w is not None], 1)),
            array("int8_t", f"{name}_recurrent", np.stack([w.values for w in recurrent if w is not None], 1)),
            array("int32_t", f"{name}_bias", np.stack([b.values for b in biases if b is not None], 1)),
            structure(
                "ecg_lstm_params_s8",
                name,
                weights=f"${name}_weights",
                recurrent=f"${name}_recurrent",
                bias=f"${name}_bias",
                **fields,
            ),
        ],
        scratch=fields["inputs"],
        is_backward=is_backward,
        is_reversed=is_backward and not is_reversed_again,
        units=fields["units"],
        zero_in=sequence.zero_point,
    )
    return [step]


def multiplications(operator: GraphOperator) -> int:
    """See export.c99.ops."""
    matrices = [t for t in operator.inputs[1:9] if t is not None]  # of the input and of the state, for each gate
    return operator.operand(0).rows * sum(matrix.size for matrix in matrices)


def lstm_fields(operator: GraphOperator) -> dict:
    """The fields of ecg_lstm_params but for the constants.

    Raises:
        InputError: The LSTM has peepholes, a projection, layer normalisation or coupled gates.
    """
    tensors = operator.inputs
    extras = [*tensors[9:12], *tensors[16:18], *tensors[20:24]]
    if any(t is not None and t.size for t in extras) or tensors[1] is None or operator.options.timeMajor:
        raise InputError(f"{operator.name} with peepholes, projection, normalisation or coupled gates has no C99 form")
    x, hidden, cell = operator.operand(0), operator.operand(18), operator.operand(19)
    state = operator.intermediates[4]
    if (state.scale, state.zero_point) != (hidden.scale, hidden.zero_point):
        raise InputError(f"{operator.name} whose state and output differ in scale: convert it again")

    def factors(matrices, scale):
        # LiteRT multiplies and divides these in single precision.
        found = [quantize_multiplier(float(np.float32(w.scale) * np.float32(scale) / GATE_SCALE)) for w in matrices]
        return [multiplier for multiplier, _ in found], [shift for _, shift in found]

    multipliers, shifts = factors(tensors[1:5], x.scale)
    recurrent_multipliers, recurrent_shifts = factors(tensors[5:9], hidden.scale)
    multiplier, shift = quantize_multiplier(float(np.float32(2.0**-15 / state.scale * 2.0**-15)))
    clip = np.float32(operator.options.cellClip) / np.float32(cell.scale)
    units, inputs = operator.operand(1).shape
    return {
        "multipliers": multipliers,
        "shifts": shifts,
        "recurrent_multipliers": recurrent_multipliers,
        "recurrent_shifts": recurrent_shifts,
        "inputs": inputs,
        "units": units,
        "cell_bits": 15 + round(math.log2(cell.scale)),
        "cell_clip": int(min(clip, 32767)) if clip > 0 else 32768,
        "multiplier": multiplier,
        "shift": shift,
        "zero_out": state.zero_point,
    }
