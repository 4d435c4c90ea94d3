"""ecg-edge report: one HTML page on a run, or on several in comparison."""

from pathlib import Path

import click

from ecg_edge import console


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE.html", help="Default: report.html in the first RUN."
)
def command(runs, out):
    """Write one HTML page on a RUN, or on several in comparison, that needs no network.

    What was trained on what, curves, figures with intervals, calibration, exported files, memory on boards, the error
    of layers, and how to repeat it. What is missing is named, with the command that makes it.

    \b
    Examples:
      ecg-edge report runs/cnn_att_bilstm-cinc2017-20260101-120000
      ecg-edge report runs/a runs/b --out comparison.html
    """
    from ecg_edge.html_report.run_report import report

    console.log(f"written to {report(runs, out)}")
