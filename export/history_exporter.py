"""From a trained Keras model of beats to the file of one step that keeps what was before: the 8-bit file, when it has
passed its own gates, and around it the operators that hand its histories on."""

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from export import exporter
from export.convert.converter_process import Windows
from export.convert.history_step import as_step
from export.exporter import Report, with_reference, written
from export.stream_exporter import Recorder, describe_step_tensors, in_both_runtimes, state_gate
from export.tflite import flatbuffer
from export.verify.acceptance import Gate
from firmware_bench.runtime.metadata import ModelMetadata
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.streaming_model import HistoryModel
from firmware_bench.runtime.tflite_model import TFLiteModel


def export(
    model, windows: Windows, judged, metadata: ModelMetadata, path: Path, histories, say, advance, choose
) -> Report:
    """As export.exporter.export, for the step that keeps `histories` (ecg_edge.tasks.task.Task) itself.

    Raises ExportError where no integer file comes out, GatesFailed where it or its step misses a bar; neither leaves a
    file.
    """
    with tempfile.TemporaryDirectory(prefix="ecg-edge-export-") as folder:
        file = Path(folder, "model.tflite")
        report = exporter.export(model, windows, judged, metadata, file, say=say, advance=advance, choose=choose)
        data = file.read_bytes()
    made, history = as_step(data, histories)
    inputs, outputs = describe_step_tensors(made)
    description = dataclasses.replace(report.metadata, history=history, inputs=inputs, outputs=outputs, digest="")
    made = flatbuffer.set_metadata(made, description)
    say(f"feeding {Windows.count(windows.check)} windows to the step, one after the other")
    gates = [*report.gates, state_gate(made, history.states), *parity(data, made, histories, windows.check)]
    made = with_reference(made, description)
    return written(path, made, gates, read_metadata(made), report.answers, report.layers)


def parity(data: bytes, made: bytes, histories, windows: Mapping[str, np.ndarray]) -> list[Gate]:
    """Gates of the step `made` of the file `data`, in the reference kernels: told of one window after the other, does
    it answer what the file answers whose histories the caller keeps, and what TensorFlow Lite Micro answers?"""
    recorder = Recorder(TFLiteModel(made, kernels="reference"), Windows.count(windows))
    keeper = HistoryModel(recorder)
    examples = [{name: values[n] for name, values in windows.items()} for n in range(Windows.count(windows))]
    newest = [{**x, **{name: x[name][-1:] for name, output in histories.items() if output is None}} for x in examples]
    found = [keeper.answers(keeper.step_raw(example)) for example in newest]
    expected = kept_by_the_caller(TFLiteModel(data, kernels="reference"), histories, newest)
    changed = sum(
        any(not np.array_equal(ours[name], theirs[name]) for name in theirs)
        for ours, theirs in zip(found, expected, strict=True)
    )
    return [
        *in_both_runtimes(made, recorder)[1],
        Gate(
            f"steps that answer otherwise than the file whose caller keeps the history, of {len(found)}",
            f"{changed}",
            "0",
            not changed,
            "what the step keeps is not what was before: convert with the pinned version of tensorflow",
        ),
    ]


def kept_by_the_caller(model: TFLiteModel, histories, examples: Sequence[Mapping[str, np.ndarray]]) -> list:
    """What a `model` of whole histories answers to `examples`, one after the other, as HistoryModel takes them:
    its outputs by name, where nothing is known of what was before the first."""
    shapes = {tensor.name: tensor.shape[1:] for tensor in model.inputs}
    kept = {name: np.zeros(shapes[name], np.float32) for name in histories}
    answers = []
    for example in examples:
        for name, output in histories.items():
            if output is None:
                kept[name] = np.concatenate([kept[name][1:], example[name]])
        answer = model.run({**example, **kept})
        answers.append(answer if isinstance(answer, dict) else {model.outputs[0].name: answer})
        for name, output in histories.items():
            if output is not None:
                winner = np.eye(shapes[name][-1], dtype=np.float32)[[answers[-1][output].argmax()]]
                kept[name] = np.concatenate([kept[name][1:], winner])
    return answers
