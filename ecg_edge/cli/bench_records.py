"""Accuracy on a device: its predictions for real recordings beside those made here."""

from pathlib import Path

import numpy as np

from ecg_edge.cli import console
from firmware_bench.runtime.errors import InputError

WINDOWS = 500  # sent at most; whole recordings, spread evenly


def examples_for(file: Path, data: str):
    """The task that a file's metadata describe and the examples of it in `data`. Raises InputError."""
    from ecg_edge.cli.predict import NEEDED, described
    from ecg_edge.data.dataset import Dataset
    from ecg_edge.evaluation.predictors import TFLitePredictor

    about = TFLitePredictor(file).metadata
    missing = [key for key in NEEDED if key not in about]
    if missing:
        raise InputError(f"{file}: its metadata do not say {', '.join(missing)}: export it with ecg-edge export")
    if "streaming" in about or "history" in about:
        raise InputError(f"{file}: its states go from step to step, and --records compares windows: leave it out")
    task, window = described(about)
    dataset = Dataset.open(data, type(task), about["leads"])
    names = [entry.name for entry in dataset.entries if task.is_usable(entry, task.classes)]
    if not names:
        raise InputError(f"{data}: no recording carries one of the classes of {file}: {', '.join(task.classes)}")
    console.say(f"preparing recordings of {data}")
    chosen = spread(names, WINDOWS)
    recordings = dataset.prepare_subset(type(task), window, chosen)
    examples = task.examples(recordings, chosen, window)
    while len(examples) > WINDOWS and len(chosen) > 1:
        chosen = spread(chosen, max(1, len(chosen) * WINDOWS // len(examples)))
        examples = task.examples(recordings, chosen, window)
    if not len(examples):
        raise InputError(f"{data}: no recording to predict")
    return task, examples, data


def spread(names: list[str], count: int) -> list[str]:
    """At most `count` of them, spread evenly."""
    if len(names) <= count:
        return names
    return [names[i] for i in np.linspace(0, len(names) - 1, count).round().astype(int)]


class Answers:
    """A predictor, as evaluation takes one, that keeps the raw inputs and outputs of every window. Where it is given
    `rows` of raw outputs, it answers with these, one after the other, instead of running the model."""

    def __init__(self, model, rows=None):
        self.model, self.inputs, self.outputs = model, [], []
        self._rows = None if rows is None else iter(rows)

    def __call__(self, inputs: dict[str, np.ndarray]):
        """Inputs by name, (n, …) float32 → the outputs (n, …) float32, by name unless they are probabilities."""
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
            values.append([
                dequantise(array[0], tensor.scale, tensor.zero_point)
                for array, tensor in zip(row, self.model.outputs, strict=True)
            ])  # fmt: skip
        names = [tensor.name for tensor in self.model.outputs]
        stacked = dict(zip(names, map(np.stack, zip(*values, strict=True)), strict=True))
        return stacked["probabilities"] if names == ["probabilities"] else stacked


def headline(task, predictor, examples) -> tuple[str, float | None]:
    """The task's headline figure and its name."""
    from ecg_edge.cli.evaluate import LABELS
    from ecg_edge.evaluation.evaluate import measure

    measured = measure(task, predictor, examples)
    value = measured.statistic(np.arange(len(measured.patients)))[measured.headline]
    name = measured.headline[-1]
    return LABELS.get(name, name), None if np.isnan(value) else round(float(value), 6)


def compared(device, python: str, number: int, file: Path, task, examples, data: str) -> dict:
    """How the device's raw outputs for `examples` compare with this machine's, and the task's headline figure there and
    here. Integer outputs have to be equal to the byte, others within the file's tolerance."""
    from firmware_bench import harness
    from firmware_bench.runtime.reference_vector import outputs_agree, read_tolerance
    from firmware_bench.runtime.tflite_model import TFLiteModel

    model = TFLiteModel(file)
    own = Answers(model)
    console.say(f"predicting {len(examples)} windows here")
    metric, here = headline(task, own, examples)
    console.say(f"predicting {len(own.inputs)} windows there")
    arrays = [np.concatenate(column) for column in zip(*own.inputs, strict=True)]
    outputs = harness.answers(device, python, number, file, arrays)
    rows = [[array[n : n + 1] for array in outputs] for n in range(len(own.outputs))]
    limit = read_tolerance(model.metadata)
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
        "there": headline(task, Answers(model, rows), examples)[1],
    }
