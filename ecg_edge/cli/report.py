"""ecg-edge report: one HTML page on a run, or on several in comparison."""

from pathlib import Path

import click

from ecg_edge import console


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE.html", help="Default: report.html in the first RUN."
)
@click.option("--recordings", default=6, show_default=True, help="Drawn, right and wrong, of the test part; 0: none.")
def command(runs, out, recordings):
    """Write one HTML page on a RUN, or on several in comparison, that needs no network.

    What is missing is named in it, with the command that makes it.

    \b
    Examples:
      ecg-edge report runs/a runs/b --out comparison.html
    """
    from ecg_edge.html_report.run_report import report

    with console.reporting() as reporter:
        path = report(runs, out, recordings, reporter)
    console.log(f"written to {path}")
