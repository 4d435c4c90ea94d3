"""The page of `ecg-edge live --view`: a running signal, renewed twice a second."""

from dash import Dash, Input, Output

from ecg_edge.api.answer_text import describe_answer
from ecg_edge.records.record import Record
from ecg_edge.view import charts
from ecg_edge.view.envelope import Envelope
from ecg_edge.view.live_buffer import LiveBuffer
from ecg_edge.view.page_elements import make_live_page
from ecg_edge.view.page_server import make_app

PIXELS = 1000


def make_live_app(buffer: LiveBuffer) -> Dash:
    """Make the application.

    Args:
        buffer: The signal and the answers, which another thread renews.
    """
    app = make_app("ecg-edge live")
    app.layout = make_live_page()

    @app.callback(
        Output("signal", "figure"), Output("output", "figure"), Output("label", "children"),
        Output("problem", "children"), Input("tick", "n_intervals"),
    )  # fmt: skip
    def renew(_):
        times, values, answers, message = buffer.read()
        record = Record("live", "", values, buffer.fs, buffer.leads)
        figure = charts.draw_signal(Envelope(values, buffer.fs), record, buffer.leads, 0.0, record.seconds, PIXELS)
        figure.for_each_trace(lambda trace: trace.update(x=trace.x + times[0]))
        figure.update_xaxes(range=[times[0], times[-1]])
        label = describe_answer(times[-1], answers[-1] if answers else None)
        return figure, charts.draw_answers(answers), label, message

    return app
