"""Why a model says what it says: values for every sample and lead of a recording."""

import dataclasses
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg_edge.api.prediction import EcgModel, load
from ecg_edge.attribution.gradients import Gradient, integrate_gradients, make_gradient, measure_saliency
from ecg_edge.attribution.inner_maps import measure_memory, read_attention
from ecg_edge.attribution.occlusion import occlude_beats, occlude_windows
from ecg_edge.data.examples import Examples
from ecg_edge.records.array_record import record_from_array
from ecg_edge.records.record import Record
from ecg_edge.tasks.beat_rhythm import BeatSequences
from ecg_edge.tasks.beats import BeatExamples
from ecg_edge.tasks.predictor import KerasPredictor, Predictor, keeps_history
from firmware_bench.runtime.errors import InputError, unknown_name

METHODS = {
    "gradients": "integrated gradients",
    "saliency": "saliency",
    "occlusion": "occlusion",
    "attention": "attention",
    "memory": "memory of the states (s)",
}
OF_A_LABEL = ("gradients", "saliency", "occlusion")
BY_GRADIENT = {"gradients": integrate_gradients, "saliency": measure_saliency}
OWN_LABEL = "the predicted label"
WINDOWS = 16  # at a time

_gradients: weakref.WeakKeyDictionary[Predictor, Gradient] = weakref.WeakKeyDictionary()


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What a model's answer rests on.

    Attributes:
        record: Name of the recording.
        method: A key of `METHODS`.
        label: The label that is explained; "the predicted label" where that differs from window to window; "" for a
            method that is not about one.
        fs: Samples of `values` per second, Hz: the model's rate.
        leads: Names of the columns of `values`; () where they are about all leads together.
        values: float32 (samples, leads), or (samples,): the mean over the windows that hold a sample, NaN where none
            does. Gradients and occlusion: positive where the signal speaks for the label, in probability. Saliency:
            change of the probability for each unit of the model's input. Attention: 0 to 1 of a gate, relative to
            uniform attention otherwise. Memory: s.
    """

    record: str
    method: str
    label: str
    fs: float
    leads: tuple[str, ...]
    values: np.ndarray

    @property
    def description(self) -> str:
        """The method and the label, as a picture's legend says it."""
        return f"{METHODS[self.method]} for {self.label}" if self.label else METHODS[self.method]


def explain(
    model: EcgModel | Path | str,
    signal: np.ndarray,
    fs: float,
    leads: Sequence[str] | None = None,
    method: str = "gradients",
    label: str | None = None,
    units: str = "mV",
    name: str = "signal",
) -> Explanation:
    """Explain what a model says about a recording in memory.

    Args:
        model: The model, or what `load` takes.
        signal: As for `EcgModel.predict`, like `fs`, `leads`, `units` and `name`.
        fs: Sampling rate of the signal, Hz.
        leads: Names of the signal's columns.
        method: "gradients" (integrated gradients, of a run), "saliency" (of a run), "occlusion" (of any model, slower),
            "attention" (of a run of cnn_att_bilstm, or of vae_bilstm_mha) or "memory" (of a run of ecg_mamba).
        label: The label to explain; None: the most probable one, of each window or beat where the model labels these.
        units: Unit of the signal's values.
        name: What the result and errors call the recording.

    Returns:
        The explanation. `ecg_edge.plot.overlays.make_heat_map` makes an overlay of it.

    Raises:
        InputError: The model cannot be loaded, cannot judge the signal, does not know the label, or cannot be explained
            by this method.

    Examples:
        >>> explanation = ecg_edge.explain("runs/cpsc", signal, fs=500, leads=leads, label="PVC")
        >>> explanation.values.shape
        (2500, 12)
    """
    loaded = model if isinstance(model, EcgModel) else load(model)
    return explain_record(loaded, record_from_array(signal, fs, leads, units, name, loaded.leads), method, label)


def require_method(model: EcgModel, method: str) -> None:
    """Raise InputError where a model cannot be explained by a method.

    Args:
        model: The model.
        method: As for `explain`.

    Raises:
        InputError: There is no such method, or the model cannot be explained by it.
    """
    if method not in METHODS:
        raise unknown_name("method of explanation", method, METHODS)
    if method in BY_GRADIENT and not isinstance(model.predictor, KerasPredictor):
        raise InputError(f"{model.source} is a file, which has no gradients: explain its run, or take occlusion")
    if method in OF_A_LABEL and model.task.output == "reconstruction":
        raise InputError(f"{model.source} has no labels to explain: its prediction says where the error is")
    if method in OF_A_LABEL and keeps_history(model.predictor):
        raise InputError(f"{model.source} keeps the beats before in itself: explain the file of the whole model")


def explain_record(model: EcgModel, record: Record, method: str = "gradients", label: str | None = None) -> Explanation:
    """Explain what a model says about a recording.

    Args:
        model: The model.
        record: The recording.
        method: As for `explain`.
        label: As for `explain`.

    Returns:
        The explanation.

    Raises:
        InputError: As of `explain`.

    Examples:
        >>> ecg_edge.explain_record(ecg_edge.load("af-single-lead-small"), record, "occlusion").label
        'A'
    """
    require_method(model, method)
    if label is not None and label not in model.labels:
        raise unknown_name("label of the model", label, model.labels)
    keras_model = model.predictor.model if isinstance(model.predictor, KerasPredictor) else None
    recordings, _ = model.prepare(record, force=False)
    examples = model.task.inference_examples(recordings, model.window)
    targets, said = np.zeros(len(examples), np.int64), ""
    if method in OF_A_LABEL:
        examples, targets, said = _choose_targets(model, examples, label)
    values = _average_windows(
        examples, lambda at: _explain_batch(model, keras_model, method, examples.batch(at), targets[at])
    )
    ordered = record.put_leads_first(model.metadata.lead_order)
    names = tuple(ordered.leads[column] for column in ordered.find_columns(model.leads))
    return Explanation(record.name, method, said, model.fs, names if values.ndim == 2 else (), values)


def _explain_batch(
    model: EcgModel, keras_model: Any, method: str, inputs: dict[str, np.ndarray], targets: np.ndarray
) -> np.ndarray:
    """Values of windows: (n, samples, leads), (n, time steps), or of sequences of beats (n, beats)."""
    if method == "attention":
        return read_attention(model.predictor, keras_model, inputs)
    if method == "memory":
        return measure_memory(keras_model, inputs, model.window.samples / model.fs)
    if method in BY_GRADIENT:
        names = ["ecg"] if "ecg" in inputs else [name for name in inputs if name != "weights"]
        found = BY_GRADIENT[method](_find_gradient(model, names), inputs, targets, names)
        return found["ecg"] if "ecg" in found else np.sum([each.sum(axis=-1) for each in found.values()], axis=0)
    if "ecg" in inputs:
        return occlude_windows(lambda given: _predict(model, given), inputs, targets, model.fs)
    return occlude_beats(lambda given: _predict(model, given), inputs, targets)


def _find_gradient(model: EcgModel, names: list[str]) -> Gradient:
    """The gradient of a model, compiled once for all that is explained with it."""
    if model.predictor not in _gradients:
        assert isinstance(model.predictor, KerasPredictor)
        _gradients[model.predictor] = make_gradient(model.predictor.model, names)
    return _gradients[model.predictor]


def _predict(model: EcgModel, inputs: dict[str, np.ndarray]) -> np.ndarray:
    return model.task.summarise(inputs, model.predictor(inputs))


def _choose_targets(model: EcgModel, examples: Examples, label: str | None) -> tuple[Examples, np.ndarray, str]:
    """The examples with the labels of the beats before that the model predicts, the class of each to explain, and what
    it is called."""
    summaries = model.task.predict(model.predictor, examples)
    if isinstance(examples, BeatExamples) and model.task.options.labels == "true":
        known = examples.known.copy()
        known[examples.beats] = summaries.argmax(axis=1)
        examples = dataclasses.replace(examples, known=known)
    if label is None and model.task.name not in ("beats", "rhythm_bouts", "beat_rhythm"):
        label = model.labels[int(summaries.mean(axis=0).argmax())]
    if label is None:
        return examples, summaries.argmax(axis=1), OWN_LABEL
    return examples, np.full(len(examples), model.labels.index(label)), label


def _average_windows(examples: Examples, explain_batch: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The mean over the windows that hold a sample, float32 (samples, leads) or (samples,)."""
    length = int(examples.recordings.lengths[0])
    sums, counts = None, np.zeros(length)
    for positions in np.array_split(np.arange(len(examples)), -(-len(examples) // WINDOWS) or 1):
        found = explain_batch(positions)
        if isinstance(examples, BeatSequences):
            found = _spread_beats(found, examples, positions)
        elif found.shape[1] != examples.window.samples:  # time steps of the model
            found = found[:, np.arange(examples.window.samples) * found.shape[1] // examples.window.samples]
        sums = np.zeros((length, *found.shape[2:])) if sums is None else sums
        for start, values in zip(examples.starts[positions], found, strict=True):
            first, stop = max(0, start), min(length, start + len(values))
            sums[first:stop] += values[first - start : stop - start]
            counts[first:stop] += 1
    assert sums is not None
    shaped = counts.reshape(-1, *[1] * (sums.ndim - 1))
    return np.where(shaped > 0, sums / np.maximum(shaped, 1), np.nan).astype(np.float32)


def _spread_beats(values: np.ndarray, examples: BeatSequences, positions: np.ndarray) -> np.ndarray:
    """Values of beats (n, beats) on the samples that are nearest to them: (n, samples)."""
    beats, window = examples.window_beats(positions), examples.window
    found = np.zeros((len(positions), window.samples), np.float32)
    for row, own, start, given in zip(found, beats, examples.starts[positions], values, strict=True):
        times = examples.recordings.beat_times[own[own >= 0]] * window.fs - start
        if len(times):
            row[:] = given[np.abs(np.arange(window.samples)[:, None] - times).argmin(axis=1)]
    return found
