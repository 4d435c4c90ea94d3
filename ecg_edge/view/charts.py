"""The charts of the page: a signal with beats and rhythms, and a model's output over the whole recording."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from ecg_edge.api.live_signal import LiveAnswer
from ecg_edge.api.prediction_result import Prediction, Reconstruction
from ecg_edge.records.record import Record
from ecg_edge.view.envelope import Envelope

COLOURS = ("#0b5394", "#b45f06", "#38761d", "#741b47", "#134f5c", "#7f6000", "#990000", "#351c75")
LEAD_MV = 2.5  # between the baselines of two leads, mV or normalised units
LEAST_MV, MOST_MV = 1.2, 4.0  # above the first lead's baseline and below the last one's
LABEL_MV = 0.7  # of room for labels of beats
LEAD_PIXELS = 80
LEAST_PIXELS = 260
MOST_BEATS = 200  # labels of beats that still can be read
PALE = {"line_width": 0, "layer": "below", "opacity": 0.15}


def draw_signal(
    envelope: Envelope, record: Record, leads: Sequence[str], start_s: float, end_s: float, pixels: int
) -> go.Figure:
    """Draw leads one below the other.

    Args:
        envelope: The signal.
        record: Its recording, which names leads and unit.
        leads: The leads to draw.
        start_s, end_s: The visible part, s.
        pixels: Width of the chart.

    Returns:
        The chart, its x axis in s.
    """
    columns = record.find_columns(leads)
    times, values = envelope.extract(start_s, end_s, pixels)
    figure = make_chart(max(LEAST_PIXELS, 60 + LEAD_PIXELS * len(leads)))
    offsets = -LEAD_MV * np.arange(len(leads))
    drawn = []
    for lead, column, offset in zip(leads, columns, offsets, strict=True):
        # A lead's own median is its baseline here, so that an electrode's offset moves no lead out of the picture.
        own = values[:, column]
        baseline = np.nanmedian(own) if np.isfinite(own).any() else 0.0
        drawn.append(own - baseline)
        figure.add_scatter(
            x=times, y=drawn[-1] + offset, name=lead, mode="lines", line={"width": 1, "color": "#111"},
            hoverinfo="skip", showlegend=False,
        )  # fmt: skip
    # Above the first lead there is room for the labels of beats.
    top = _limit(np.fmax.reduce(drawn[0], initial=LEAST_MV)) + LABEL_MV
    low = offsets[-1] - _limit(-np.fmin.reduce(drawn[-1], initial=-LEAST_MV))
    figure.update_yaxes(
        tickvals=offsets, ticktext=list(leads), range=[low, top], fixedrange=True, zeroline=False, title=record.units
    )
    figure.update_xaxes(range=[start_s, end_s], title="s")
    return figure


def mark_prediction(
    figure: go.Figure, prediction: Prediction, window_s: float, threshold: float | None, start_s: float, end_s: float
) -> None:
    """Mark beats, rhythms and, of a detector of anomalies, abnormal windows in the visible part.

    Args:
        figure: Of `draw_signal`.
        prediction: What a model says of the recording.
        window_s: Length of the model's window, s.
        threshold: Score from which a window is abnormal; None: the model has no score.
        start_s, end_s: The visible part, s.
    """
    beats = [each for each in prediction.beats or () if start_s <= each["time_s"] <= end_s]
    if len(beats) <= MOST_BEATS:
        for beat in beats:
            figure.add_annotation(
                x=beat["time_s"], y=1.0, yref="paper", yanchor="top", text=beat["label"], showarrow=False, font_size=11
            )
    for rhythm in prediction.rhythms or ():
        begin, end = rhythm["start_s"], rhythm["start_s"] + window_s
        if begin < end_s and end > start_s:
            figure.add_vrect(begin, end, fillcolor=_colour(rhythm["rhythm"], prediction), **PALE)
    for window in prediction.windows:
        begin, end = window.start_s, window.start_s + window_s
        is_abnormal = window.score is not None and threshold is not None and window.score >= threshold
        if is_abnormal and begin < end_s and end > start_s:
            figure.add_vrect(begin, end, fillcolor="#cc0000", **PALE)


def mark_explanation(
    figure: go.Figure, values: np.ndarray, start_s: float, step_s: float, explained: Sequence[str], leads: Sequence[str]
) -> None:
    """Colour the signal by what speaks for a label, red, and against it, blue.

    Args:
        figure: Of `draw_signal`.
        values: (steps, leads) of an explanation, or (steps,) where it is about all leads together.
        start_s: Start of the first step, s.
        step_s: Duration of a step, s.
        explained: Names of the columns of `values`; a lead that is not among them stays uncoloured.
        leads: The leads that are drawn.
    """
    columns = {lead: values[:, column] for column, lead in enumerate(explained)} if values.ndim == 2 else {}
    unknown = np.full(len(values), np.nan) if values.ndim == 2 else values
    rows = np.array([columns.get(lead, unknown) for lead in leads])
    largest = np.nanmax(np.abs(rows)) if np.isfinite(rows).any() else 0.0
    figure.add_heatmap(
        z=rows, x0=start_s + step_s / 2, dx=step_s, y0=0.0, dy=-LEAD_MV, zmin=-largest, zmax=largest,
        colorscale="RdBu", reversescale=True, opacity=0.5, showscale=False, hoverinfo="skip",
    )  # fmt: skip


def draw_output(prediction: Prediction, threshold: float | None, start_s: float, end_s: float) -> go.Figure:
    """Draw what a model says window by window over the whole recording, and which part is visible.

    Args:
        prediction: What it says.
        threshold: Score from which a window is abnormal, of a detector of anomalies.
        start_s, end_s: The visible part, s.

    Returns:
        The chart: a line for each label, or that of the score with its threshold.
    """
    figure = make_chart(220)
    starts = [window.start_s for window in prediction.windows]
    curves: Mapping[str, list] = {
        label: [window.probabilities[label] for window in prediction.windows] for label in prediction.probabilities
    } or {"score": [window.score for window in prediction.windows]}
    mode = "lines" if len(starts) > 1 and prediction.beats is None else "markers"
    for position, (name, values) in enumerate(curves.items()):
        colour = {"color": COLOURS[position % len(COLOURS)]}
        figure.add_scatter(x=starts, y=values, name=name, mode=mode, line=colour, marker=colour | {"size": 4})
    if threshold is not None:
        figure.add_hline(threshold, line={"color": "#cc0000", "dash": "dash"})
    else:
        figure.update_yaxes(range=[-0.12, 1.05], tickvals=[0, 0.5, 1])
    figure.add_vrect(start_s, end_s, fillcolor="#888888", **PALE)
    figure.update_yaxes(title="score" if threshold is not None else "probability", fixedrange=True)
    figure.update_xaxes(title="start of the window, s", range=[0, max(prediction.seconds, 1.0)], fixedrange=True)
    figure.update_layout(legend={"orientation": "h", "y": 1.2})
    return figure


def draw_answers(answers: Sequence[LiveAnswer]) -> go.Figure:
    """Draw the last answers of a running signal: a line for each label, or the score and its threshold."""
    figure = make_chart(220)
    times = [answer.seconds for answer in answers]
    curves: Mapping[str, list] = {
        label: [answer.probabilities[label] for answer in answers]
        for label in (answers[-1].probabilities if answers else ())
    } or {"score": [answer.score for answer in answers], "threshold": [answer.threshold for answer in answers]}
    for position, (name, values) in enumerate(curves.items()):
        colour = COLOURS[position % len(COLOURS)]
        figure.add_scatter(x=times, y=values, name=name, mode="lines+markers", line={"color": colour}, marker_size=4)
    figure.update_xaxes(title="s")
    figure.update_layout(legend={"orientation": "h", "y": 1.2})
    return figure


def draw_reconstruction(found: Reconstruction, start_s: float, end_s: float, pixels: int) -> go.Figure:
    """Draw the model's input and its reconstruction in the visible part, lead by lead.

    Args:
        found: Of `EcgModel.reconstruct`.
        start_s, end_s: The visible part, s.
        pixels: Width of the chart.
    """
    figure = make_chart(max(LEAST_PIXELS, 60 + LEAD_PIXELS * len(found.leads)))
    spacing = 6.0  # of normalised values
    for colour, name, signal in (("#111", "input", found.ecg), ("#cc0000", "reconstruction", found.reconstruction)):
        times, values = Envelope(signal, found.fs).extract(start_s, end_s, pixels)
        for position in range(len(found.leads)):
            figure.add_scatter(
                x=times, y=values[:, position] - spacing * position, mode="lines", line={"width": 1, "color": colour},
                name=name, showlegend=position == 0, hoverinfo="skip",
            )  # fmt: skip
    offsets = -spacing * np.arange(len(found.leads))
    figure.update_yaxes(tickvals=offsets, ticktext=list(found.leads), fixedrange=True, zeroline=False)
    figure.update_xaxes(range=[start_s, end_s], title="s")
    figure.update_layout(legend={"orientation": "h", "y": 1.1})
    return figure


def make_chart(height: int) -> go.Figure:
    """Make an empty chart of a height in pixels."""
    figure = go.Figure(layout={"template": "plotly_white", "height": height, "dragmode": "pan"})
    figure.update_layout(margin={"l": 60, "r": 10, "t": 30, "b": 45})
    return figure


def _colour(label: str, prediction: Prediction) -> str:
    labels = list(prediction.probabilities) or [label]
    return COLOURS[labels.index(label) % len(COLOURS)] if label in labels else COLOURS[0]


def _limit(height: float) -> float:
    return min(float(height), MOST_MV)
