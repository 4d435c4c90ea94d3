"""A model on databases that it has never seen, without retraining."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecg_edge.evaluation.bootstrap import bootstrap_intervals
from ecg_edge.records.databases.catalogue import locate
from ecg_edge.records.record import Entry
from ecg_edge.tasks.metrics import auroc_auprc
from firmware_bench.runtime.errors import InputError

if TYPE_CHECKING:
    from ecg_edge import Run


def try_other_databases(file: Path, others: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Try a file on other databases: the name of each → what was found, for one label of the model or several."""
    found: dict[str, list[str]] = {}
    for other in others:
        found.setdefault(other["data"], []).append(try_other_data(file, **other))
    return {data: ". ".join(each) for data, each in found.items()}


def try_other_data(file: Path, data: str, label: str, theirs: str | list[str]) -> str:
    """Measure how well a label is told from all others on a database that the model has never seen.

    Args:
        file: The exported file.
        data: The database, whose recordings have the leads of the model.
        label: The label of the model.
        theirs: What the database calls it, or several labels of its that are one of the model's.

    Returns:
        AUROC of the label's probability with its 95 % interval by bootstrap over patients, and the numbers, in words.
    """
    wanted = [theirs] if isinstance(theirs, str) else theirs
    predicted, refused = predict_database(file, data)
    scores = [probabilities[label] for probabilities, _ in predicted]
    present = [any(each in entry.labels for each in wanted) for _, entry in predicted]
    patients = [entry.patient for _, entry in predicted]
    said, held = np.array(scores)[:, None], np.array(present)[:, None]

    def area(positions: np.ndarray) -> np.ndarray:
        return auroc_auprc(held[positions], said[positions])["auroc"]

    (low, high), value = bootstrap_intervals(area, patients)[0], area(np.arange(len(held)))[0]
    left_out = f", {refused} that cannot be judged left out" if refused else ""
    return (
        f"{label} against the rest: AUROC {value:.3f} [{low:.3f}, {high:.3f}]; {held.sum()} of {len(held)} recordings "
        f"are {' or '.join(wanted)}{left_out}"
    )


@functools.cache
def predict_database(file: Path, data: str) -> tuple[list[tuple[Mapping[str, float], Entry]], int]:
    """Predict all recordings of a database: the probabilities of those that can be judged, of an
    anomaly detector its score, and how many cannot."""
    import ecg_edge

    model, (database, folder) = ecg_edge.load(file), locate(data)
    predicted, refused = [], 0
    for entry in database.index(folder):
        record = database.read(folder, entry)
        assert record.signal is not None
        try:
            found = model.predict(record.signal, record.fs, record.leads, record.units)
        except InputError:  # it has gaps, or the model cannot judge it
            refused += 1
            continue
        score = found.score if found.score is not None else 0.0
        predicted.append((found.probabilities or {"abnormal": score, "normal": -score}, entry))
    return predicted, refused


def describe_way(way: Mapping[str, Any]) -> str:
    """Describe on what and how a recipe evaluates, where it is not the run's test part by single windows."""
    tested = f", {way['data']}, people of the training left out" if "data" in way else ""
    return tested + (f", mean of {way['tta']} windows each" if "tta" in way else "")


def evaluate_elsewhere(trained: "Run", file: Path, data: str, label: str, words: str, **way: Any) -> str:
    """Measure how well a label is told from all others in bouts of people of another database, none of the training.

    Args:
        trained: The run.
        file: The exported file.
        data: The database.
        label: The label.
        words: How, in words.
        **way: Arguments of `ecg_edge.evaluate`.

    Returns:
        AUROC of the label's probability with its 95 % interval by bootstrap over patients, and the numbers, in words.
    """
    import ecg_edge

    found = ecg_edge.evaluate(trained, file, data, overlap="leave-out", **way).values
    area, bouts = found["classes"][label]["auroc"], found["classes"][label]["bouts"]
    return (
        f"{words}: {label} against the rest: AUROC {area['value']:.3f} [{area['low']:.3f}, {area['high']:.3f}]; "
        f"macro F1 {found['macro_f1']['value']:.3f}; {bouts} of {found['bouts']} bouts of {found['patients']} patients "
        f"are {label}"
    )
