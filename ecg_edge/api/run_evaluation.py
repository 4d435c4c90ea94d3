"""Evaluate a run, or the file exported from it, on recordings it has not seen."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from ecg_edge.api.model_loading import find_embedder, task_from_metadata
from ecg_edge.evaluation.bootstrap import RESAMPLES
from ecg_edge.evaluation.detected_beats import DetectedBeatRhythmTask, DetectedBeatsTask
from ecg_edge.evaluation.evaluator import applicable_variants, evaluate_predictor, select_examples
from ecg_edge.records.challenge_score import ChallengeScore
from ecg_edge.reporter import Reporter
from ecg_edge.run import Run
from ecg_edge.tasks.beat_rhythm import BeatRhythmTask
from ecg_edge.tasks.beats import BeatsTask
from ecg_edge.tasks.predictor import KerasPredictor, Predictor
from ecg_edge.tflite_predictor import TFLitePredictor
from firmware_bench.runtime.errors import InputError, unknown_name
from firmware_bench.runtime.files import atomic_write, write_json

DETECTED = {BeatsTask: DetectedBeatsTask, BeatRhythmTask: DetectedBeatRhythmTask}  # task → the same at detected R peaks


@dataclasses.dataclass(frozen=True)
class MetricEstimate:
    """A metric with its 95 % confidence interval by bootstrap over patients; None where it is undefined."""

    value: float | None
    low: float | None
    high: float | None


@dataclasses.dataclass(frozen=True)
class EvaluationResult:
    """The outcome of an evaluation.

    Attributes:
        values: All of it as plain data, as stored in `path` and printed by `ecg-edge evaluate --json`.
        path: The JSON file in the run's folder.
    """

    values: dict[str, Any]
    path: Path

    @property
    def metrics(self) -> dict[str, MetricEstimate]:
        """Overall metrics by name, such as "macro_f1" or "auroc"."""
        return _estimates(self.values)

    @property
    def classes(self) -> dict[str, dict[str, MetricEstimate]]:
        """Class → its metrics, such as "f1", "precision", "recall"."""
        return {name: _estimates(values) for name, values in self.values.get("classes", {}).items()}

    @property
    def confusion_matrix(self) -> list[list[int]] | None:
        """True class by row, predicted class by column; None where recordings have several labels."""
        return self.values.get("confusion_matrix")

    @property
    def variants(self) -> dict[str, dict[str, MetricEstimate]]:
        """Overall metrics of further ways to run the model (such as other labels of the beats before), by name."""
        return {name: _estimates(values) for name, values in self.values.get("variants", {}).items()}


def evaluate(
    run: Run | str | Path,
    model: str | Path | None = None,
    data: str | Path | None = None,
    tta: int = 1,
    overlap: str = "refuse",
    reporter: Reporter | None = None,
    peaks: str = "annotated",
) -> EvaluationResult:
    """Evaluate a trained run, or the file exported from it, on recordings it has not seen.

    The result is also written to the run's folder, as evaluation-*.json, with the scores of every unit in
    evaluation-*.npz.

    Args:
        run: The run or its folder.
        model: An exported file of the run to evaluate; None: the run's Keras model, which needs Keras.
        data: A database's name or a folder, all of whose recordings are taken; None: the run's test part.
        tta: Test-time augmentation: the outputs for so many windows, shifted against each other, are averaged.
        overlap: Where `data` holds recordings or people of the run's train or validation part: "refuse", "leave-out"
            those, or "keep" them. The result says how many.
        reporter: Receives progress.
        peaks: Of the tasks beats and beat_rhythm: R peaks and RR intervals are the "annotated" ones, or those
            "detected" in the signal.

    Returns:
        Every metric with its 95 % interval by bootstrap over patients.

    Raises:
        InputError: The run is not trained, its data have changed, `model` is of another run, `data` is in
            another unit than those, or in part known from training.

    Examples:
        >>> result = ecg_edge.evaluate(run, model="runs/demo/export/cnn_att_bilstm-int8.tflite")
        >>> result.metrics["macro_f1"]
        MetricEstimate(value=0.71, low=0.66, high=0.75)
    """
    reporter, run = reporter or Reporter(), run if isinstance(run, Run) else Run(run)
    if peaks != "annotated":
        run = _with_detected_peaks(run, peaks)
    predictor, name = _predictor_of(run, model)
    selection = select_examples(
        run, None if data is None else str(data), overlap, reporter.advance("preparing recordings")
    )
    examples = selection.examples
    if selection.overlap and not selection.overlap["signals_compared"]:
        reporter.message(
            f"{run.path} does not state the signals that it was trained on, as a run of an earlier version: "
            "recordings and patients are compared by their names alone"
        )
    scores: dict[str, np.ndarray] = {}
    variants = len(applicable_variants(run.task, predictor))
    values = evaluate_predictor(
        run.task,
        predictor,
        examples,
        _find_challenge_score(run, data is None),
        tta,
        reporter.counter("predicting", len(examples) * tta * variants),
        reporter.counter("resampling patients", RESAMPLES * variants),
        scores.update,
    )
    values = {"run": str(run.path), "model": name, "data": selection.title, **values}
    if selection.overlap:
        values["overlap"] = selection.overlap
    suffix = ("" if data is None else f"-{Path(data).name}") + (f"-tta{tta}" if tta > 1 else "")
    if peaks != "annotated":
        values, suffix = values | {"r_peaks": peaks}, f"{suffix}-{peaks}"
    path = run.path / f"evaluation-{name}{suffix}.json"
    plain = {key: kept.astype(np.float32) if kept.dtype.kind == "f" else kept for key, kept in scores.items()}
    with atomic_write(path.with_suffix(".npz")) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **plain)
    values["scores"] = {key: list(kept.shape) for key, kept in plain.items()}
    write_json(path, values)
    return EvaluationResult(values, path)


def _with_detected_peaks(run: Run, peaks: str) -> Run:
    """The same run, opened anew, whose task detects the R peaks."""
    if peaks != "detected":
        raise unknown_name("kind of R peaks", peaks, ("annotated", "detected"))
    if type(run.task) not in DETECTED:
        raise InputError(
            f"{run.path} has the task {run.task.name}: R peaks can be chosen for the tasks beats and beat_rhythm alone"
        )
    task, opened, leads = run.task, Run(run.path), tuple(run.config["leads"])
    opened.task = DETECTED[type(task)](task.classes, task.options, task.decision, leads=leads)
    opened.task.embed_beats = task.embed_beats
    return opened


def _find_challenge_score(run: Run, on_own_data: bool) -> ChallengeScore | None:
    """The score of the database that the run was trained on; it need not be here for an evaluation on other data."""
    try:
        return run.dataset.database.challenge_score
    except InputError:
        if on_own_data:
            raise
        return None


def _predictor_of(run: Run, model: str | Path | None) -> tuple[Predictor, str]:
    """Return the predictor to evaluate and its name; the run's task takes the file's thresholds."""
    if model is None:
        return KerasPredictor(run.model()), "keras"
    predictor = TFLitePredictor(Path(model))
    if list(predictor.metadata.labels or run.config["classes"]) != run.config["classes"]:
        raise InputError(f"{model} predicts other classes than {run.path}: it was exported from another run")
    run.task.decision = predictor.metadata.decision or run.task.decision
    if predictor.metadata.embedder:
        run.task.embed_beats = task_from_metadata(
            predictor.metadata, str(model), find_embedder(Path(model), predictor.metadata)
        )[0].embed_beats
    return predictor, Path(model).stem


def _estimates(values: dict[str, Any]) -> dict[str, MetricEstimate]:
    return {
        name: MetricEstimate(**value) for name, value in values.items() if isinstance(value, dict) and "value" in value
    }
