"""Softmax, normalisation, matrix products and LSTMs as steps of the program (export.c99.operators)."""

import math

import numpy as np

from export.c99.fixed_point import exponentials, quantised, quantised_of_sums
from export.c99.loops import only_in_8_bits
from export.c99.steps import LSTM, Step, View, array, structure
from firmware_bench.runtime.errors import InputError

GATES = 4


def softmax(name, operator, inputs, output):
    only_in_8_bits(operator)
    x = operator.inputs[0]
    values = exponentials(x.scale * operator.options.beta)
    fields = {"exponentials": f"{name}_exponentials", "count": len(values), "rows": x.rows, "width": x.width}
    return Step(
        name,
        "ecg_softmax",
        [inputs[0]],
        output,
        declare=lambda by_rows: [
            array("int32_t", f"{name}_exponentials", values),
            structure("ecg_softmax", name, **fields),
        ],
        whole=lambda places, out: [f"ecg_softmax(&{name}, {places[0].base}, {out.base});"],
        in_place=(0,),
    )


def normalise(name, operator, inputs, output):
    only_in_8_bits(operator)
    x = operator.inputs[0]
    return Step(
        name,
        "ecg_normalise",
        [inputs[0]],
        output,
        declare=lambda by_rows: [],
        row=lambda places, t, out: [f"ecg_normalise({places[0].row(t)}, {x.width}, {x.zero_point}, {out.row(t)});"],
        rows=x.rows,
        in_place=(0,),
    )


def product_fields(operator) -> dict:
    """The fields of a structure ecg_matmul. InputError for a product that has no C99 form."""
    (a, b), y = operator.inputs, operator.output
    transposed = operator.options.adjY
    if operator.options.adjX or a.data is not None or b.data is not None:
        raise InputError(f"{operator.name} of constants or of a transposed first matrix has no C99 form")
    rows, depth, columns = y.shape[-2], a.shape[-1], y.shape[-1]
    count = y.size // (rows * columns)
    if a.size != count * rows * depth or b.size != count * depth * columns:
        raise InputError(f"{operator.name} of {a.shape} and {b.shape}: C99 has no products of repeated matrices")
    multiplier, shift = quantised_of_sums(
        float(np.float32(a.scale) * np.float32(b.scale)) / y.scale, wide=y.dtype is np.int16
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


def matrix_product(name, operator, inputs, output):
    fields = product_fields(operator)
    return Step(
        name,
        "ecg_matmul",
        inputs,
        output,
        declare=lambda by_rows: [structure("ecg_matmul", name, **fields)],
        whole=lambda places, out: [f"ecg_matmul(&{name}, {places[0].base}, {places[1].base}, window, {out.base});"],
        window=fields["depth"],
    )


def lstm(name, operator, parts: list[View], output, backwards: bool, flipped: bool):
    """An LSTM without peepholes, projection and layer normalisation: the form that the export makes."""
    tensors = operator.inputs
    x, hidden, cell = tensors[0], tensors[18], tensors[19]
    extras = [*tensors[9:12], *tensors[16:18], *tensors[20:24]]
    if any(t is not None and t.size for t in extras) or tensors[1] is None or operator.options.timeMajor:
        raise InputError(f"{operator.name} with peepholes, projection, normalisation or coupled gates has no C99 form")
    weights, recurrent, biases = tensors[1:5], tensors[5:9], tensors[12:16]
    state = operator.intermediates[4]
    if (state.scale, state.zero_point) != (hidden.scale, hidden.zero_point):
        raise InputError(f"{operator.name} whose state and output differ in scale: convert it again")
    inputs, units = weights[0].shape[1], weights[0].shape[0]
    gate_scale, log_cell = np.float32(2.0**-12), round(math.log2(cell.scale))

    def factors(matrices, scale):
        # LiteRT multiplies and divides these in single precision.
        found = [quantised(float(np.float32(w.scale) * np.float32(scale) / gate_scale)) for w in matrices]
        return [multiplier for multiplier, _ in found], [shift for _, shift in found]

    multipliers, shifts = factors(weights, x.scale)
    recurrent_multipliers, recurrent_shifts = factors(recurrent, hidden.scale)
    multiplier, shift = quantised(float(np.float32(2.0**-15 / state.scale * 2.0**-15)))
    clip = np.float32(operator.options.cellClip) / np.float32(cell.scale)
    fields = {
        "weights": f"{name}_weights",
        "recurrent": f"{name}_recurrent",
        "bias": f"{name}_bias",
        "multipliers": multipliers,
        "shifts": shifts,
        "recurrent_multipliers": recurrent_multipliers,
        "recurrent_shifts": recurrent_shifts,
        "inputs": inputs,
        "units": units,
        "cell_bits": 15 + log_cell,
        "cell_clip": int(min(clip, 32767)) if clip > 0 else 32768,
        "multiplier": multiplier,
        "shift": shift,
        "zero_out": state.zero_point,
    }
    return LSTM(
        name,
        "ecg_lstm",
        parts,
        output,
        declare=lambda by_rows: [
            array("int8_t", f"{name}_weights", np.stack([w.data for w in weights], 1)),
            array("int8_t", f"{name}_recurrent", np.stack([w.data for w in recurrent], 1)),
            array("int32_t", f"{name}_bias", np.stack([b.data for b in biases], 1)),
            structure("ecg_lstm", name, **fields),
        ],
        window=inputs,
        backwards=backwards,
        flipped=flipped,
        units=units,
        zero_in=x.zero_point,
    )
