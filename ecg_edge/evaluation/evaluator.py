"""Metrics of a predictor with confidence intervals: the same for a Keras model and for an exported file."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ecg_edge.data.dataset import Dataset
from ecg_edge.data.examples import Examples
from ecg_edge.evaluation.bootstrap import bootstrap_intervals
from ecg_edge.records.challenge_score import ChallengeScore
from ecg_edge.records.databases.labelled_folder import LabelledFolder
from ecg_edge.run import Run
from ecg_edge.tasks.predictor import Predictor, keeps_history
from ecg_edge.tasks.task import Task, UnitMetrics
from firmware_bench.runtime.errors import InputError


def select_examples(
    run: Run, data: str | None, advance: Callable[[int, int], None] = lambda done, total: None
) -> tuple[Examples, str]:
    """Select the examples to evaluate a run on.

    Args:
        run: The trained run.
        data: A database's name or a folder, of which all recordings with one of the run's classes are taken; None: the
            test part of the run's own data.
        advance: Called with (done, total) as recordings are prepared.

    Returns:
        The examples, and what to call them.

    Raises:
        InputError: There are none, or one of their patients took part in training.
    """
    task, window = run.task, run.settings.signal.window_spec()
    if data is None:
        examples, title = run.examples("test", advance), f"{run.config['data']}, test part"
    else:
        dataset = Dataset.open(data, type(task), run.config["leads"])
        known = [entry.name for entry in dataset.entries if task.is_usable(entry, task.classes)]
        if not known:
            raise InputError(f"no recording of {data} carries one of the run's classes {run.config['classes']}")
        require_disjoint_patients(run, dataset)
        left_out = len(dataset.entries) - len(known)
        examples = task.examples(dataset.recordings(type(task), window, advance), known, window)
        title = data + (f" ({left_out} recordings of other classes left out)" if left_out else "")
    if not len(examples):
        raise InputError(f"{title}: no recording to evaluate on")
    return examples, title


def require_disjoint_patients(run: Run, dataset: Dataset) -> None:
    """Refuse data that holds patients of the run's training or validation part.

    Args:
        run: The trained run.
        dataset: The data to evaluate on.

    Raises:
        InputError: It holds such patients; the line names the first.
    """
    own = run.dataset
    same_folder = dataset.folder.resolve() == own.folder.resolve()
    # Patients of two databases are other people, even where they carry the same number.
    if not same_folder and (dataset.database.name != own.database.name or isinstance(own.database, LabelledFolder)):
        return
    names = {*run.split["train"], *run.split["validation"]}
    overlap = {e.patient for e in own.entries if e.name in names} & {e.patient for e in dataset.entries}
    if overlap:
        raise InputError(
            f"{len(overlap)} patients of this data (first: {min(overlap)}) took part in training: "
            "leave out --data to evaluate on the run's test part"
        )


def applicable_variants(task: Task, predictor: Predictor) -> Mapping[str, Task]:
    """Return the task's variants that a predictor can serve: only the first if it keeps the history itself."""
    variants = task.variants()
    return dict([*variants.items()][:1]) if keeps_history(predictor) else variants


def evaluate_predictor(
    task: Task,
    predictor: Predictor,
    examples: Examples,
    challenge_score: ChallengeScore | None = None,
    views: int = 1,
    advance: Callable[[int], None] = lambda windows: None,
    resampled: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Compute the metrics of a predictor with 95 % intervals.

    Args:
        task: The task, with its decision thresholds.
        predictor: Inputs by name, (n, …) float32 → outputs.
        examples: The examples to predict.
        challenge_score: Of the database that the run was trained on. It is computed where the task predicts one class
            per recording.
        views: Number of windows of each example, shifted against each other, whose outputs are averaged.
        advance: Called with the number of windows just predicted.
        resampled: Called after each bootstrap resample.

    Returns:
        Plain data: {"macro_f1": {"value", "low", "high"}, …, "classes": {name: {…}}, …}.
    """
    results = {}
    for name, variant in applicable_variants(task, predictor).items():
        metrics = compute_unit_metrics(variant, predictor, examples, views, advance)
        one_class = variant.output == "classes" and bool(metrics.entries)
        results[name] = {
            "unit": metrics.unit,
            metrics.unit: len(metrics.patients),
            "windows": len(examples),
            "views": views,
            "patients": len(set(metrics.patients)),
            **_with_intervals(metrics, challenge_score if one_class else None, resampled),
        }
    first, *others = results
    return results[first] | ({"variant": first, "variants": {name: results[name] for name in others}} if others else {})


def compute_unit_metrics(
    task: Task,
    predictor: Predictor,
    examples: Examples,
    views: int = 1,
    advance: Callable[[int], None] = lambda windows: None,
) -> UnitMetrics:
    """Compute what is resampled for intervals, from the mean of the outputs for `views` windows of each example."""
    summaries = [task.predict(predictor, view, advance) for view in examples.views(views)]
    return task.compute_metrics(np.mean(summaries, axis=0), examples)


def paired_difference(
    metrics: UnitMetrics,
    reference: UnitMetrics,
    resampled: Callable[[], None] = lambda: None,
    name: tuple[str, ...] | None = None,
) -> dict[str, float | None]:
    """Compute the difference of a metric between two models over the same units.

    Args:
        metrics: Of one model.
        reference: Of the model that is subtracted.
        resampled: Called after each bootstrap resample.
        name: The metric; None: the headline metric.

    Returns:
        {"value", "low", "high"}: the 95 % interval is from the same draws of patients for both models.
    """
    metric = name or metrics.headline

    def statistic(positions):
        return np.array([metrics.statistic(positions)[metric] - reference.statistic(positions)[metric]])

    value = statistic(np.arange(len(metrics.patients)))[0]
    low, high = bootstrap_intervals(statistic, metrics.patients, advance=resampled)[0]
    return {"value": _plain(value), "low": _plain(low), "high": _plain(high)}


def _with_intervals(metrics: UnitMetrics, challenge: ChallengeScore | None, resampled) -> dict[str, Any]:
    """Metrics as plain data, each with its interval."""
    result: dict[str, Any] = dict(metrics.details)
    score = None
    if challenge:
        result["score_name"] = challenge.title
        score = challenge.prepare(metrics.entries, list(metrics.details["classes"]))

    def statistic(positions):
        values = dict(metrics.statistic(positions))
        if score and metrics.predicted is not None:
            values["score",] = score(positions, metrics.predicted)
        return values

    values = statistic(np.arange(len(metrics.patients)))
    bounds = bootstrap_intervals(
        lambda positions: np.array(list(statistic(positions).values())), metrics.patients, advance=resampled
    )
    for path, (low, high) in zip(values, bounds, strict=True):
        group = result
        for key in path[:-1]:
            group = group.setdefault(key, {})
        group[path[-1]] = {"value": _plain(values[path]), "low": _plain(low), "high": _plain(high)}
    return result


def _plain(value) -> float | None:
    """None where undefined: NaN is no JSON."""
    return None if np.isnan(value) else round(float(value), 4)
