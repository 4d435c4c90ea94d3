"""ecg-edge bench: exported files' speed and memory, here or on a Raspberry Pi."""

from pathlib import Path

import click

from ecg_edge import console
from firmware_bench.runtime.errors import AcceptanceError, InputError


class Threads(click.ParamType):
    """1,2,4: numbers of threads, each once."""

    name = "1,2,4"

    def convert(self, value, param, ctx):
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(dict.fromkeys(int(word) for word in value.split(",")))
        except ValueError:
            self.fail(f"{value!r} is no list of numbers such as 1,2,4", param, ctx)
        if min(numbers) < 1:
            self.fail("at least one thread", param, ctx)
        return numbers


FILE = click.Path(path_type=Path)


@click.command()
@click.argument("files", metavar="FILE.tflite...", nargs=-1, type=FILE)
@click.option("--host", metavar="USER@HOST", help="Measure there, over ssh. Default: on this machine.")
@click.option("--port", type=click.IntRange(1, 65535), help="ssh's port there.")
@click.option("--identity", type=FILE, metavar="FILE", help="ssh's private key.")
@click.option("--offline", is_flag=True, help="Install nothing from the network there: use what is there.")
@click.option("--wheel", "wheels", type=FILE, multiple=True, metavar="FILE.whl", help="Bring a package along.")
@click.option("--threads", type=Threads(), default="1", show_default=True, help="Threads of the runtime, one by one.")
@click.option("--windows", type=click.IntRange(min=50), default=100, show_default=True, help="Windows to time.")
@click.option("--rounds", type=click.IntRange(1, 50), default=5, show_default=True, help="Rounds they are spread over.")
@click.option("--records", metavar="DB|DIR", help="Also compare predictions for these recordings with those made here.")
@click.option("--budget-ms", type=click.FloatRange(min=0, min_open=True), help="The median latency has to be within.")
@click.option(
    "--budget-mb", type=click.FloatRange(min=0, min_open=True), help="The file has to be within, in 10^6 bytes."
)
@click.option("--compare", nargs=2, type=FILE, metavar="A.json B.json", help="Compare two earlier reports instead.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option("--out", type=FILE, metavar="FILE.json", help="Also write the JSON object here, and a plot beside it.")
def command(files, host, port, identity, offline, wheels, threads, windows, rounds, records, budget_ms, budget_mb,
            compare, as_json, out):  # fmt: skip
    """Measure exported files' speed and memory, on this machine or on a Raspberry Pi.

    A file's reference vector has to come out right first. Files and numbers of threads are measured in alternation, so
    that their ratios hold where a clock drifts. A file in a run's export folder leaves its report with the run, as
    bench-HOST-TIME.json with a plot beside it. Exit status 1: a budget was missed, or predictions differ.

    \b
    Examples:
      ecg-edge bench RUN/export/cnn_att_bilstm-int8.tflite
      ecg-edge bench model.tflite --host pi@raspberrypi.local --threads 1,2,4 --budget-ms 174
      ecg-edge bench a.tflite b.tflite --host pi@raspberrypi.local --offline --json --out bench.json
      ecg-edge bench model.tflite --host pi@raspberrypi.local --records cinc2017
      ecg-edge bench --compare RUN/bench-pi4-20260101-120000.json RUN/bench-pi5-20260101-130000.json
    """
    from ecg_edge.api import bench_reports, benchmarking
    from ecg_edge.bench_tables import print_comparison, print_report

    if compare:
        if files:
            raise InputError("--compare takes two reports and no model")
        compared = bench_reports.compare_reports(*compare)
        if as_json:
            console.print_json(compared)
        else:
            print_comparison(compared)
        console.log("next: ecg-edge bench FILE.tflite --host USER@HOST")
        return
    if not files:
        raise InputError("name at least one FILE.tflite, or two reports with --compare")
    if not host and (port or identity or offline or wheels):
        raise InputError("--port, --identity, --offline and --wheel are for another machine: name it with --host")

    files = benchmarking.add_beat_files(files)
    benchmarking.check_places(files, out)
    with console.reporting() as reporter:
        report = benchmarking.bench(files, host, port, identity, offline, wheels, threads, windows, rounds, records,
                                    budget_ms, budget_mb, reporter)  # fmt: skip
    if as_json:  # before it is written: a disk that has become full loses no figure
        console.print_json(report)
    else:
        print_report(report)
    benchmarking.write_reports(files, report, len(threads), out, reporter)
    failures = bench_reports.list_failures(report)
    if failures:
        raise AcceptanceError("; ".join(failures))
    # A file that computes partly in float, as its tolerance shows, is not for a microcontroller.
    floats = report["results"][0]["reference"]["tolerance"] is not None
    console.log(f"next: ecg-edge predict {files[0]} RECORD" if floats else f"next: ecg-edge mcu {files[0]}")
