"""The elements of the page and what they are called."""

from typing import Any

from dash import dcc, html

from ecg_edge.view.charts import make_chart
from ecg_edge.view.view_session import ViewSession

FIRST_SPAN_S = 10.0
CHART: Any = {
    "displaylogo": False,
    "scrollZoom": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}
KEYS = (
    "Keys: ← → move, ↑ ↓ zoom, Home and End go to the ends, n and p take the next or the previous recording. "
    "Drag or scroll in the chart."
)


def make_page(session: ViewSession, model: str) -> html.Main:
    """Make the page.

    Args:
        session: Recordings and models to choose from.
        model: The model to begin with.
    """
    recordings = list(session.recordings)
    return html.Main(
        [
            html.H1("ecg-edge view"),
            html.Div(
                [
                    _field("Recording", dcc.Dropdown(recordings, recordings[0], id="recording", clearable=False)),
                    _field("Model", dcc.Dropdown(session.models, model, id="model", clearable=False)),
                    _field("Leads", dcc.Dropdown([], [], id="leads", multi=True, placeholder="choose leads")),
                ],
                className="fields",
            ),
            html.P(id="problem", role="alert"),
            html.P(id="refusal", role="alert"),
            dcc.Loading(html.P(id="label", className="label"), type="dot"),
            html.Div(
                [
                    html.Button("←", id="left", title="earlier"),
                    html.Button("→", id="right", title="later"),
                    html.Button("+", id="closer", title="zoom in"),
                    html.Button("−", id="wider", title="zoom out"),
                    html.Button("Explain", id="explain", title="what in this part speaks for the label"),
                    html.Button("Picture", id="picture", title="this part as a PNG file on ECG paper"),
                    dcc.Checklist(["reconstruction"], [], id="options"),
                ],
                className="buttons",
            ),
            dcc.Loading(html.P(id="explanation", className="keys"), type="dot"),
            dcc.Graph(id="signal", figure=make_chart(300), config=CHART),
            dcc.Slider(0, 1, value=0, id="position", marks=None, updatemode="drag"),
            html.H2("What the model says"),
            dcc.Graph(id="output", figure=make_chart(220), config={"displayModeBar": False}),
            html.Div(
                [html.Span("Threshold"), dcc.Slider(0, 1, value=0, id="threshold", marks=None)],
                id="threshold-field",
                className="threshold",
                hidden=True,
            ),
            html.Div(dcc.Graph(id="reconstruction", figure=make_chart(300)), id="reconstruction-field", hidden=True),
            html.P(KEYS, className="keys"),
            dcc.Download(id="download"),
            dcc.Store("view", data={"start": 0.0, "span": FIRST_SPAN_S, "seconds": FIRST_SPAN_S, "pixels": 1000}),
            *(dcc.Store(name) for name in ("key", "predicted", "explained")),
        ]
    )


def make_live_page() -> html.Main:
    """Make the page of a running signal: a chart that renews itself, the last answer above it."""
    return html.Main(
        [
            html.H1("ecg-edge live"),
            html.P(id="problem", role="alert"),
            html.P(id="label", className="label"),
            dcc.Graph(id="signal", figure=make_chart(300), config={"displayModeBar": False}),
            dcc.Graph(id="output", figure=make_chart(220), config={"displayModeBar": False}),
            dcc.Interval("tick", interval=500),
        ]
    )


def _field(title: str, element) -> html.Label:
    return html.Label([html.Span(title), element], className="field")
