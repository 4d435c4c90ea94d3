"""ecg-edge view: a local page to look at recordings with what a model says of them."""

from pathlib import Path

import click

from ecg_edge import console
from ecg_edge.cli.signal_options import signal_options


@click.command()
@click.argument("model", metavar="MODEL", type=click.Path(path_type=Path))
@click.argument("recordings", metavar="RECORD|DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of the page. Default: a free one.")
@click.option("--no-browser", is_flag=True, help="Print the page's address and open no browser.")
@signal_options
def command(model, recordings, port, no_browser, stated):
    """Look at recordings in a browser: signal, labels over time, beats, rhythms, anomalies and explanations.

    The page is served to this machine alone (127.0.0.1), to whoever has the token of its address, and needs no network.

    \b
    Examples:
      ecg-edge view af-single-lead-small recordings/
      ecg-edge view model.tflite holter.edf --no-browser --port 8050
    """
    from ecg_edge.view.viewing import view_recordings

    with console.reporting() as reporter:
        view_recordings(model, recordings, port, not no_browser, reporter, **stated)
