"""Pictures of recordings with what a model says about them, as files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecg_edge.api.explanation import explain_record, require_method
from ecg_edge.api.prediction import EcgModel
from ecg_edge.api.prediction_result import FailedPrediction, Prediction
from ecg_edge.extras import require
from ecg_edge.plot.ecg_paper import plot_record
from ecg_edge.plot.figure_file import find_format, save_figure
from ecg_edge.plot.overlays import Marks, Overlay, make_heat_map
from ecg_edge.records.formats.format_registry import read_record
from ecg_edge.records.record import Record
from ecg_edge.records.signal_description import describe_signal
from ecg_edge.reporter import Reporter
from ecg_edge.signals.r_peaks import LOWEST_RATE, find_beats
from firmware_bench.runtime.errors import InputError

LONGEST_S = 120.0  # of a recording whose beats can be told apart: longer ones have no R peaks and no explanation


def check_request(model: EcgModel, place: Path | None, method: str | None, records: int) -> None:
    """Check before recordings are predicted that they can be drawn and explained.

    Args:
        model: The model.
        place: The file, or the folder for the pictures of several recordings; None: nothing is drawn.
        method: The method of the explanation, or None.
        records: How many recordings there are.

    Raises:
        InputError: matplotlib is not installed, the file is no picture, one file is named for several recordings, the
            model cannot be explained by this method, or the explanation is to be shown in no picture.
    """
    if method:
        require_method(model, method)
    if place is None and method:
        raise InputError("an explanation is shown in a picture: say where to write it with --plot FILE")
    if place is None:
        return
    require("plot", "a picture of an ECG")
    if place.suffix and not place.is_dir():
        find_format(place)
        if records > 1:
            raise InputError(f"{place} is one picture, and there are {records} recordings: name a folder")


def plot_predictions(
    place: Path,
    model: EcgModel,
    method: str | None,
    paths: Sequence[Path],
    results: Sequence[Prediction | FailedPrediction],
    stated: Mapping[str, Any],
    reporter: Reporter,
) -> None:
    """Draw each recording that could be predicted, with its prediction.

    Args:
        place: A .png, .svg or .pdf file for one recording, or a folder for RECORD.png of each.
        model: The model.
        method: Of the explanation that is laid over, as for `ecg_edge.explain`; None: none.
        paths: The recordings.
        results: What was predicted of each.
        stated: What files do not state themselves: arguments of `describe_signal`.
        reporter: Receives what was written, and which recording is too long to be explained.

    Raises:
        InputError: As of `check_request`.
        OSError: A picture cannot be written.
    """
    check_request(model, place, method, len(paths))
    taken: set[str] = set()
    for path, result in zip(paths, results, strict=True):
        if isinstance(result, FailedPrediction):
            continue
        record = read_record(Path(path), stated=describe_signal(**stated))
        overlays = _find_r_peaks(record, result)
        if method and record.seconds > LONGEST_S:
            reporter.message(f"{path} is not explained: it has more than {LONGEST_S:g} s")
        elif method:
            overlays.append(make_heat_map(explain_record(model, record, method)))
        file = place if place.suffix and not place.is_dir() else place / f"{_name_picture(result.record, taken)}.png"
        save_figure(plot_record(record, result, overlays), file)
        reporter.message(f"written to {file}")


def _find_r_peaks(record: Record, prediction: Prediction) -> list[Overlay]:
    """The R peaks of a recording whose beats neither it nor the prediction names."""
    if record.beats is not None or prediction.beats or record.seconds > LONGEST_S or record.fs <= LOWEST_RATE:
        return []
    return [Marks(find_beats(record).samples / record.fs)]


def _name_picture(record: str, taken: set[str]) -> str:
    """A name that no other picture has: the recording's, with a number where several have it."""
    own = Path(record).name or "record"
    name, number = own, 1
    while name in taken:
        number += 1
        name = f"{own}-{number}"
    taken.add(name)
    return name
