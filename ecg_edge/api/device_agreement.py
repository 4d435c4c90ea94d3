"""Accuracy on a device: its predictions for real recordings beside those made here."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg_edge.api.model_loading import find_embedder, task_from_metadata
from ecg_edge.data.dataset import Dataset
from ecg_edge.data.examples import Examples
from ecg_edge.evaluation.evaluator import compute_unit_metrics
from ecg_edge.reporter import Reporter
from ecg_edge.tasks.metrics import display_name
from ecg_edge.tasks.task import Task
from ecg_edge.tflite_predictor import TFLitePredictor
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.sampling import evenly_spaced

MAX_WINDOWS = 500  # that are sent; whole recordings, spread evenly


def select_examples_for(file: Path, data: str, reporter: Reporter) -> tuple[Task, Examples]:
    """Select recordings of a data set that an exported file can predict.

    Args:
        file: The exported file.
        data: A database's name or a folder.
        reporter: Receives messages.

    Returns:
        The task that the file's metadata describe, and at most about MAX_WINDOWS examples of it.

    Raises:
        InputError: The file is a streaming step or does not describe its input, or no recording suits it.
    """
    metadata = TFLitePredictor(file).metadata
    task, window = task_from_metadata(metadata, str(file), find_embedder(file, metadata))
    if metadata.streaming or metadata.history:
        raise InputError(f"{file}: its states go from step to step, and --records compares windows: leave it out")
    dataset = Dataset.open(data, type(task), metadata.leads)
    names = [entry.name for entry in dataset.entries if task.is_usable(entry, task.classes)]
    if not names:
        raise InputError(f"{data}: no recording carries one of the classes of {file}: {', '.join(task.classes)}")
    reporter.message(f"preparing recordings of {data}")
    chosen = [names[i] for i in evenly_spaced(len(names), MAX_WINDOWS)]
    recordings = dataset.prepare_subset(type(task), window, chosen)
    examples = task.examples(recordings, chosen, window)
    while len(examples) > MAX_WINDOWS and len(chosen) > 1:
        chosen = [chosen[i] for i in evenly_spaced(len(chosen), max(1, len(chosen) * MAX_WINDOWS // len(examples)))]
        examples = task.examples(recordings, chosen, window)
    if not len(examples):
        raise InputError(f"{data}: no recording to predict")
    return task, examples


class RecordingPredictor:
    """A predictor that keeps the raw inputs and outputs of every window.

    Args:
        model: The model in TensorFlow Lite.
        rows: Raw outputs, one for each window, that are answered instead of running the model.
    """

    def __init__(self, model, rows: Sequence | None = None):
        self.model = model
        self.inputs: list[list[np.ndarray]] = []
        self.outputs: list[list[np.ndarray]] = []
        self._rows: Iterator | None = None if rows is None else iter(rows)

    def __call__(self, inputs: dict[str, np.ndarray]):
        """Return the outputs (n, …) float32 for inputs (n, …) float32, by name unless they are probabilities."""
        from firmware_bench.runtime.quantisation import dequantise, quantise

        values = []
        for position in range(len(next(iter(inputs.values())))):
            raw = [
                quantise(inputs[tensor.name][position : position + 1], tensor.scale, tensor.zero_point, tensor.dtype)
                for tensor in self.model.inputs
            ]
            row = self.model.run_raw(raw) if self._rows is None else next(self._rows)
            self.inputs.append(raw)
            self.outputs.append(row)
            values.append(
                [
                    dequantise(array[0], tensor.scale, tensor.zero_point)
                    for array, tensor in zip(row, self.model.outputs, strict=True)
                ]
            )
        names = [tensor.name for tensor in self.model.outputs]
        stacked = dict(zip(names, map(np.stack, zip(*values, strict=True)), strict=True))
        return stacked["probabilities"] if names == ["probabilities"] else stacked


def headline_metric(task: Task, predictor, examples: Examples) -> tuple[str, float | None]:
    """Return the name and the value of the task's headline metric."""
    metrics = compute_unit_metrics(task, predictor, examples)
    value = metrics.statistic(np.arange(len(metrics.patients)))[metrics.headline]
    return display_name(metrics.headline[-1]), None if np.isnan(value) else round(float(value), 6)


def compare_predictions(
    device, python: str, number: int, file: Path, task: Task, examples: Examples, data: str, reporter: Reporter
) -> dict[str, Any]:
    """Compare a device's raw outputs with those of this machine.

    Args:
        device: The machine, open, with the files in place.
        python: Its Python.
        number: Position of the file among those that were measured there.
        file: The exported file.
        task: The task that its metadata describe.
        examples: What to predict.
        data: What the data are called.
        reporter: Receives messages.

    Returns:
        Plain data: the windows whose outputs agree (integers to the byte, others within the file's tolerance), and the
        headline metric here and there.
    """
    from firmware_bench.rpi import device_bench
    from firmware_bench.runtime.reference_vector import outputs_agree
    from firmware_bench.runtime.tflite_model import TFLiteModel

    model = TFLiteModel(file)
    own = RecordingPredictor(model)
    reporter.message(f"predicting {len(examples)} windows here")
    metric, here = headline_metric(task, own, examples)
    reporter.message(f"predicting {len(own.inputs)} windows there")
    arrays = [np.concatenate(column) for column in zip(*own.inputs, strict=True)]
    outputs = device_bench.run_windows(device, python, number, file, arrays, model.outputs)
    rows = [[array[n : n + 1] for array in outputs] for n in range(len(own.outputs))]
    limit = model.metadata.reference.tolerance if model.metadata.reference else None
    agreeing = sum(
        all(outputs_agree(tensor, a, b, limit) for tensor, a, b in zip(model.outputs, mine, theirs, strict=True))
        for mine, theirs in zip(own.outputs, rows, strict=True)
    )
    exact = limit is None and all(np.dtype(tensor.dtype).kind != "f" for tensor in model.outputs)
    return {
        "file": file.name,
        "data": data,
        "recordings": len(np.unique(examples.records)),
        "windows": len(rows),
        "agreeing": agreeing,
        "how": "equal to the byte" if exact else "within the tolerance",
        "metric": metric,
        "here": here,
        "there": headline_metric(task, RecordingPredictor(model, rows), examples)[1],
    }
