"""An ECG as on paper: 25 mm/s, 10 mm/mV, the twelve leads in their usual places, and what a model says laid over."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ecg_edge.api.prediction_result import Prediction
from ecg_edge.extras import require
from ecg_edge.plot.decimation import decimate
from ecg_edge.plot.overlay_drawing import MARK_MM, NAME_MM, draw_overlays
from ecg_edge.plot.overlays import HeatMap, Intervals, Marks, Overlay, list_prediction_overlays, list_record_overlays
from ecg_edge.plot.page import LEFT_MM, Page
from ecg_edge.plot.paper_layout import SPEED, PaperLayout, arrange
from ecg_edge.records.array_record import record_from_array
from ecg_edge.records.record import Record
from firmware_bench.runtime.errors import InputError, make_printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GAINS = (10.0, 5.0, 2.5)  # mm/mV, the standard one first
TALLEST_MM = 60.0  # of a row; a larger signal is drawn at the next gain
LEAST_MM = 7.0  # above and below a baseline
PULSE_MM = 5.0  # width of the calibration pulse: 0.2 s
POINTS = 6000  # at most, of a trace: two for every 1/12 mm
TOP_CLASSES = 4
FINE, COARSE, TRACE = "#f6d9d4", "#e9aaa2", "#1b1b1b"


def plot_ecg(
    signal: np.ndarray,
    fs: float,
    leads: Sequence[str],
    units: str = "mV",
    prediction: Prediction | None = None,
    overlays: Sequence[Overlay] = (),
    name: str = "",
    start_s: float = 0.0,
    seconds: float | None = None,
) -> "Figure":
    """Draw a recording as an ECG on paper: 25 mm/s and 10 mm/mV at the size of the page.

    The twelve standard leads of 8 to 10 s go onto the standard page with a rhythm strip, other recordings into rows
    (`ecg_edge.plot.paper_layout.arrange`). A long recording is drawn slower than 25 mm/s, and a signal of more than
    60 mm at 5 or 2.5 mm/mV or smaller: the picture states both. Every peak of a long recording stays. Each lead is
    drawn around its median.

    Args:
        signal: (samples,) or (samples, leads), in `units`; NaN where no sample was taken.
        fs: Its sampling rate, Hz.
        leads: Names of its columns.
        units: Unit of its values: "mV", "uV", "V" or "nV"; or "NU" (normalised units), drawn as 10 mm for each.
        prediction: What a model says about the recording: its label and probabilities stand above, its beats, rhythms
            and errors are laid over.
        overlays: What is laid over besides.
        name: What the picture calls the recording; the prediction's name where this is empty.
        start_s: Start of the part to draw, s from the start of the recording.
        seconds: Duration of the part to draw, s; None: to the end.

    Returns:
        A matplotlib figure in its true size; `ecg_edge.save_figure` writes it.

    Raises:
        InputError: matplotlib is not installed, the signal has another shape, the unit is unknown, the part to draw
            lies outside the recording, or a heat map has other leads or a shape of its own.

    Examples:
        >>> figure = ecg_edge.plot_ecg(signal, fs=500, leads=["I", "II", "III"], prediction=model.predict(...))
        >>> ecg_edge.save_figure(figure, "ecg.svg")
    """
    title = name or (prediction.record if prediction else "")
    record = record_from_array(signal, fs, leads, units, title or "signal", leads, keep_gaps=True)
    return plot_record(dataclasses.replace(record, name=title), prediction, overlays, start_s, seconds)


def plot_record(
    record: Record,
    prediction: Prediction | None = None,
    overlays: Sequence[Overlay] = (),
    start_s: float = 0.0,
    seconds: float | None = None,
) -> "Figure":
    """Draw a recording as `plot_ecg` does, with the beats and rhythms that it has annotated.

    Args:
        record: The recording.
        prediction: As for `plot_ecg`, like the arguments after it.
        overlays: What is laid over besides.
        start_s: Start of the part to draw, s.
        seconds: Duration of the part to draw, s; None: to the end.

    Returns:
        A matplotlib figure.

    Raises:
        InputError: As of `plot_ecg`, or the recording has annotations alone.

    Examples:
        >>> figure = ecg_edge.plot_record(ecg_edge.records.synthetic_ecg.synthesise("PVC", seed=3), seconds=5)
    """
    require("plot", "a picture of an ECG")
    signal = record.select_leads(record.leads)
    end_s = record.seconds if seconds is None else min(start_s + seconds, record.seconds)
    if not 0 <= start_s < end_s:
        raise InputError(f"{record.name}: {start_s:g} to {end_s:g} s is no part of a recording of {record.seconds:g} s")
    laid = [*list_record_overlays(record), *(list_prediction_overlays(prediction) if prediction else []), *overlays]
    for overlay in laid:
        if isinstance(overlay, HeatMap):
            _check_heat_map(overlay, record)
    first, stop = round(start_s * record.fs), max(round(end_s * record.fs), round(start_s * record.fs) + 1)
    drawn = signal[first:stop] - np.nan_to_num(_find_medians(signal[first:stop]))
    layout = arrange(record.leads, start_s, (stop - first) / record.fs)
    gain = _choose_gain(drawn)
    page = _make_page(layout, drawn, gain, record, prediction, laid)
    _draw_grid(page)
    _draw_traces(page, drawn, gain, record, first)
    draw_overlays(page, laid, record)
    return page.figure


def _check_heat_map(overlay: HeatMap, record: Record) -> None:
    """Raise InputError where a heat map's values do not fit its leads, or these are not the recording's."""
    values = np.asarray(overlay.values)
    if values.shape[1:] != ((len(overlay.leads),) if overlay.leads else ()) or not len(values):
        raise InputError(
            f"{overlay.name}: values of shape {values.shape} for {len(overlay.leads)} leads: (steps, leads), or "
            "(steps,) without leads, is drawn"
        )
    record.find_columns(overlay.leads)


def _find_medians(signal: np.ndarray) -> np.ndarray:
    """The median of each lead, NaN for one without samples."""
    return np.array([np.median(column[~np.isnan(column)]) if (~np.isnan(column)).any() else np.nan
                     for column in signal.T], np.float32)  # fmt: skip


def _find_range(values: np.ndarray) -> tuple[float, float]:
    """The 0.1th and 99.9th percentile, which an artefact does not determine; 0 for no samples."""
    found = values[~np.isnan(values)]
    low, high = np.percentile(found, [0.1, 99.9]) if len(found) else (0.0, 0.0)
    return float(low), float(high)


def _choose_gain(signal: np.ndarray) -> float:
    """mm per mV at which no lead is taller than TALLEST_MM: the first of GAINS, or what fits."""
    low, high = np.transpose([_find_range(column) for column in signal.T])
    tallest = float(np.max(high - low))
    return next((gain for gain in GAINS if tallest * gain <= TALLEST_MM), TALLEST_MM / max(tallest, 1e-12))


def _make_page(
    layout: PaperLayout,
    signal: np.ndarray,
    gain: float,
    record: Record,
    prediction: Prediction | None,
    laid: Sequence[Overlay],
) -> Page:
    """The page with its size, the heights of its rows, and the text above them."""
    marks, intervals = (sum(isinstance(overlay, kind) for overlay in laid) for kind in (Marks, Intervals))
    up, down = np.full(layout.rows, LEAST_MM), np.full(layout.rows, LEAST_MM)
    for panel in layout.panels:
        low, high = _find_range(signal[:, panel.lead])
        up[panel.row], down[panel.row] = max(up[panel.row], high * gain), max(down[panel.row], -low * gain)
    above, below = up + NAME_MM, down.copy()
    for strip in layout.strips:
        above[strip.first_row] += MARK_MM * marks
        below[strip.last_row] += MARK_MM * intervals
    steps = np.ceil((below[:-1] + above[1:]) / PULSE_MM) * PULSE_MM  # baselines on the coarse lines of the grid
    baselines = -np.concatenate([[0.0], np.cumsum(steps)])
    header = _write_header(record, prediction, layout, gain)
    return Page.create(layout, baselines, up, down, (above[0], below[-1]), header, len(laid))


def _write_header(record: Record, prediction: Prediction | None, layout: PaperLayout, gain: float) -> list[str]:
    """The lines above the traces: name, what the model says, paper speed and gain."""
    lines = [make_printable(record.name)] if record.name else []
    if prediction:
        figures = sorted(prediction.probabilities.items(), key=lambda item: -item[1])[:TOP_CLASSES]
        said = ", ".join(f"{name} {value:.2f}" for name, value in figures)
        if prediction.score is not None:
            said = f"score {prediction.score:.3g}, abnormal from {prediction.threshold:.3g}"
        lines.append(f"{prediction.shown_label}   ({said})" if said else prediction.shown_label)
        if prediction.quality is not None and prediction.quality.remarks:
            lines.append("; ".join(prediction.quality.remarks))
    if record.labels:
        lines.append(f"labelled {' '.join(record.labels)}")
    unit = "mV" if record.units == "mV" else "normalised unit"
    return [*map(make_printable, lines), f"{layout.speed:.3g} mm/s   {gain:.3g} mm/{unit}"]


def _draw_grid(page: Page) -> None:
    """Squares of 1 and 5 mm at 25 mm/s; a slower page has the lines of whole amplitudes alone."""
    from matplotlib.collections import LineCollection

    right, (bottom, top) = page.layout.width_mm, page.bounds
    for spacing, colour, width in ((1.0, FINE, 0.25), (5.0, COARSE, 0.45)):
        across = np.arange(np.ceil(bottom / spacing), np.floor(top / spacing) + 1) * spacing
        along = np.arange(0, np.floor(right / spacing + 1e-9) + 1) * spacing if page.layout.speed == SPEED else []
        lines = [((0.0, y), (right, y)) for y in across] + [((x, bottom), (x, top)) for x in along]
        page.axes.add_collection(LineCollection(lines, colors=colour, linewidths=width, zorder=0.5))


def _draw_traces(page: Page, signal: np.ndarray, gain: float, record: Record, first: int) -> None:
    """The leads with their names, a calibration pulse before each row, and the time."""
    layout = page.layout
    for panel in layout.panels:
        base = page.baselines[panel.row]
        start, stop = (round(s * record.fs) - first for s in (panel.start_s, panel.stop_s))
        kept, values = decimate(signal[start:stop, panel.lead], POINTS)
        x = panel.x_mm + kept / record.fs * layout.speed
        page.axes.plot(x, base + values * gain, color=TRACE, linewidth=0.6, solid_joinstyle="round", zorder=3)
        page.write(panel.x_mm + 0.8, base + page.up[panel.row] + 0.5, make_printable(record.leads[panel.lead]), 8)
        if panel.x_mm > 0:
            page.axes.plot([panel.x_mm] * 2, [base - 3, base + 3], color=TRACE, linewidth=0.6, zorder=3)
    pulse_x = np.array([0, 0.15, 0.15, 0.85, 0.85, 1]) * PULSE_MM - PULSE_MM - 1
    for base in page.baselines:
        height = gain if gain >= GAINS[-1] else GAINS[0]
        page.axes.plot(pulse_x, base + np.array([0, 0, 1, 1, 0, 0]) * height, color=TRACE, linewidth=0.6, zorder=3)
    many = len(layout.strips) > 1
    for strip in layout.strips:
        y = page.baselines[strip.first_row] + page.up[strip.first_row] + 0.5
        if many or strip.start_s:
            page.write(-LEFT_MM + 1, y, _write_time(strip.start_s, layout.speed), 6)
    if not many:
        _draw_seconds(page, layout.strips[0].start_s, layout.strips[0].stop_s)


def _draw_seconds(page: Page, start_s: float, stop_s: float) -> None:
    """Times below the only strip."""
    spans = np.array([1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21600, 86400])
    fitting = spans[spans * page.layout.speed >= 20.0]
    step = int(fitting[0]) if len(fitting) else int((stop_s - start_s) // 10 + 1)
    for number in range(int(np.ceil(start_s / step)), int(stop_s // step) + 1):
        x = (number * step - start_s) * page.layout.speed
        page.write(x, page.bounds[0] - 0.8, _write_time(number * step, page.layout.speed), 6, "center", "top")


def _write_time(seconds: float, speed: float) -> str:
    """A moment in seconds, or as hours, minutes and seconds on a slow page."""
    if speed > 5:
        return f"{seconds:g} s"
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
