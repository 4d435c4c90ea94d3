"""The section of recordings that the model gets right and wrong, on ECG paper, with what the model says and why."""

import base64
import contextlib

import numpy as np

from ecg_edge.api.explanation import explain_record
from ecg_edge.api.prediction import EcgModel, load
from ecg_edge.extras import is_installed, require
from ecg_edge.html_report.page_model import PageSection, Paragraph, Picture
from ecg_edge.html_report.run_forms import Evaluation
from ecg_edge.html_report.run_parts import RunParts
from ecg_edge.plot.ecg_paper import plot_record
from ecg_edge.plot.figure_file import render_figure
from ecg_edge.plot.overlays import Overlay, make_heat_map
from ecg_edge.records.record import Record
from ecg_edge.reporter import Reporter
from ecg_edge.run import Run
from ecg_edge.tasks.predictor import KerasPredictor
from firmware_bench.runtime.errors import InputError

SHOWN_S = 10.0  # of a recording
DPI = 110.0
TITLE = "Recordings right and wrong"


def make_recordings_section(parts: RunParts, count: int, reporter: Reporter) -> PageSection:
    """Draw recordings of the run's test part.

    Args:
        parts: The run.
        count: How many are drawn, half of them wrong if there are so many.
        reporter: Receives progress.
    """
    found = next((each for each in parts.evaluations if len(each.scores.get("names", ())) and _is_own(each)), None)
    units = {each.figures.unit for each in parts.evaluations if each.scores}
    if found is None and units and "recordings" not in units:
        return PageSection(TITLE, [Paragraph(f"The model judges {' and '.join(units)}, not recordings.", "note")])
    if found is None:
        missing = f"No scores of recordings are kept: ecg-edge evaluate {parts.path} makes them."
        return PageSection(TITLE, [Paragraph(missing, "missing")])
    try:
        require("plot", "a picture of an ECG")
        run, model = Run(parts.path), _load_model(parts)
        entries = {entry.name: entry for entry in run.dataset.entries}
        chosen = choose_units(found, count)
        advance = reporter.counter("drawing recordings", len(chosen))
        blocks: list[object] = [Paragraph(f"Chosen by {found.title}: where it is surest. The page holds these "
                                          "recordings: pass it on as their data may be passed on.")]  # fmt: skip
        for unit, right in chosen:
            entry = entries[str(found.scores["names"][unit])]
            record = run.dataset.database.read(run.dataset.folder, entry)
            blocks.append(_draw(record, model, "right" if right else "wrong"))
            advance()
    except (InputError, OSError, KeyError, ValueError) as error:
        reason = f"no recording {error}" if isinstance(error, KeyError) else error
        return PageSection(TITLE, [Paragraph(f"Recordings are not drawn: {reason}", "missing")])
    return PageSection(TITLE, blocks)


def choose_units(each: Evaluation, count: int) -> list[tuple[int, bool]]:
    """Choose what to draw: of wrong and of right units those of which the model is surest, of every class in turn.

    Args:
        each: The evaluation, with its scores.
        count: At most so many; half of them are wrong if there are so many.

    Returns:
        (position among the units, whether the model is right), the wrong ones first.
    """
    scores = each.scores
    if "probabilities" in scores:
        probabilities, truth = scores["probabilities"], scores["truth"]
        said, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
        kinds, right = truth.argmax(axis=1), truth[np.arange(len(truth)), said]
    else:
        apart = scores["score"] - (each.figures.threshold or 0.0)
        kinds, right, sure = scores["abnormal"].astype(int), (apart >= 0) == scores["abnormal"], np.abs(apart)
    wrong = _take_in_turn(np.flatnonzero(~right), kinds, sure, count // 2)
    correct = _take_in_turn(np.flatnonzero(right), kinds, sure, count - len(wrong))
    return [*((unit, False) for unit in wrong), *((unit, True) for unit in correct)]


def _take_in_turn(units: np.ndarray, kinds: np.ndarray, sure: np.ndarray, count: int) -> list[int]:
    """The first `count` units: the surest of each kind, then the second of each kind, …"""
    ranked = units[np.argsort(-sure[units], kind="stable")]
    place = {int(unit): int(np.sum(kinds[ranked[:n]] == kinds[unit])) for n, unit in enumerate(ranked)}
    return sorted(place, key=lambda unit: (place[unit], kinds[unit]))[:count]


def _is_own(each: Evaluation) -> bool:
    return each.figures.data.endswith(", test part")


def _load_model(parts: RunParts) -> EcgModel | None:
    """The run's Keras model, which has gradients, or its exported file; None where neither can be loaded here."""
    if is_installed("keras") and (parts.path / "model.keras").exists():
        return load(parts.path)
    file = next((name for name in parts.sizes if "streaming" not in name), None)
    return load(parts.path / "export" / file) if file else None


def _draw(record: Record, model: EcgModel | None, verdict: str) -> Picture:
    """One recording, its first SHOWN_S seconds."""
    prediction, signal = None, record.select_leads(record.leads)
    overlays: list[Overlay] = []
    if model:
        with contextlib.suppress(InputError):  # a recording with gaps is drawn without a prediction
            prediction = model.predict(signal, record.fs, record.leads, record.units, record.name, force=True)
            if prediction.localisation is None:
                method = "gradients" if isinstance(model.predictor, KerasPredictor) else "occlusion"
                overlays = [make_heat_map(explain_record(model, record, method))]
    figure = plot_record(record, prediction, overlays, seconds=SHOWN_S)
    png = base64.b64encode(render_figure(figure, "png", DPI)).decode("ascii")
    labels = " ".join(record.labels) or "without a label"
    said = f", predicted {prediction.label}" if prediction else ""
    caption = f"{record.name}: labelled {labels}{said}: {verdict}"
    shaded = "".join(f"; shaded: {overlay.name}" for overlay in overlays)
    described = f"ECG on paper, {min(SHOWN_S, record.seconds):g} s of leads {' '.join(record.leads)}; {caption}{shaded}"
    return Picture(caption, described, png)
