"""ecg-edge bench: exported files' speed and memory, here or on a Raspberry Pi, by firmware_bench/bench_rpi.py."""

import datetime
from pathlib import Path

import click

from ecg_edge.cli import console
from firmware_bench.runtime.errors import AcceptanceError, InputError


class Threads(click.ParamType):
    """1,2,4: numbers of threads, each once."""

    name = "1,2,4"

    def convert(self, value, param, context):
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(dict.fromkeys(int(word) for word in value.split(",")))
        except ValueError:
            self.fail(f"{value!r} is no list of numbers such as 1,2,4", param, context)
        if min(numbers) < 1:
            self.fail("at least one thread", param, context)
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
    from ecg_edge.cli import bench_report

    if compare:
        if files:
            raise InputError("--compare takes two reports and no model")
        compared = bench_report.compare(*compare)
        if as_json:
            console.print_json(compared)
        else:
            bench_report.show_comparison(compared)
        console.say("next: ecg-edge bench FILE.tflite --host USER@HOST")
        return
    if not files:
        raise InputError("name at least one FILE.tflite, or two reports with --compare")
    if not host and (port or identity or offline or wheels):
        raise InputError("--port, --identity, --offline and --wheel are for another machine: name it with --host")

    report = measured(device_at(host, port, identity), files, wheels, offline, threads, windows, rounds, records)
    bench_report.judge(report, budget_ms, budget_mb)
    for path, part in kept(files, report, len(threads), out):
        bench_report.write(path, part)
        console.say(f"written to {path}")
    if as_json:
        console.print_json(report)
    else:
        bench_report.show(report)
    missed = bench_report.missed(report)
    if missed:
        raise AcceptanceError("; ".join(missed))
    # A file that calculates partly in floats, as its tolerance shows, is not for a microcontroller.
    floats = report["results"][0]["reference"]["tolerance"] is not None
    console.say(f"next: ecg-edge predict {files[0]} RECORD" if floats else f"next: ecg-edge mcu {files[0]}")


def device_at(host, port, identity):
    """The machine that `host` names, or this one."""
    from firmware_bench.harness import Local
    from firmware_bench.ssh import Remote

    return Remote(host, port, identity, console.say) if host else Local(console.say)


def measured(device, files, wheels, offline, threads, windows, rounds, records) -> dict:
    """The report, and how predictions compare where there are `records`. Raises InputError."""
    from ecg_edge.cli.bench_records import compared, examples_for
    from firmware_bench import harness

    for path in (*files, *wheels):
        if not path.is_file():
            raise InputError(f"{path}: there is no such file")
    requirements = [f"ai-edge-litert{runtime_version(files)}", "numpy"]
    asked = [examples_for(file, records) for file in files] if records else []
    with device as there:
        python = there.environment(requirements, wheels, offline)
        report = harness.bench(there, python, files, threads, windows, rounds)
        if records:
            report["records"] = [
                compared(there, python, number, file, *examples)
                for number, (file, examples) in enumerate(zip(files, asked, strict=True))
            ]
    return report


def runtime_version(files) -> str:
    """Which ai-edge-litert the files were exported with, as pip takes it; "" where none says. Raises InputError for a
    file that is not an export."""
    from firmware_bench.runtime.errors import ModelError
    from firmware_bench.runtime.metadata import read_metadata
    from firmware_bench.runtime.tflite_reader import read_model_file

    for path in files:
        try:
            version = read_metadata(read_model_file(path)).get("versions", {}).get("ai-edge-litert")
        except ModelError as error:
            raise InputError(str(error) if str(path) in str(error) else f"{path}: {error}") from None
        if version:
            return f"=={version}"
    return ""


def kept(files, report: dict, threads: int, out: Path | None) -> list[tuple[Path, dict]]:
    """Where the report is written: to `out`, and, of each run, what is about the run's own files to its folder."""
    places = {out: range(len(files))} if out else {}
    name = f"bench-{report['machine']['host']}-{datetime.datetime.now():%Y%m%d-%H%M%S}.json"
    for number, file in enumerate(files):
        run = file.resolve().parent.parent
        if file.resolve().parent.name == "export" and (run / "config.json").is_file():
            places[run / name] = [*places.get(run / name, ()), number]
    return [
        (
            path,
            {
                **report,
                "results": [one for i, one in enumerate(report["results"]) if i // threads in numbers],
                **({"records": [report["records"][number] for number in numbers]} if "records" in report else {}),
            },
        )
        for path, numbers in places.items()
    ]
