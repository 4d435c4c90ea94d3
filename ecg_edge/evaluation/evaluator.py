"""Metrics of a predictor with confidence intervals: the same for a Keras model and for an exported file."""

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ecg_edge.data.dataset import Dataset
from ecg_edge.data.examples import Examples
from ecg_edge.data.recordings import Recordings
from ecg_edge.evaluation.bootstrap import bootstrap_intervals
from ecg_edge.records.challenge_score import ChallengeScore
from ecg_edge.records.identity import Identities
from ecg_edge.records.record import Entry
from ecg_edge.run import Run
from ecg_edge.tasks.calibrated_probabilities import measure_calibration
from ecg_edge.tasks.predictor import Predictor, keeps_history
from ecg_edge.tasks.task import Task, UnitMetrics
from firmware_bench.runtime.errors import InputError, unknown_name
from firmware_bench.runtime.metadata import ANY_UNIT

OVERLAP = ("refuse", "leave-out", "keep")


@dataclasses.dataclass(frozen=True)
class Selection:
    """What a run is evaluated on.

    Attributes:
        examples: The examples.
        title: What to call them.
        overlap: How many recordings were known from training, and what became of them, as plain data; None for the
            run's own test part, unless the features of another run's model are used.
    """

    examples: Examples
    title: str
    overlap: dict[str, Any] | None = None


def select_examples(
    run: Run,
    data: str | None,
    overlap: str = "refuse",
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Selection:
    """Select the examples to evaluate a run on.

    Args:
        run: The trained run.
        data: A database's name or a folder, of which all recordings with one of the run's classes are taken; None: the
            test part of the run's own data.
        overlap: What to do where `data` holds recordings or people of the run's train or validation part: "refuse",
            "leave-out" those recordings, or "keep" them.
        advance: Called with (done, total) as recordings are prepared.

    Returns:
        The examples, what to call them, and what they share with the run's training.

    Raises:
        InputError: There are none, they are in another unit than those that the run has learnt from, or some are known
            from training and `overlap` is "refuse".
    """
    if overlap not in OVERLAP:
        raise unknown_name("way to treat an overlap", overlap, OVERLAP)
    task, window = run.task, run.settings.signal.window_spec()
    name = run.config["data"] if data is None else data
    dataset = run.dataset if data is None else Dataset.open(data, type(task), run.config["leads"], task.classes)
    known = [entry for entry in dataset.entries if task.is_usable(entry, task.classes)]
    if not known:
        raise InputError(f"no recording of {name} carries one of the run's classes {run.config['classes']}")
    unlabelled = [len(names) for reason, names in dataset.left_out.items() if reason.startswith("no label")]
    left_out = {"of other classes": len(dataset.entries) - len(known) + sum(unlabelled)}
    learnt: Identities | None = run.identities
    if data is None:
        tested, left_out = set(run.split["test"]), {}
        known = [entry for entry in known if entry.name in tested]
        learnt = functools.reduce(Identities.join, [r.identities for r in run.sources]) if run.sources else None
    recordings = dataset.recordings(type(task), window, advance)
    if data is not None:
        _refuse_other_units(data, recordings, run)
    shared = learnt.find_shared(known, recordings.digests) if learnt else {}
    if shared and overlap == "refuse":
        raise InputError(_describe_overlap(name, known, shared))
    if overlap == "leave-out":
        left_out["known from training"] = len(shared)
    names = [entry.name for entry in known if overlap == "keep" or entry.name not in shared]
    notes = ", ".join(f"{count} recordings {reason}" for reason, count in left_out.items() if count)
    title = (name if data else f"{name}, test part") + (f" ({notes} left out)" if notes else "")
    if not names:
        raise InputError(f"{title}: no recording to evaluate on")
    examples = task.examples(recordings, names, window)
    if not len(examples):
        raise InputError(f"{title}: no recording to evaluate on")
    facts = {
        "rule": overlap,
        "recordings": len(shared),
        "patients": len({entry.patient for entry in known if entry.name in shared}),
        "recognised_by": dict(Counter(shared.values())),
        "signals_compared": learnt is None or learnt.signals is not None,
    }
    return Selection(examples, title, facts if learnt else None)


def _refuse_other_units(data: str, recordings: Recordings, run: Run) -> None:
    """Refuse recordings in another unit than those that the run has learnt from, as a prediction does."""
    units = run.describe_model().units
    if others := [unit for unit in recordings.units if units not in (ANY_UNIT, unit)]:
        raise InputError(
            f"{data}: recordings are in {', '.join(others)}, {run.path} has learnt from {units}: evaluate on "
            f"recordings in {units}, or train with signal.normalise=record or window on recordings of both units"
        )


def _describe_overlap(data: str, entries: Sequence[Entry], shared: Mapping[str, str]) -> str:
    """One line that says what a data set shares with the training of a run."""
    patients = {entry.patient for entry in entries if entry.name in shared}
    first, reason = next(iter(shared.items()))
    how = {"recording": "by its number", "patient": "by its patient", "signal": "by its signal"}[reason]
    return (
        f"{data}: {len(shared)} of {len(entries)} recordings, of {len(patients)} patients of this data, took part in "
        f"training or validation (first: {first}, recognised {how}): overlap=leave-out evaluates on the others, "
        "overlap=keep on all; without other data the run's test part is taken"
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
    scored: Callable[[dict[str, np.ndarray]], None] = lambda scores: None,
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
        scored: Called with what `Task.collect_scores` keeps of the first variant.

    Returns:
        Plain data: {"macro_f1": {"value", "low", "high"}, …, "classes": {name: {…}}, …}.
    """
    results = {}
    for name, variant in applicable_variants(task, predictor).items():
        summaries = variant.predict_views(predictor, examples, views, advance)
        if not results:
            scored(variant.collect_scores(summaries, examples))
        results[name] = evaluate_summaries(variant, summaries, examples, challenge_score, views, resampled)
    first, *others = results
    return results[first] | ({"variant": first, "variants": {name: results[name] for name in others}} if others else {})


def evaluate_summaries(
    task: Task,
    summaries: np.ndarray,
    examples: Examples,
    challenge_score: ChallengeScore | None = None,
    views: int = 1,
    resampled: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Compute the metrics of summaries with 95 % intervals, as `evaluate_predictor` does of a predictor's.

    Args:
        task: The task, with its decision thresholds.
        summaries: (n, k), the mean over views, as `Task.predict_views` returns them.
        examples: n of them.
        challenge_score: As for `evaluate_predictor`.
        views: As for `evaluate_predictor`.
        resampled: Called after each bootstrap resample.

    Returns:
        Plain data.
    """
    metrics = task.compute_metrics(summaries, examples)
    one_class = task.output == "classes" and bool(metrics.entries)
    return {
        "unit": metrics.unit,
        metrics.unit: len(metrics.patients),
        "windows": len(examples),
        "views": views,
        "patients": len(set(metrics.patients)),
        **_with_intervals(metrics, challenge_score if one_class else None, resampled),
        **measure_calibration(task, summaries, examples),
    }


def compute_unit_metrics(
    task: Task,
    predictor: Predictor,
    examples: Examples,
    views: int = 1,
    advance: Callable[[int], None] = lambda windows: None,
) -> UnitMetrics:
    """Compute what is resampled for intervals, from the mean of the outputs for `views` windows of each example."""
    return task.compute_metrics(task.predict_views(predictor, examples, views, advance), examples)


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
