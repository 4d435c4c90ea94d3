"""Predictions as a table, as rows of CSV and as JSON."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from ecg_edge.api.prediction_result import FailedPrediction, Prediction
from ecg_edge.text_length import shorten_left
from firmware_bench.runtime.errors import make_printable

SHORTEST_NAME = 12  # characters of a recording's name that stay
TOP_CLASSES = 3
SHOWN_NOTES = 20

Results = Sequence[Prediction | FailedPrediction]


def list_figures(prediction: Prediction) -> Mapping[str, float | None]:
    """Return what led to the label: the probability of each class, or else the score and its threshold."""
    return prediction.probabilities or {"score": prediction.score, "threshold": prediction.threshold}


def make_table(
    results: Results, width: int | None, ellipsis: str = "…"
) -> tuple[list[str], list[list[str]], list[str]]:
    """Make a table that fits a terminal.

    Where a column per class does not fit, the most probable classes share one; names are shortened from the left.

    Args:
        results: Predictions; failed ones are left out.
        width: Columns of the terminal; None: there is no limit.
        ellipsis: Stands for what is left out of a name.

    Returns:
        The titles of the columns, the rows, and notes on recordings that are marked by "*".
    """
    predictions = [result for result in results if isinstance(result, Prediction)]
    names = [make_printable(prediction.record) for prediction in predictions]
    labels = [prediction.shown_label + (" *" if _remark_on(prediction) else "") for prediction in predictions]
    notes = [f"* {name}: {_remark_on(p)}" for name, p in zip(names, predictions, strict=True) if _remark_on(p)]
    if len(notes) > SHOWN_NOTES:
        notes[SHOWN_NOTES:] = [f"* and {len(notes) - SHOWN_NOTES} more: --json or --csv has all"]
    windows = [str(len(prediction.windows)) for prediction in predictions]
    figures = [{key: f"{value:.3f}" for key, value in list_figures(p).items()} for p in predictions]
    full = {key: [row[key] for row in figures] for key in (figures[0] if figures else ())}
    columns = {"record": names, "label": labels, **full, "windows": windows}
    for top in range(TOP_CLASSES, -2, -1):
        if width is None or _measure(columns) <= width:
            break
        columns = {"record": names, "label": labels}
        if top > 0:
            columns["most probable"] = [_list_highest(p, top) for p in predictions]
        if top >= 0:
            columns["windows"] = windows
        room = width - _measure({**columns, "record": [""]})
        columns["record"] = [shorten_left(name, max(SHORTEST_NAME, room), ellipsis) for name in names]
    return list(columns), [list(row) for row in zip(*columns.values(), strict=True)], notes


def make_csv(results: Results, labels: Sequence[str]) -> list[list[Any]]:
    """Make the rows of a CSV file, the titles first: record, label, a column per figure, remarks.

    Args:
        results: Predictions; of a failed one the row has the error among the remarks, and no label.
        labels: The titles of the figures where nothing could be predicted.
    """
    first = next((result for result in results if isinstance(result, Prediction)), None)
    titles = list(list_figures(first)) if first else list(labels)
    rows: list[list[Any]] = [["record", "label", *titles, "remarks"]]
    for result in results:
        if isinstance(result, Prediction):
            rows.append([result.record, result.shown_label, *list_figures(result).values(), _remark_on(result)])
        else:
            rows.append([result.record, "", *[""] * len(titles), f"error: {result.error}"])
    return rows


def make_window_rows(results: Results) -> tuple[list[str], list[list[str]]]:
    """Make a table of the windows: the titles of its columns, and a row for each window of each recording."""
    windows = [(p.record, window) for p in results if isinstance(p, Prediction) for window in p.windows]
    figures = [window.probabilities or {"score": window.score} for _, window in windows]
    rows = [
        [make_printable(record), f"{window.start_s:.2f}", *(f"{value:.3f}" for value in row.values())]
        for (record, window), row in zip(windows, figures, strict=True)
    ]
    return ["record", "start (s)", *(figures[0] if figures else ())], rows


def make_json(model: str, results: Results, labels: Sequence[str], windows: bool = False) -> dict[str, Any]:
    """Make the JSON object of predictions: "records" that were predicted, "errors" of those that were not; with
    `windows`, the prediction of each window as well."""
    rows = [result.to_dict(windows) for result in results if isinstance(result, Prediction)]
    errors = [result.to_dict() for result in results if isinstance(result, FailedPrediction)]
    return {"model": model, "labels": list(labels), "records": rows, "errors": errors}


def _remark_on(prediction: Prediction) -> str:
    quality = prediction.quality
    if quality is None or not quality.remarks:
        return ""
    return ("predicted by force: " if quality.forced else "") + "; ".join(quality.remarks)


def _list_highest(prediction: Prediction, count: int) -> str:
    figures = list_figures(prediction)
    if prediction.probabilities:
        figures = dict(sorted(figures.items(), key=lambda item: -(item[1] or 0.0))[:count])
    return ", ".join(f"{name} {value:.3f}" for name, value in figures.items())


def _measure(columns: dict[str, list[str]]) -> int:
    """Columns of a terminal that a table takes, its frame included."""
    widest = [max(map(_measure_text, [title, *cells])) for title, cells in columns.items()]
    return sum(widest) + 3 * len(widest) + 1


def _measure_text(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def make_episode_table(found: Sequence[dict]) -> tuple[str, list[str], list[list[str]]]:
    """Make the table of what a device would say of recordings, as `predict_records_on_device` returns it.

    Returns:
        Title, columns and rows: one for each rhythm.
    """
    rows = [
        [each["record"], f"{one['onset_s']:.1f}", f"{one['end_s']:.1f}", one["label"] or "-", " ".join(one["quality"])]
        for each in found
        for one in each["episodes"]
    ]
    beats = sum(len(each["beats"]) for each in found)
    return f"Rhythms, of {beats:,} beats", ["record", "onset s", "end s", "rhythm", "signal"], rows
