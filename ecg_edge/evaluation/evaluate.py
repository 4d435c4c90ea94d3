"""Evaluation of a run: the same path for Keras and for an exported file."""

from collections.abc import Callable, Mapping

import numpy as np

from ecg_edge.data.dataset import Dataset
from ecg_edge.data.examples import Examples
from ecg_edge.evaluation.bootstrap import intervals
from ecg_edge.evaluation.scores import SCORES
from ecg_edge.records.databases.labelled_folder import LabelledFolder
from ecg_edge.tasks.predictor import keeps_history
from ecg_edge.tasks.task import Task, UnitMetrics
from firmware_bench.runtime.errors import InputError


def measured_part(run, data: str | None, advance: Callable[[int, int], None]) -> tuple[Examples, str]:
    """The examples to evaluate on, and what to call them: the run's test part, or all of the data set `data` that
    have one of the run's classes.

    Raises InputError where a patient of theirs took part in training.
    """
    task, window = run.task, run.settings.signal.window_spec()
    if data is None:
        examples, where = run.examples("test", advance), f"{run.config['data']}, test part"
    else:
        dataset = Dataset.open(data, type(task), run.config["leads"])
        known = [entry.name for entry in dataset.entries if task.is_usable(entry, task.classes)]
        if not known:
            raise InputError(f"no recording of {data} carries one of the run's classes {run.config['classes']}")
        refuse_overlap(run, dataset)
        left_out = len(dataset.entries) - len(known)
        examples = task.examples(dataset.recordings(type(task), window, advance), known, window)
        where = data + (f" ({left_out} recordings of other classes left out)" if left_out else "")
    if not len(examples):
        raise InputError(f"{where}: no recording to evaluate on")
    return examples, where


def refuse_overlap(run, dataset: Dataset) -> None:
    """Raises InputError where `dataset` holds patients whom the run was trained or chosen on."""
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
            "leave out --data to measure on the run's test part"
        )


def ways(task: Task, predictor: Callable) -> Mapping[str, Task]:
    """The variants in which the task lets the predictor work: one that keeps the history itself knows its own way."""
    variants = task.variants()
    return dict([*variants.items()][:1]) if keeps_history(predictor) else variants


def evaluate(
    run,
    predictor: Callable,
    examples: Examples,
    views: int = 1,
    advance: Callable[[int], None] = lambda windows: None,
    resampled: Callable[[], None] = lambda: None,
) -> dict:
    """Figures of `predictor` over `examples`, each the mean of `views` windows, as plain data with 95 % intervals:
    {"macro_f1": {"value", "low", "high"}, …, "classes": {name: {…}}, …}."""
    results = {}
    for name, task in ways(run.task, predictor).items():
        measured = measure(task, predictor, examples, views, advance)
        results[name] = {
            "unit": measured.unit,
            measured.unit: len(measured.patients),
            "windows": len(examples),
            "views": views,
            "patients": len(set(measured.patients)),
            **_figures(measured, SCORES.get((task.name, run.dataset.database.name)), resampled),
        }
    first, *others = results
    return results[first] | ({"variant": first, "variants": {name: results[name] for name in others}} if others else {})


def measure(
    task: Task,
    predictor: Callable,
    examples: Examples,
    views: int = 1,
    advance: Callable[[int], None] = lambda windows: None,
) -> UnitMetrics:
    """What there is to be resampled, from the mean of the outputs for `views` windows of each example."""
    summaries = [task.predict(predictor, view, advance) for view in examples.views(views)]
    return task.compute_metrics(np.mean(summaries, axis=0), examples)


def difference(
    measured: UnitMetrics,
    reference: UnitMetrics,
    resampled: Callable[[], None] = lambda: None,
    name: tuple[str, ...] | None = None,
) -> dict[str, float | None]:
    """A figure of `measured`, by default its headline, minus that of `reference`, over the same units: value and 95 %
    interval, from the same draws of patients for both."""
    name = name or measured.headline

    def statistic(positions):
        return np.array([measured.statistic(positions)[name] - reference.statistic(positions)[name]])

    value = statistic(np.arange(len(measured.patients)))[0]
    low, high = intervals(statistic, measured.patients, advance=resampled)[0]
    return {"value": _plain(value), "low": _plain(low), "high": _plain(high)}


def _figures(measured: UnitMetrics, challenge, resampled) -> dict:
    """What was measured as plain data, every figure with its interval. challenge: a database's own (name, score)."""
    result = dict(measured.details)
    score = None
    if challenge:
        result["score_name"], make = challenge
        score = make(measured.entries, list(measured.details["classes"]))

    def statistic(positions):
        figures = dict(measured.statistic(positions))
        if score:
            figures["score",] = score(positions, measured.predicted)
        return figures

    values = statistic(np.arange(len(measured.patients)))
    bounds = intervals(
        lambda positions: np.array(list(statistic(positions).values())), measured.patients, advance=resampled
    )
    for path, (low, high) in zip(values, bounds, strict=True):
        group = result
        for key in path[:-1]:
            group = group.setdefault(key, {})
        group[path[-1]] = {"value": _plain(values[path]), "low": _plain(low), "high": _plain(high)}
    return result


def _plain(value):
    """None where undefined: NaN is no JSON."""
    return None if np.isnan(value) else round(float(value), 4)
