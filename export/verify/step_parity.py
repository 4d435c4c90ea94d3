"""Parity of a step: fed block by block, or example by example, it must compute what the whole file computes."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from export.tflite.signature import describe_ends
from export.verify.acceptance import AcceptanceCheck, ComparePredictions, Outputs, Parity
from export.verify.c99_program import check_c99_program
from export.verify.runtimes import (
    NOT_INSTALLED,
    PINNED_VERSIONS_REMEDY,
    allowed_steps,
    check_tensors,
    micro_installed,
    run_micro,
)
from export.verify.sqnr import sqnr_db
from firmware_bench.runtime.streaming_model import NEXT, HistoryModel, StreamingModel
from firmware_bench.runtime.tflite_model import TFLiteModel

MIN_STREAM_SQNR_DB = 35.0  # against Keras at a window's end, some hundred steps of rounded states later
MICRO_STEPS = 1000  # whose outputs and states TensorFlow Lite Micro repeats; of them so many with every tensor:
TENSOR_STEPS = 40


def check_state_formats(data: bytes, states: Sequence[str]) -> AcceptanceCheck:
    """Checks that every state has the same shape, type and scale before and after a step."""
    formats = {tensor.name: dataclasses.replace(tensor, name="") for part in describe_ends(data) for tensor in part}
    unequal = sum(formats[state] != formats[NEXT + state] for state in states)
    return AcceptanceCheck(
        "states whose next value has another format",
        f"{unequal} of {len(states)}",
        "0",
        unequal == 0,
        "convert again with the pinned version of tensorflow",
    )


def stream_parity(
    data: bytes, windows: Mapping[str, np.ndarray], expected: Outputs, compare_predictions: ComparePredictions
) -> Parity:
    """As export.verify.parity.parity, of a streaming step that is fed with the windows block by block."""
    (signal,) = windows.values()
    ((name, outputs),) = expected.items()
    recorder = RunRecorder(TFLiteModel(data, kernels="reference"), MICRO_STEPS)
    stream = StreamingModel(recorder)
    answers: list[Any] = [stream.run(window) for window in signal]  # arrays: the model has one output
    found = np.stack(answers)
    agreement = sqnr_db(outputs, found)
    equal, runtime_checks = compare_step_runtimes(data, recorder)
    prediction_checks, prediction_figures = compare_predictions(expected, {name: found})
    checks = [
        *runtime_checks,
        AcceptanceCheck(
            f"agreement of the stream with Keras at the end of a window, {len(signal)} windows",
            f"{agreement:.1f} dB",
            f"≥ {MIN_STREAM_SQNR_DB:g} dB",
            agreement >= MIN_STREAM_SQNR_DB,
            "train to the early stop, or with fewer blocks: each adds the error of its 8-bit weights",
        ),
        *prediction_checks,
    ]
    figures = {"windows": len(signal), "decibels": round(agreement, 2), **prediction_figures}
    if equal is not None:
        figures |= {"micro_steps": len(equal), "micro_equal": round(float(np.mean(equal)), 4)}
    return Parity(checks, figures, {"the stream, LiteRT": {name: found}})


def check_history_step(
    whole: bytes, step: bytes, histories: Mapping[str, str | None], windows: Mapping[str, np.ndarray]
) -> list[AcceptanceCheck]:
    """Compares a step that keeps its histories with the whole file that takes them as inputs.

    Args:
        whole: The whole file.
        step: The step made of it.
        histories: As in export.convert.history_step.convert_to_step.
        windows: Input name → (n, …): examples, fed one after the other.

    Returns:
        The checks: equal answers to the byte, in LiteRT and in TensorFlow Lite Micro.
    """
    count = len(next(iter(windows.values())))
    recorder = RunRecorder(TFLiteModel(step, kernels="reference"), count)
    model = HistoryModel(recorder)
    examples = [{name: values[n] for name, values in windows.items()} for n in range(count)]
    newest = [{**x, **{name: x[name][-1:] for name, output in histories.items() if output is None}} for x in examples]
    found = [model.dequantise_outputs(model.step_raw(example)) for example in newest]
    expected = run_with_external_history(TFLiteModel(whole, kernels="reference"), histories, newest)
    differing = sum(
        any(not np.array_equal(ours[name], theirs[name]) for name in theirs)
        for ours, theirs in zip(found, expected, strict=True)
    )
    return [
        *compare_step_runtimes(step, recorder)[1],
        AcceptanceCheck(
            f"steps whose answer differs from that of the file with histories as inputs, of {len(found)}",
            f"{differing}",
            "0",
            not differing,
            "the states do not hold the history: convert with the pinned version of tensorflow",
        ),
    ]


def run_with_external_history(
    model: TFLiteModel, histories: Mapping[str, str | None], examples: Sequence[Mapping[str, np.ndarray]]
) -> list[dict[str, np.ndarray]]:
    """Runs a whole file and keeps its histories for it; they are zeros before the first example.

    Args:
        model: A file with histories as inputs.
        histories: As in export.convert.history_step.convert_to_step.
        examples: As HistoryModel takes them, one after the other.

    Returns:
        Per example, outputs by name.
    """
    shapes = {tensor.name: tensor.shape[1:] for tensor in model.inputs}
    history = {name: np.zeros(shapes[name], np.float32) for name in histories}
    answers = []
    for example in examples:
        for name, output in histories.items():
            if output is None:
                history[name] = np.concatenate([history[name][1:], example[name]])
        answer = model.run({**example, **history})
        answers.append(answer if isinstance(answer, dict) else {model.outputs[0].name: answer})
        for name, output in histories.items():
            if output is not None:
                predicted = np.eye(shapes[name][-1], dtype=np.float32)[[answers[-1][output].argmax()]]
                history[name] = np.concatenate([history[name][1:], predicted])
    return answers


def compare_step_runtimes(data: bytes, recorder: "RunRecorder") -> tuple[list[bool] | None, list[AcceptanceCheck]]:
    """Repeats recorded steps in TensorFlow Lite Micro, or where that is missing checks the C99 program.

    Args:
        data: The step.
        recorder: Holds its recorded runs in LiteRT's reference kernels.

    Returns:
        Per step whether outputs and states are equal, None without TensorFlow Lite Micro; and the checks.
    """
    count = len(recorder.arrays)
    name = f"steps in whose outputs or states TFLite Micro and LiteRT differ, of {count}"
    few = [recorder.arrays[n] for n in np.linspace(0, count - 1, min(TENSOR_STEPS, count)).astype(int)]
    if not micro_installed():
        missing = AcceptanceCheck(name, NOT_INSTALLED, "0", None, "install tflite-micro (Linux, x86-64)")
        return None, [check_tensors(data, few, "steps"), missing, check_c99_program(data)]
    micro = run_micro(data, recorder.arrays)
    differences = np.array(
        [
            [int(np.abs(np.subtract(a, b, dtype=np.int32)).max()) for a, b in zip(ours, theirs, strict=True)]
            for ours, theirs in zip(recorder.answers, micro, strict=True)
        ]
    )
    wrong, equal = (differences > allowed_steps(data)).any(axis=1), (differences == 0).all(axis=1)
    rounded = int((~equal & ~wrong).sum())
    measured = f"{wrong.sum()}" + (f"; {rounded} by steps that are known" if rounded else "")
    return equal.tolist(), [
        check_tensors(data, few, "steps"),
        AcceptanceCheck(name, measured, "0", not wrong.any(), PINNED_VERSIONS_REMEDY),
    ]


class RunRecorder:
    """A TFLiteModel that records the raw inputs and outputs of its first `count` runs."""

    def __init__(self, model: TFLiteModel, count: int):
        self.model, self.count, self.arrays, self.answers = model, count, [], []
        self.inputs, self.outputs, self.metadata, self.name = model.inputs, model.outputs, model.metadata, model.name

    def run_raw(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Runs the model once on raw inputs in order; its raw outputs in order."""
        answer = self.model.run_raw(arrays)
        if len(self.answers) < self.count:
            self.arrays.append(list(arrays))
            self.answers.append(answer)
        return answer
