"""ecg-edge bench: an exported file's speed and memory on this machine, by firmware_bench/bench_rpi.py."""

import json
import subprocess
import sys
from pathlib import Path

import click

from ecg_edge.cli import console
from ecg_edge.errors import InputError

# CNN-Att-BiLSTM as published (arXiv 2511.08650), measured by its authors on a Raspberry Pi.
PUBLISHED_MS, PUBLISHED_BYTES = 174.0, 3.66e6
NOT_A_PI = "published on a Raspberry Pi; this machine is not one"


@click.command()
@click.argument("file", metavar="FILE.tflite", type=click.Path(path_type=Path))
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Threads of the runtime.")
@click.option("--windows", type=click.IntRange(min=50), default=50, show_default=True, help="Windows to time.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.json", help="Also write the JSON object here.")
def command(file, threads, windows, as_json, out):
    """Measure an exported file's speed and memory on this machine.

    The file's reference vector has to come out right first. A file in a run's export folder leaves its report with the
    run, as bench-NAME-HOST.json.

    \b
    Examples:
      ecg-edge bench RUN/export/cnn_att_bilstm-int8.tflite
      ecg-edge bench model.tflite --threads 2 --windows 200
      ecg-edge bench model.tflite --json --out bench.json
    """
    from ecg_edge.files import write_json

    report = measured(file, threads, windows)
    report["published"] = beside_published(report)
    kept = [out] if out else []
    run = file.resolve().parent.parent
    if file.resolve().parent.name == "export" and (run / "config.json").is_file():
        kept.append(run / f"bench-{file.stem}-{report['machine']['host']}.json")
    for path in kept:
        write_json(path, report)
        console.say(f"written to {path}")
    if as_json:
        console.print_json(report)
    else:
        show(report)
    console.say(f"next: ecg-edge mcu {file}")


def measured(file: Path, threads: int, windows: int) -> dict:
    """The report of a fresh process, whose memory is nobody else's. Raises InputError with that process's own line."""
    import firmware_bench

    harness = Path(firmware_bench.__file__).with_name("bench_rpi.py")
    command = [sys.executable, harness, file, "--threads", str(threads), "--windows", str(windows), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode == 2:
        raise InputError(ran.stderr.strip().splitlines()[-1].removeprefix("error: "))
    if ran.returncode:
        raise InputError(
            f"{file}: the harness ended with status {ran.returncode}: export the file again, or install "
            "another version of ai-edge-litert"
        )
    return json.loads(ran.stdout)


def beside_published(report: dict) -> dict:
    """The published figures, and whether this file and, on a Raspberry Pi only, this latency are below them."""
    size = report["figures"]["model size"]["value"]
    latency = report["figures"]["latency, median"]["value"]
    on_a_pi = "Raspberry Pi" in (report["machine"]["board"] or "") and latency is not None
    return {
        "model size": {
            "value": PUBLISHED_BYTES,
            "unit": "bytes",
            "verdict": "met" if size <= PUBLISHED_BYTES else "missed",
            "label": "measured",
        },
        "latency, median": {
            "value": PUBLISHED_MS,
            "unit": "ms",
            "verdict": ("met" if latency <= PUBLISHED_MS else "missed") if on_a_pi else None,
            "label": "measured" if on_a_pi else NOT_A_PI,
        },
    }


def show(report: dict) -> None:
    """The harness's own table, then the two published figures."""
    from firmware_bench.bench_rpi import text

    print(text(report))
    print()
    size, latency = report["published"]["model size"], report["published"]["latency, median"]
    print(f"published 3.66 MB: {size['verdict']} ({size['label']})")
    print(f"published 174 ms: {latency['verdict'] or 'no verdict'} ({latency['label']})")
