"""From a trained Keras model to the file of one step that has proved itself on whole recordings, fed block by block."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from export.convert.converter_process import Windows, convert_16_bits
from export.convert.streaming_step import streamable
from export.exporter import Report, count_parameters, describe_tensor, keras_outputs, with_reference, written
from export.tflite import flatbuffer
from export.verify.acceptance import Gate
from export.verify.lint import lint
from export.verify.parity import Parity
from export.verify.runtimes import tensor_gate
from export.verify.sqnr import decibels
from firmware_bench.mcu import tflm
from firmware_bench.runtime.errors import AcceptanceError, InputError, ModelError
from firmware_bench.runtime.metadata import ModelMetadata, Tensor, WindowMetadata
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.streaming_model import NEXT, StreamingModel
from firmware_bench.runtime.tflite_model import TFLiteModel

DECIBELS = 35.0  # against Keras at a window's end, some hundred steps of rounded states later
MICRO_STEPS = 1000  # whose outputs and states TensorFlow Lite Micro repeats; of them so many with every tensor:
TENSOR_STEPS = 40


def export(
    model,
    windows: Windows,
    judged: Callable[[Mapping, Mapping], tuple[Sequence[Gate], dict]],
    metadata: ModelMetadata,
    path: Path,
    say: Callable[[str], None] = lambda text: None,
    choose: Callable[[bytes], dict] | None = None,
) -> Report:
    """As export.exporter.export, for the step of a model that can run as a stream.

    Raises InputError naming the layer where it cannot, ExportError where no integer file comes out, GatesFailed where
    it misses a bar; none leaves a file.
    """
    if not Windows.count(windows.calibration) or not Windows.count(windows.check):
        raise InputError("export needs windows for calibration and others for parity")
    model = streamable(model)
    samples = model.inputs[0].shape[1]
    calibration, check = (
        {name: values[:, :samples] for name, values in part.items()} for part in (windows.calibration, windows.check)
    )
    say(f"converting in a process of its own, calibrated on {Windows.count(calibration)} windows as streams")
    data = convert_16_bits(model, calibration, streaming=True)
    made = read_metadata(data)
    inputs, outputs = describe_step_tensors(data)
    description = dataclasses.replace(
        metadata,
        window=WindowMetadata(samples, metadata.window.stride or samples),
        parameters=count_parameters(model),
        inputs=inputs,
        outputs=outputs,
        quantisation=made.quantisation,
        streaming=made.streaming,
    )
    gates, answers = [*lint(data), state_gate(data, made.streaming.states)], {}
    if all(gate.passed for gate in gates):  # a runtime may crash on what the lint refuses
        data = flatbuffer.set_metadata(data, description)
        say(f"feeding {Windows.count(check)} windows step by step, and {MICRO_STEPS} steps to TensorFlow Lite Micro")
        expected = keras_outputs(model, check)
        measured = parity(data, check, expected, judged)
        answers = {"Keras, float": expected, **measured.answers}
        gates += measured.gates
        description = dataclasses.replace(description, metrics={"parity": measured.figures})
        if choose and all(gate.passed for gate in gates):
            description = dataclasses.replace(description, decision=choose(data))
        data = with_reference(data, description, vectors=1)  # its states are all in it, thousands of bytes
        description = read_metadata(data)

    return written(path, data, gates, description, answers, layers=())


def describe_step_tensors(data: bytes) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """As export.exporter.describe_tensors, of several outputs; a state's next value has the form of the state
    (state_gate) and is left out."""
    inputs, outputs = ends(data)
    following = {NEXT + tensor.name for tensor in inputs}
    return inputs, tuple(tensor for tensor in outputs if tensor.name not in following)


def ends(data: bytes) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """All inputs and all outputs, described."""
    file = flatbuffer.read(data)
    (graph,), (signature,) = file.subgraphs, file.signatureDefs
    names = {entry.tensorIndex: entry.name.decode() for entry in (*signature.inputs, *signature.outputs)}
    inputs, outputs = (
        tuple(describe_tensor(graph.tensors[index], names[index]) for index in indices)
        for indices in (graph.inputs, graph.outputs)
    )
    return inputs, outputs


def state_gate(data: bytes, states: Sequence[str]) -> Gate:
    form = {tensor.name: dataclasses.replace(tensor, name="") for part in ends(data) for tensor in part}
    unequal = sum(form[state] != form[NEXT + state] for state in states)
    return Gate(
        "states that come out in another form than they go in",
        f"{unequal} of {len(states)}",
        "0",
        unequal == 0,
        "convert again with the pinned version of tensorflow",
    )


def parity(data, windows, expected, judged) -> Parity:
    """As export.parity.parity, of the step file `data` fed with `windows`, where the whole-window model answers
    `expected`."""
    (signal,) = windows.values()
    ((name, answers),) = expected.items()
    recorder = Recorder(TFLiteModel(data, kernels="reference"), MICRO_STEPS)
    stream = StreamingModel(recorder)
    found = np.stack([stream.run(window) for window in signal])
    agreement = decibels(answers, found)
    equal, alike = in_both_runtimes(data, recorder)
    decided, figures = judged(expected, {name: found})
    gates = [
        *alike,
        Gate(
            f"agreement of the stream with Keras at the end of a window, {len(signal)} windows",
            f"{agreement:.1f} dB",
            f"≥ {DECIBELS:g} dB",
            agreement >= DECIBELS,
            "train to the early stop, or with fewer blocks: each adds the error of its 8-bit weights",
        ),
        *decided,
    ]
    figures = {
        "windows": len(signal),
        "decibels": round(agreement, 2),
        **figures,
        "micro_steps": len(equal),
        "micro_equal": round(float(np.mean(equal)), 4),
    }
    return Parity(gates, figures, {"the stream, LiteRT": {name: found}})


def in_both_runtimes(data: bytes, recorder: "Recorder") -> tuple[list[bool], list[Gate]]:
    """Whether TensorFlow Lite Micro gives the outputs and states of each step that was recorded, and the gates of
    that."""
    try:
        micro = tflm.outputs(data, recorder.arrays)
    except ModelError as error:
        raise AcceptanceError(f"{error}; nothing was written: use layers that it has") from None
    equal = [
        all(np.array_equal(*pair) for pair in zip(ours, theirs, strict=True))
        for ours, theirs in zip(recorder.answers, micro, strict=True)
    ]
    few = [recorder.arrays[n] for n in np.linspace(0, len(micro) - 1, min(TENSOR_STEPS, len(micro))).astype(int)]
    return equal, [
        tensor_gate(data, few, "steps"),
        Gate(
            f"steps in whose outputs or states TFLite Micro and LiteRT differ, of {len(micro)}",
            f"{len(equal) - sum(equal)}",
            "0",
            all(equal),
            "the two runtimes disagree on an operator: convert with the pinned versions of both",
        ),
    ]


class Recorder:
    """A TFLiteModel that keeps the raw inputs and outputs of its first `count` calls."""

    def __init__(self, model: TFLiteModel, count: int):
        self.model, self.count, self.arrays, self.answers = model, count, [], []
        self.inputs, self.outputs, self.metadata, self.name = model.inputs, model.outputs, model.metadata, model.name

    def run_raw(self, arrays):
        answer = self.model.run_raw(arrays)
        if len(self.answers) < self.count:
            self.arrays.append(list(arrays))
            self.answers.append(answer)
        return answer
