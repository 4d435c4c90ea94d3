"""Parity: does the converted file compute what the float model computes? Checks on real windows.

A whole-window file is run with LiteRT's optimised kernels on all windows, and where it is integers throughout, with the
reference kernels and TensorFlow Lite Micro on some. A streaming step is fed with the windows step by step
(export.verify.step_parity).
"""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from export.verify.acceptance import AcceptanceCheck, ComparePredictions, Outputs, Parity
from export.verify.c99_program import check_c99_program
from export.verify.prediction_agreement import LOW_AGREEMENT_REMEDY
from export.verify.runtimes import (
    NOT_INSTALLED,
    TENSOR_WINDOWS,
    check_outputs,
    check_tensors,
    micro_installed,
    run_micro,
)
from export.verify.sqnr import sqnr_db
from export.verify.step_parity import stream_parity
from firmware_bench.runtime.quantisation import dequantise, quantise
from firmware_bench.runtime.sampling import evenly_spaced
from firmware_bench.runtime.tflite_model import TFLiteModel

# TensorFlow Lite Micro's kernels on a PC take up to a third of a second a window of a paper-size model.
MICRO_WINDOWS = 32

# Sound int8 networks of this package lie at 25–40 dB; a mismatched LSTM scale gives 7–22, a state that is not reset 17.
MIN_SQNR_DB = 20.0


def parity(
    data: bytes, windows: Mapping[str, np.ndarray], expected: Outputs, compare_predictions: ComparePredictions
) -> Parity:
    """Compares a converted file with the float model.

    Args:
        data: The file with its metadata.
        windows: Input name → (n, …) float32.
        expected: Outputs of the Keras model.
        compare_predictions: Compares what is predicted from both outputs.

    Returns:
        Checks, figures and outputs.

    Raises:
        AcceptanceError: TensorFlow Lite Micro cannot run the file.
    """
    model = TFLiteModel(data)
    if model.metadata.streaming:
        return stream_parity(data, windows, expected, compare_predictions)
    count = len(next(iter(windows.values())))
    found = _dequantise(model, [model.run_raw(arrays) for arrays in _quantise(model, windows, range(count))])
    check, figures = check_sqnr("LiteRT", expected, found)
    checks, prediction_figures = compare_predictions(expected, found)
    answers = {"LiteRT": found}
    checks, figures = [check, *checks], {"windows": count, **figures, **prediction_figures}
    if all(tensor.dtype.startswith("int") for tensor in (*model.inputs, *model.outputs)):
        few = evenly_spaced(count, MICRO_WINDOWS)
        compared = _compare_runtimes(model, data, [*_quantise(model, windows, few)], figures["decibels"])
        checks = [*compared.checks, *checks]
        if compared.micro is not None:
            answers["TensorFlow Lite Micro"] = _dequantise(model, compared.micro)
            check, micro_figures = check_sqnr(
                "TFLite Micro",
                {name: values[few] for name, values in expected.items()},
                answers["TensorFlow Lite Micro"],
            )
            checks.insert(2, check)
            figures |= {"micro_windows": len(few), "micro_decibels": micro_figures["decibels"]}
    return Parity(checks, figures, answers)


def check_sqnr(runtime: str, expected: Outputs, found: Outputs) -> tuple[AcceptanceCheck, dict]:
    """Measures the SQNR of the output that agrees least.

    Args:
        runtime: The name of the runtime that computed `found`.
        expected: Outputs of the float model.
        found: Outputs of the file.

    Returns:
        The check, and its figures.
    """
    each = {name: sqnr_db(values, found[name]) for name, values in expected.items()}
    worst = min(each, key=lambda name: each[name])
    where = f" ({worst}, the worst of {len(each)} outputs)" if len(each) > 1 else ""
    check = AcceptanceCheck(
        f"agreement of {runtime} with Keras, {len(next(iter(found.values())))} windows",
        f"{each[worst]:.1f} dB{where}",
        f"≥ {MIN_SQNR_DB:g} dB",
        each[worst] >= MIN_SQNR_DB,
        LOW_AGREEMENT_REMEDY,
    )
    figures: dict = {"decibels": round(each[worst], 2)}
    if len(each) > 1:
        figures["decibels_by_output"] = {name: round(value, 2) for name, value in each.items()}
    return check, figures


@dataclasses.dataclass(frozen=True)
class _RuntimeComparison:
    checks: list[AcceptanceCheck]
    micro: list[list[np.ndarray]] | None  # raw outputs of TensorFlow Lite Micro


def _compare_runtimes(model, data, windows, sqnr_with_keras):
    """Compares LiteRT's reference kernels with TensorFlow Lite Micro, or where that is missing with the C99 program."""
    tensors = check_tensors(data, windows[:TENSOR_WINDOWS])
    if not micro_installed():
        name = f"TFLite Micro's outputs against LiteRT's, {len(windows)} windows"
        missing = AcceptanceCheck(name, NOT_INSTALLED, "0", None, "install tflite-micro (Linux, x86-64)")
        return _RuntimeComparison([tensors, missing, check_c99_program(data)], None)
    micro = run_micro(data, windows)
    reference = TFLiteModel(data, kernels="reference")
    outputs = [reference.run_raw(arrays) for arrays in windows]
    zero_points = [tensor.zero_point for tensor in model.outputs]
    return _RuntimeComparison([tensors, check_outputs(data, outputs, micro, zero_points, sqnr_with_keras)], micro)


def _quantise(model: TFLiteModel, windows, positions) -> Iterable[list[np.ndarray]]:
    """Per window at `positions`, the model's inputs in order, quantised, with the batch axis."""
    for n in positions:
        yield [quantise(windows[t.name][n : n + 1], t.scale, t.zero_point, t.dtype) for t in model.inputs]


def _dequantise(model: TFLiteModel, raw) -> dict[str, np.ndarray]:
    """Raw outputs per window → outputs by name, (n, …) float32."""
    columns = [np.concatenate(column) for column in zip(*raw, strict=True)]
    return {t.name: dequantise(x, t.scale, t.zero_point) for t, x in zip(model.outputs, columns, strict=True)}
