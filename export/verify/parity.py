"""Does the integer file still compute the model? Gates over real windows, each with its figure."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from export.verify.acceptance import Gate
from export.verify.runtimes import TENSOR_WINDOWS, output_gate, tensor_gate
from export.verify.sqnr import decibels
from firmware_bench.mcu import tflm
from firmware_bench.runtime.errors import AcceptanceError, ModelError
from firmware_bench.runtime.quantisation import dequantise, quantise
from firmware_bench.runtime.sampling import evenly_spaced
from firmware_bench.runtime.tflite_model import TFLiteModel

# TensorFlow Lite Micro's kernels on a PC take up to a third of a second a window of a paper-size model.
MICRO_WINDOWS = 32

# Healthy int8 networks of this house lie at 25–40 dB; a mismatched LSTM scale gives 7–22, a state kept 17.
DECIBELS = 20.0

UNDECIDED = (
    "fine-tune with --qat; train to the early stop, since the classes of an undecided model flip with any rounding; "
    "see whether ecg-edge data check finds artefacts; --explain shows the layers"
)


@dataclasses.dataclass(frozen=True)
class Parity:
    """What the integer model did on the parity windows: gates, the figures as plain data, a row of answers for every
    way to compute the model ("Keras, float", …), outputs by name (n, …)."""

    gates: Sequence[Gate]
    figures: dict
    answers: Mapping[str, Mapping[str, np.ndarray]]


def parity(
    data: bytes,
    windows: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    judged: Callable[[Mapping, Mapping], tuple[Sequence[Gate], dict]],
) -> Parity:
    """Runs the integer file `data` over `windows` (input name → (n, ...)) with LiteRT's optimised kernels and, where it
    is integers throughout, over some with its reference kernels and TensorFlow Lite Micro. `expected` are the Keras
    model's outputs, by name; `judged(expected, found)` gives gates and figures of what is decided from them.
    """
    model = TFLiteModel(data)
    count = len(next(iter(windows.values())))
    found = _values(model, [model.run_raw(arrays) for arrays in _raw(model, windows, range(count))])
    gate, figures = _decibels("LiteRT", expected, found)
    gates, decided = judged(expected, found)
    answers = {"LiteRT": found}
    gates, figures = [gate, *gates], {"windows": count, **figures, **decided}
    if all(tensor.dtype.startswith("int") for tensor in (*model.inputs, *model.outputs)):
        few = evenly_spaced(count, MICRO_WINDOWS)
        raw, micro = _in_both_runtimes(data, model, list(_raw(model, windows, few)), figures["decibels"])
        answers["TensorFlow Lite Micro"] = _values(model, micro)
        gate, micro_figures = _decibels(
            "TFLite Micro", {name: values[few] for name, values in expected.items()}, answers["TensorFlow Lite Micro"]
        )
        gates = [*raw, gate, *gates]
        figures |= {"micro_windows": len(few), "micro_decibels": micro_figures["decibels"]}
    return Parity(gates, figures, answers)


def _raw(model, windows, positions):
    """Per window at `positions`, the model's inputs in order, quantised, with the batch axis."""
    for n in positions:
        yield [quantise(windows[t.name][n : n + 1], t.scale, t.zero_point, t.dtype) for t in model.inputs]


def _values(model, raw):
    """The raw outputs of windows → by name, (n, …) float32."""
    columns = [np.concatenate(column) for column in zip(*raw, strict=True)]
    return {t.name: dequantise(x, t.scale, t.zero_point) for t, x in zip(model.outputs, columns, strict=True)}


def _in_both_runtimes(data, model, windows, with_keras):
    """The gates between LiteRT's reference kernels and TensorFlow Lite Micro, and the latter's raw outputs."""
    try:
        micro = tflm.outputs(data, windows)
    except ModelError as error:
        raise AcceptanceError(f"{error}; nothing was written: use layers that it has") from None
    reference = TFLiteModel(data, kernels="reference")
    outputs = [reference.run_raw(arrays) for arrays in windows]
    zero_points = [tensor.zero_point for tensor in model.outputs]
    gates = [tensor_gate(data, windows[:TENSOR_WINDOWS]), output_gate(data, outputs, micro, zero_points, with_keras)]
    return gates, micro


def _decibels(runtime, expected, found):
    """The gate, and the figures, of the output that agrees least."""
    each = {name: decibels(values, found[name]) for name, values in expected.items()}
    worst = min(each, key=each.get)
    where = f" ({worst}, the worst of {len(each)} outputs)" if len(each) > 1 else ""
    gate = Gate(
        f"agreement of {runtime} with Keras, {len(next(iter(found.values())))} windows",
        f"{each[worst]:.1f} dB{where}",
        f"≥ {DECIBELS:g} dB",
        each[worst] >= DECIBELS,
        UNDECIDED,
    )
    figures = {"decibels": round(each[worst], 2)}
    if len(each) > 1:
        figures["decibels_by_output"] = {name: round(value, 2) for name, value in each.items()}
    return gate, figures
