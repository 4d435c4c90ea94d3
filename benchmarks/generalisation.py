"""Shipped models on other databases, without retraining: every database here whose labels and leads can be mapped.

    python benchmarks/generalisation.py [MODEL…] --result benchmarks/results/generalisation.json

Recordings of a model's training databases, and of people who are in them, are left out; the first row of a model is its
test part, from its card. Of the models that are not named, the rows of the file stay. Without names, those models are
evaluated whose present file has no rows there.
"""

import functools
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click
from benchmark_result import ROOT, report, result_option, run

from ecg_edge import zoo
from ecg_edge.api.model_loading import find_embedder, load_predictor, task_from_metadata
from ecg_edge.console import log
from ecg_edge.data.dataset import Dataset
from ecg_edge.data.examples import WindowSpec
from ecg_edge.evaluation.detected_beats import DetectedBeatsTask
from ecg_edge.evaluation.evaluator import evaluate_predictor
from ecg_edge.records.databases.catalogue import discover_databases, locate
from ecg_edge.records.identity import Identities
from ecg_edge.tasks.metrics import display_name
from ecg_edge.tasks.predictor import Predictor
from ecg_edge.tasks.task import Task
from ecg_edge.zoo.card import Card
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ANY_UNIT, ModelMetadata

METRICS = {"auroc": ("macro_auroc", "auroc"), "f1": ("macro_f1", "f1")}  # column → the first that a task has
TEST_PART = "the test part of its own data"
OTHER = "other data"


class Model(NamedTuple):
    """A shipped model, and the number of `views` that its recipe evaluates it with."""

    predictor: Predictor
    metadata: ModelMetadata
    task: Task
    window: WindowSpec
    views: int


@click.command()
@click.argument("names", nargs=-1)
@result_option
def main(names, result):
    rows = read_rows(result)
    for name in names or [each for each in zoo.list_models() if each not in {row["model"] for row in rows}]:
        rows = [row for row in rows if row["model"] != name] + list(evaluate_model(name))
    conditions = (
        "integer files in LiteRT; recordings of the training databases and of people in them left out; 95 % intervals "
        "by bootstrap over patients; macro values over the classes that occur"
    )
    rows.sort(key=lambda row: row["model"])
    rows = [{key: value for key, value in row.items() if value is not None} for row in rows]
    report(result, "Shipped models on databases that they have not seen", "measured", conditions, rows)


def read_rows(result: Path | None) -> list[dict[str, Any]]:
    """The kept rows of the models as they are now."""
    if result is None or not result.exists():
        return []
    digests = {name: zoo.read_card(name).digest for name in zoo.list_models()}
    rows = json.loads(result.read_text(encoding="utf-8"))["rows"]
    return [row for row in rows if digests.get(row["model"]) == row["digest"]]


def evaluate_model(name: str) -> Iterator[dict[str, Any]]:
    """Evaluate a shipped model on every database that can be mapped.

    Args:
        name: Its name.

    Yields:
        A row for its test part, then one for each database on which a metric is defined.
    """
    card, recipe = zoo.read_card(name), read_recipe(name)
    yield describe_test_part(card)
    path = zoo.find_model(name)
    predictor, metadata = load_predictor(path)
    task, window = task_from_metadata(metadata, name, find_embedder(path, metadata))
    way = recipe.get("evaluate", {})
    if way.get("peaks") == "detected":
        task = DetectedBeatsTask(task.classes, task.options, task.decision, leads=metadata.leads)
    model = Model(predictor, metadata, task, window, way.get("tta", 1))
    known = functools.reduce(Identities.join, [identify(each.name) for each in card.data])
    done = {locate(each.name)[1] for each in card.data} | {None, Path()}
    for database, folder in discover_databases():
        if folder in done:  # PTB-XL is one folder of two rates
            continue
        done.add(folder)
        try:
            values = evaluate_on(model, str(folder), known)
        except InputError as error:  # other labels, other leads, annotations alone
            log(f"{name}, {database.name}: {error}")
            continue
        row = {key: find_metric(values, names) for key, names in METRICS.items()}
        counts = {label: each[values["unit"]] for label, each in values.get("classes", {}).items()}
        if row["f1"] is None or sum(map(bool, counts.values())) == 1:
            log(f"{name}, {database.name}: its recordings are of fewer than two of the classes")
            continue
        yield {
            "model": name,
            "data": database.name,
            "relation": OTHER,
            "units": f"{values[values['unit']]:,} {values['unit']} of {values['patients']:,} patients",
            "classes": ", ".join(f"{label} {count:,}" for label, count in counts.items() if count),
            **row,
            "class_f1": describe_classes(values),
            "digest": card.digest,
        }


def describe_test_part(card: Card) -> dict[str, Any]:
    """The row of a model's test part, by its card."""
    figures = {figure.metric: figure.integers for figure in card.figures}
    row = {}
    for key, names in METRICS.items():
        found = next((figures[display_name(name)] for name in names if display_name(name) in figures), None)
        row[key] = None if found is None else {"value": found.value, "low": found.low, "high": found.high}
    own = {label: figures[metric].value for label in card.labels for metric in figures if f"F1 of {label}," in metric}
    return {
        "model": card.name,
        "data": "+".join(each.name for each in card.data),
        "relation": TEST_PART,
        "units": card.test_units,
        "classes": "",
        **row,
        "class_f1": ", ".join(f"{label} {value:.3f}" for label, value in own.items()),
        "digest": card.digest,
    }


def read_recipe(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / "benchmarks" / "recipes" / f"{name}.toml").read_text(encoding="utf-8"))


def identify(data: str) -> Identities:
    """The people and recordings of a database, of all its parts."""
    database, folder = locate(data)
    return Identities.of(database.index(folder), None)


def evaluate_on(model: Model, data: str, known: Identities) -> dict[str, Any]:
    """Evaluate a model on all recordings of a data set that it has not learnt from.

    Args:
        model: The model.
        data: The folder.
        known: What it has learnt from.

    Returns:
        As evaluate_predictor.

    Raises:
        InputError: No map from its labels or to the model's leads is written, or nothing is left.
    """
    task, units = model.task, model.metadata.units
    dataset = Dataset.open(data, type(task), model.metadata.leads, task.classes)
    entries = [entry for entry in dataset.entries if task.is_usable(entry, task.classes)]
    shared = known.find_shared(entries, {})
    names = [entry.name for entry in entries if entry.name not in shared]
    if not names:
        raise InputError(f"none of {len(dataset.entries)} recordings has a label of the model and is new to it")
    recordings = dataset.recordings(type(task), model.window)
    if units != ANY_UNIT and set(recordings.units) != {units}:
        raise InputError(f"its recordings are in {', '.join(recordings.units)}, the model takes {units}")
    examples = task.examples(recordings, names, model.window)
    return evaluate_predictor(task, model.predictor, examples, views=model.views)


def find_metric(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, float] | None:
    """The first of the metrics that an evaluation has, None where it has none or it is undefined."""
    found = next((values[name] for name in names if name in values), None)
    return None if found is None or found["value"] is None else found


def describe_classes(values: Mapping[str, Any]) -> str:
    """The F1 of each class that occurs."""
    f1 = {label: each["f1"]["value"] for label, each in values.get("classes", {}).items() if "f1" in each}
    return ", ".join(f"{label} {value:.3f}" for label, value in f1.items() if value is not None)


if __name__ == "__main__":
    run(main)
