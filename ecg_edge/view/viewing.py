"""Open the page of recordings, or that of a running signal, and serve it until Ctrl-C."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ecg_edge.api.live_signal import LiveSource
from ecg_edge.extras import require
from ecg_edge.records.signal_description import describe_signal
from ecg_edge.reporter import Reporter
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import describe_os_error

if TYPE_CHECKING:
    from dash import Dash

    from ecg_edge.view.page_server import PageServer


def view_recordings(
    model: Path | str,
    recordings: Sequence[Path | str],
    port: int = 0,
    show: bool = True,
    reporter: Reporter | None = None,
    fs: float | None = None,
    units: str | None = None,
    leads: Sequence[str] | str | None = None,
    rename_leads: Mapping[str, str] | Sequence[str] | None = None,
) -> None:
    """Serve a page on this machine to look at recordings with what a model says of them, until Ctrl-C.

    Needs Dash: the extra [view]. The page is for 127.0.0.1 and for whoever has the token of its address.

    Args:
        model: As for `ecg_edge.load`; the page offers the shipped models as well.
        recordings: Recordings, or folders of recordings.
        port: Of the page; 0: a free one.
        show: Open the page in this machine's browser.
        reporter: Receives the page's address.
        fs: Sampling rate, Hz, of files that do not state it.
        units: Unit of files that do not state it, as for `EcgModel.predict_record`.
        leads: Names of the columns of files that do not state them.
        rename_leads: Lead in the file → name to use.

    Raises:
        InputError: Dash is not installed, the model cannot be loaded, a recording is missing, or the port is taken.

    Examples:
        >>> ecg_edge.view_recordings("af-single-lead-small", ["recordings/"])
    """
    require("view", "the page")
    from ecg_edge.view.recording_page import make_recording_app
    from ecg_edge.view.view_session import ViewSession

    session = ViewSession(model, recordings, describe_signal(fs, units, leads, rename_leads))
    _make_server(make_recording_app(session, str(model)), port, reporter).serve(show)


def view_live(
    model: Path | str,
    source: LiveSource,
    hop_s: float | None = None,
    port: int = 0,
    show: bool = True,
    reporter: Reporter | None = None,
) -> None:
    """Serve a page on this machine that shows a running signal with the model's answers, until Ctrl-C.

    Args:
        model: As for `ecg_edge.watch`, like `source` and `hop_s`.
        source: Where the signal comes from.
        hop_s: Time from answer to answer, s.
        port: Of the page; 0: a free one.
        show: Open the page in this machine's browser.
        reporter: Receives the page's address.

    Raises:
        InputError: Dash is not installed, as of `ecg_edge.watch`, or the port is taken.

    Examples:
        >>> ecg_edge.view_live("af-single-lead-small", ecg_edge.Replay("data/mitdb/100", rename_leads={"MLII": "I"}))
    """
    require("view", "the page")
    from ecg_edge.view.live_buffer import LiveBuffer
    from ecg_edge.view.live_page import make_live_app

    buffer = LiveBuffer(model, source, hop_s)
    server = _make_server(make_live_app(buffer), port, reporter)
    buffer.start()
    server.serve(show)


def _make_server(app: "Dash", port: int, reporter: Reporter | None) -> "PageServer":
    from ecg_edge.view.page_server import PageServer

    try:
        server = PageServer(app, port)
    except OSError as error:
        raise InputError(f"the page cannot have port {port}: {describe_os_error(error)}") from None
    (reporter or Reporter()).message(f"the page: {server.url}")
    return server
