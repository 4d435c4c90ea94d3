"""The page of `ecg-edge view`: what happens when something is chosen, moved or pressed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dash
import numpy as np
from dash import Dash, Input, Output, State, dcc, no_update

from ecg_edge.api.explanation import METHODS
from ecg_edge.records.record_error import describe_error
from ecg_edge.view import charts
from ecg_edge.view.page_elements import FIRST_SPAN_S, make_page
from ecg_edge.view.page_server import make_app
from ecg_edge.view.view_session import ViewSession
from firmware_bench.runtime.errors import InputError, make_printable

MOST_LEADS = 12
LONGEST_RECONSTRUCTION_S = 60.0  # of signal on the screen
MOST_WINDOWS = 4  # that are explained at once
EXPLAINED_STEP_S = 0.04  # of signal that has one colour


def make_recording_app(session: ViewSession, model: str) -> Dash:
    """Make the application.

    Args:
        session: Recordings and models.
        model: The model to begin with.
    """
    app = make_app("ecg-edge view")
    app.layout = make_page(session, model)
    app.clientside_callback(
        dash.ClientsideFunction("view", "move"),
        Output("view", "data"),
        Input("key", "data"),
        *(Input(button, "n_clicks") for button in ("left", "right", "closer", "wider")),
        Input("position", "value"),
        Input("signal", "relayoutData"),
        State("view", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        dash.ClientsideFunction("view", "choose"),
        Output("recording", "value"),
        Input("key", "data"),
        State("recording", "options"),
        State("recording", "value"),
        prevent_initial_call=True,
    )
    _add_recording(app, session)
    _add_prediction(app, session)
    _add_charts(app, session)
    _add_buttons(app, session)
    return app


def _add_recording(app: Dash, session: ViewSession) -> None:
    @app.callback(
        Output("leads", "options"), Output("leads", "value"), Output("problem", "children"),
        Output("view", "data", allow_duplicate=True), Output("position", "max"), Output("position", "value"),
        Input("recording", "value"), State("leads", "value"), State("view", "data"),
        prevent_initial_call="initial_duplicate",
    )  # fmt: skip
    def open_recording(name, chosen, view):
        try:
            record = session.open_recording(name).record
        except Exception as error:  # any file may be damaged in any way
            return [], [], describe_problem(error), no_update, no_update, no_update
        leads = list(record.leads)
        kept = [lead for lead in chosen if lead in leads] or leads[:MOST_LEADS]
        span = min(FIRST_SPAN_S if view["span"] > record.seconds else view["span"], record.seconds)
        view = {**view, "start": 0.0, "span": span, "seconds": record.seconds}
        return leads, kept, "", view, max(record.seconds - span, 0.01), 0


def _add_prediction(app: Dash, session: ViewSession) -> None:
    @app.callback(
        Output("predicted", "data"), Output("label", "children"), Output("refusal", "children"),
        Output("threshold-field", "hidden"), Output("threshold", "max"), Output("threshold", "value"),
        Input("recording", "value"), Input("model", "value"),
    )  # fmt: skip
    def predict(name, model):
        try:
            prediction = session.predict(name, model)
        except Exception as error:
            return None, "", describe_problem(error), True, no_update, no_update
        likely = sorted(prediction.probabilities.items(), key=lambda item: -item[1])[:3]
        figures = ", ".join(f"{label} {probability:.2f}" for label, probability in likely)
        if prediction.threshold is None:
            text = f"{prediction.label} ({figures})"
            return [name, model], text, "", True, no_update, no_update
        highest = max([prediction.threshold, *(window.score or 0.0 for window in prediction.windows)])
        text = f"{prediction.label} (score {prediction.score:.3g}, threshold {prediction.threshold:.3g})"
        return [name, model], text, "", False, 1.2 * highest, prediction.threshold


def _add_charts(app: Dash, session: ViewSession) -> None:
    @app.callback(
        Output("signal", "figure"),
        Input("view", "data"), Input("leads", "value"), Input("predicted", "data"), Input("threshold", "value"),
        Input("explained", "data"), State("recording", "value"),
    )  # fmt: skip
    def draw_signal(view, leads, predicted, threshold, explained, name):
        opened = _attempt(session.open_recording, name)
        leads = [lead for lead in leads if opened and lead in opened.record.leads]
        if not opened or not leads:
            return charts.make_chart(300)
        start, end = view["start"], view["start"] + view["span"]
        figure = charts.draw_signal(opened.envelope, opened.record, leads, start, end, int(view["pixels"]))
        if predicted and predicted[0] == name:
            prediction = session.predict(*predicted)
            charts.mark_prediction(figure, prediction, _window_s(session, predicted[1]), threshold, start, end)
        if explained and explained["of"] == predicted:
            values = np.array(explained["values"], np.float64)
            charts.mark_explanation(figure, values, explained["start"], explained["step"], explained["leads"], leads)
        return figure

    @app.callback(
        Output("output", "figure"), Input("view", "data"), Input("predicted", "data"), Input("threshold", "value")
    )
    def draw_output(view, predicted, threshold):
        if not predicted:
            return charts.make_chart(220)
        prediction = session.predict(*predicted)
        shown = None if prediction.threshold is None else threshold
        return charts.draw_output(prediction, shown, view["start"], view["start"] + view["span"])

    @app.callback(
        Output("reconstruction", "figure"), Output("reconstruction-field", "hidden"),
        Input("options", "value"), Input("view", "data"), Input("predicted", "data"),
    )  # fmt: skip
    def draw_reconstruction(options, view, predicted):
        if not options or not predicted or view["span"] > LONGEST_RECONSTRUCTION_S:
            return no_update, True
        found = session.reconstruct(*predicted)
        if found is None:
            return no_update, True
        start = view["start"]
        return charts.draw_reconstruction(found, start, start + view["span"], int(view["pixels"])), False


def _add_buttons(app: Dash, session: ViewSession) -> None:
    @app.callback(
        Output("explained", "data"), Output("problem", "children", allow_duplicate=True),
        Output("explanation", "children"),
        Input("explain", "n_clicks"), State("view", "data"), State("predicted", "data"),
        prevent_initial_call=True,
    )  # fmt: skip
    def explain(_, view, predicted):
        if not predicted:
            return None, no_update, ""
        window_s = _window_s(session, predicted[1])
        if view["span"] > MOST_WINDOWS * window_s:
            return None, f"zoom in to explain: at most {MOST_WINDOWS * window_s:g} s at once", ""
        start = max(0.0, min(view["start"], view["seconds"] - window_s))
        try:
            name, model = predicted
            found = session.explain(name, model, start, max(view["span"], window_s))
        except Exception as error:
            return None, describe_problem(error), ""
        samples = max(1, round(EXPLAINED_STEP_S * found.fs))
        steps = np.array_split(found.values, max(1, len(found.values) // samples))
        values = np.array([np.nanmean(step, axis=0) if np.isfinite(step).any() else step[0] for step in steps])
        step_s = len(found.values) / found.fs / len(values)
        explained = {"of": predicted, "start": start, "step": step_s, "leads": list(found.leads),
                     "values": values.round(6).tolist()}  # fmt: skip
        text = f"Red speaks for {found.label}, blue against it ({METHODS[found.method]})."
        return explained, "", text

    @app.callback(
        Output("download", "data"), Output("problem", "children", allow_duplicate=True),
        Input("picture", "n_clicks"), State("view", "data"), State("predicted", "data"), State("recording", "value"),
        prevent_initial_call=True,
    )  # fmt: skip
    def save_picture(_, view, predicted, name):
        from ecg_edge.plot.ecg_paper import plot_record
        from ecg_edge.plot.figure_file import render_figure

        try:
            record = session.open_recording(name).record
            prediction = session.predict(*predicted) if predicted and predicted[0] == name else None
            figure = plot_record(record, prediction, start_s=view["start"], seconds=view["span"])
            picture = render_figure(figure)
        except InputError as error:
            return no_update, describe_problem(error)
        return dcc.send_bytes(picture, f"{Path(name).stem}-{view['start']:.0f}s.png"), ""


def describe_problem(error: Exception) -> str:
    """Describe in a line why something cannot be shown."""
    return make_printable(str(error) if isinstance(error, InputError) else describe_error(error))


def _attempt(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result, None where there is none: the reason stands in the alert already."""
    try:
        return function(*arguments)
    except Exception:
        return None


def _window_s(session: ViewSession, model: str) -> float:
    window = session.load_model(model).window
    return window.samples / window.fs
