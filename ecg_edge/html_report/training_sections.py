"""The sections on what was trained on what, how training went, and how to repeat it."""

import shlex

import numpy as np

from ecg_edge.html_report.page_model import PageSection, Paragraph, TextTable
from ecg_edge.html_report.run_forms import PartCounts, RunFacts
from ecg_edge.html_report.run_parts import RunParts
from ecg_edge.html_report.xy_chart import Series, XYChart, draw_chart
from ecg_edge.number_format import UNDEFINED
from ecg_edge.records.summary import describe_counts

SECTIONS_OF_SETTINGS = ("task", "signal", "training", "augmentation", "model")
PARTS = ("train", "validation", "test")


def make_data_section(parts: RunParts) -> PageSection:
    """What the model learnt from: patients, classes, split, windows."""
    facts = parts.facts
    if facts is None:
        return PageSection("Data", [Paragraph("No config.json: what was trained on what is not known.", "missing")])
    signal = facts.signal
    window = f"windows of {_number(signal.get('window_s'))} s at {_number(signal.get('fs'))} Hz"
    blocks: list[object] = [
        Paragraph(
            f"{facts.arch}, preset {facts.preset}, task {facts.task.get('name', UNDEFINED)}, on {facts.data}: "
            f"classes {' '.join(facts.classes)}; leads {' '.join(facts.leads)}; {window}, "
            f"preprocessing {signal.get('mode', 'offline')}."
        )
    ]
    counts = facts.parts or {part: PartCounts(number) for part, number in parts.split.items()}
    if counts:
        rows = [
            [part, f"{each.recordings:,}", UNDEFINED if each.patients is None else f"{each.patients:,}",
             describe_counts(each.classes) or UNDEFINED]
            for part, each in sorted(counts.items(), key=lambda item: _place(item[0]))
        ]  # fmt: skip
        note = f"Split by patient where the data name patients; seed {facts.seed}."
        blocks.append(TextTable("Split", ["part", "recordings", "patients", "labels"], rows, [note], numbers=False))
    if not facts.parts:
        blocks.append(
            Paragraph("Patients and labels of the parts are not stated: the run is of an earlier version.", "missing")
        )
    if not parts.split:
        blocks.append(Paragraph("No split.json: the names of the recordings in each part are not known.", "missing"))
    return PageSection("Data", blocks)


def make_training_section(parts: RunParts) -> PageSection:
    """The curves of the losses, of the validation score and of the learning rate."""
    history = parts.history
    if not history:
        return PageSection("Training", [Paragraph("No history.csv: training has not finished an epoch.", "missing")])
    kept = _find_kept_epoch(parts)
    charts: list[object] = []
    for title, columns, name in (
        ("Loss", {"loss": "training, with class weights", "validation_loss": "validation"}, "nats"),
        ("Validation score", {"validation_score": "validation"}, "score"),
        ("Learning rate", {"learning_rate": "learning rate"}, "rate"),
    ):
        series = [Series(text, history["epoch"], history[key]) for key, text in columns.items() if key in history]
        if series:
            described = f"{title} over {len(history['epoch'])} epochs: " + "; ".join(map(describe_series, series))
            charts.append(draw_chart(title, described, ("epoch", name), series, _epochs(history), mark=kept))
    seconds = history.get("seconds")
    took = f" {np.nansum(seconds) / 60:,.0f} minutes." if seconds is not None else ""
    dotted = "" if kept is None else f" The dotted line is the epoch that was kept, {kept:g}."
    return PageSection("Training", [Paragraph(f"{len(history['epoch'])} epochs.{took}{dotted}"), *charts])


def draw_scores(runs: list[tuple[str, RunParts]]) -> XYChart | None:
    """The validation score of several runs over their epochs; None where none has a history."""
    series = [
        Series(name, parts.history["epoch"], parts.history["validation_score"])
        for name, parts in runs
        if "validation_score" in parts.history
    ]
    if not series:
        return None
    described = "Validation score by epoch: " + "; ".join(map(describe_series, series))
    return draw_chart("Validation score", described, ("epoch", "score"), series)


def make_repeat_section(parts: RunParts) -> PageSection:
    """The command that repeats the training, all settings, versions."""
    facts = parts.facts
    if facts is None:
        return PageSection("How to repeat it", [Paragraph("No config.json: the settings are not known.", "missing")])
    blocks: list[object] = [Paragraph(describe_command(facts), "command")]
    if facts.arguments:
        blocks.append(Paragraph("The command that trained the run.", "note"))
    else:
        blocks.append(Paragraph("Rebuilt from the settings: the run does not state its command.", "note"))
    rows = [
        [f"{section}.{key}", _show(value)]
        for section in SECTIONS_OF_SETTINGS
        for key, value in getattr(facts, section).items()
    ]
    blocks.append(TextTable("All settings", ["setting", "value"], rows, numbers=False, folded=True))
    versions = [[name, version] for name, version in facts.versions.items()]
    known = {"Keras' backend": facts.keras_backend, "machine": facts.machine, "git commit": facts.git_commit,
             "started": facts.started, "fingerprint of the data": facts.fingerprint}  # fmt: skip
    versions += [[name, value] for name, value in known.items() if value]
    blocks.append(TextTable("Versions", ["", ""], versions, numbers=False))
    return PageSection("How to repeat it", blocks)


def describe_command(facts: RunFacts) -> str:
    """The command that repeats a training: the one that is kept, or one that states every setting."""
    if facts.arguments:
        return shlex.join(["ecg-edge", "train", *facts.arguments])
    words = ["ecg-edge", "train", "--arch", facts.arch, "--preset", facts.preset, "--data", facts.data]
    words += ["--leads", ",".join(facts.leads)] if facts.leads else []
    words += ["--task", str(facts.task["name"])] if "name" in facts.task else []
    words += ["--seed", str(facts.seed)]
    for section in SECTIONS_OF_SETTINGS:
        for key, value in getattr(facts, section).items():
            if value is not None and key != "name":
                words += ["--set", f"{section}.{key}={_show(value)}"]
    return shlex.join(words)


def describe_series(series: Series) -> str:
    """A line in words: where it begins and ends, and its range."""
    values = series.y[np.isfinite(series.y)]
    if not len(values):
        return f"{series.name}: no value"
    return (
        f"{series.name} from {values[0]:.3g} to {values[-1]:.3g}, lowest {values.min():.3g}, highest {values.max():.3g}"
    )


def _find_kept_epoch(parts: RunParts) -> float | None:
    """The epoch whose weights were kept, by the run's recipe."""
    history, training = parts.history, parts.facts.training if parts.facts else {}
    if training.get("keep") == "last":
        return float(history["epoch"][-1])
    key, sign = ("validation_score", -1) if training.get("monitor") == "score" else ("validation_loss", 1)
    values = sign * history[key] if key in history else np.full(1, np.nan)
    return None if np.isnan(values).all() else float(history["epoch"][np.nanargmin(values)])


def _epochs(history) -> tuple[float, float] | None:
    low, high = float(history["epoch"].min()), float(history["epoch"].max())
    return (low, high) if np.isfinite([low, high]).all() and high > low else None


def _place(part: str) -> int:
    return PARTS.index(part) if part in PARTS else len(PARTS)


def _number(value) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else UNDEFINED


def _show(value) -> str:
    """A setting as the command line takes it."""
    if isinstance(value, list):
        return ",".join(map(_show, value))
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)
