"""Measure exported files' speed and memory, on this machine or on a Raspberry Pi."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecg_edge.api.bench_reports import LATENCY, add_verdicts, write_plot
from ecg_edge.reporter import Reporter
from ecg_edge.run_folder import find_run_folder
from ecg_edge.zoo import find_model
from firmware_bench.runtime.errors import InputError, ModelError
from firmware_bench.runtime.files import check_writable, write_json
from firmware_bench.runtime.paths import make_file_name


def bench(
    files: Sequence[str | Path] | str | Path,
    host: str | None = None,
    port: int | None = None,
    identity: str | Path | None = None,
    offline: bool = False,
    wheels: Sequence[Path] = (),
    threads: Sequence[int] = (1,),
    windows: int = 100,
    rounds: int = 5,
    records: str | None = None,
    budget_ms: float | None = None,
    budget_mb: float | None = None,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Measure exported files' speed and memory.

    A file's reference vector has to come out right first. Files and numbers of threads are measured in alternation, so
    that their ratios hold where a clock drifts.

    Args:
        files: Exported .tflite files, or names of shipped models. The beat classifier's file of one that takes features
            is measured as well.
        host: USER@HOST of a machine to measure on over ssh; None: this machine.
        port: ssh's port there.
        identity: ssh's private key.
        offline: Install nothing from the network there.
        wheels: Packages to bring along.
        threads: Numbers of threads of the runtime, measured one by one.
        windows: Number of windows to time.
        rounds: Number of rounds that the windows are spread over.
        records: A database's name or a folder whose recordings are predicted here and there.
        budget_ms: The median latency has to be within, ms.
        budget_mb: The file has to be within, 10^6 bytes.
        reporter: Receives messages.

    Returns:
        The report as plain data: "machine", "versions", "results" (per file and number of threads its figures, rounds
        and verdicts) and, with `records`, how predictions compare. A missed budget does not raise.

    Raises:
        InputError: A file is not an export, its reference vector is not met, or the host cannot be reached.

    Examples:
        >>> report = ecg_edge.bench("model.tflite", host="pi@raspberrypi.local")
        >>> report["results"][0]["figures"]["latency, median"]["value"]
        12.4
    """
    from ecg_edge.api.device_agreement import compare_predictions, select_examples_for
    from firmware_bench.rpi import device_bench
    from firmware_bench.rpi.local_device import LocalDevice
    from firmware_bench.rpi.remote_device import RemoteDevice

    reporter = reporter or Reporter()
    paths = [find_model(file) for file in ([files] if isinstance(files, str | Path) else files)]
    for path in (*paths, *wheels):
        if not path.is_file():
            raise InputError(f"{path}: there is no such file")
    key = Path(identity) if identity else None
    device = RemoteDevice(host, port, key, reporter.message) if host else LocalDevice(reporter.message)
    requirements = [f"ai-edge-litert{_runtime_version(paths)}", "numpy"]
    asked = [select_examples_for(path, records, reporter) for path in paths] if records else []
    with device as there:
        python = there.prepare_python(requirements, wheels, offline)
        report = device_bench.run_benchmark(there, python, paths, threads, windows, rounds)
        if records:
            report["records"] = [
                compare_predictions(there, python, number, path, *examples, records, reporter)
                for number, (path, examples) in enumerate(zip(paths, asked, strict=True))
            ]
    add_verdicts(report, budget_ms, budget_mb)
    add_chains(report, paths, len(threads))
    return report


def add_chains(report: dict[str, Any], paths: Sequence[Path], threads: int) -> None:
    """Add "chains" to a report: the latency of a rhythm of a whole window of beats, for each pair of files in it.

    Args:
        report: A report of `bench`; it is changed.
        paths: The files that it is about.
        threads: How many numbers of threads were measured.
    """
    from firmware_bench.runtime.metadata_format import read_metadata
    from firmware_bench.runtime.tflite_reader import read_model_file

    results = report["results"]
    for number, path in enumerate(paths):
        metadata = read_metadata(read_model_file(path))
        if metadata.embedder is None:
            continue
        other = paths.index(path.parent / metadata.embedder.file)
        beats = next(tensor.shape[1] for tensor in metadata.inputs if tensor.name == "features")
        for n in range(threads):
            model, classifier = results[number * threads + n], results[other * threads + n]
            times = [result["figures"][LATENCY]["value"] for result in (model, classifier)]
            report.setdefault("chains", []).append(
                {
                    "files": [path.name, metadata.embedder.file],
                    "threads": model["threads"],
                    "beats": beats,
                    "milliseconds": None if None in times else times[0] + beats * times[1],
                    "label": "estimated: the sum of the measured medians, without finding and cutting out beats",
                }
            )


def add_beat_files(files: Sequence[Path]) -> list[Path]:
    """Return the files, those of shipped models for their names, and behind each that takes features of beats the beat
    classifier's file beside it."""
    from ecg_edge.api.c99_generation import find_beat_file
    from firmware_bench.runtime.tflite_reader import read_model_file

    found: list[Path] = []
    paths = [find_model(file) for file in files]
    for path in paths:
        found.append(path)
        beats = find_beat_file(path, read_model_file(path))
        if beats is not None and beats not in paths:
            found.append(beats)
    return found


def check_places(files: Sequence[Path], out: Path | None) -> None:
    """Check, before minutes of measuring, that the reports can be written. Raises OSError: the first that cannot."""
    runs = {run / "bench.json": None for file in files if (run := find_run_folder(file))}
    for place in (*([out] if out else []), *runs):
        check_writable(place)


def write_reports(
    files: Sequence[Path], report: dict[str, Any], threads: int, out: Path | None, reporter: Reporter | None = None
) -> None:
    """Write a report as JSON with a plot beside it: to `out`, and to the folder of each run whose files it is about.

    Args:
        files: The files that were measured.
        report: The report on them.
        threads: How many numbers of threads were measured.
        out: A file for the whole report, or None.
        reporter: Receives what was written, and why there is no plot.
    """
    reporter = reporter or Reporter()
    for path, part in _split_by_run(files, report, threads, out):
        write_json(path, part)
        reporter.message(f"written to {path}")
        if part["results"][0]["rounds"]:
            try:
                write_plot(path.with_suffix(".png"), part)
            except InputError as error:
                reporter.message(f"no plot: {error}")


def _split_by_run(
    files: Sequence[Path], report: dict[str, Any], threads: int, out: Path | None
) -> list[tuple[Path, dict[str, Any]]]:
    """Return (path, report): the whole report for `out`, and for each run what is about its own files."""
    places: dict[Path, list[int]] = {out: list(range(len(files)))} if out else {}
    host = make_file_name(report["machine"]["host"], "device")
    name = f"bench-{host}-{datetime.datetime.now():%Y%m%d-%H%M%S}.json"
    for number, file in enumerate(files):
        if run := find_run_folder(file):
            places.setdefault(run / name, []).append(number)
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


def _runtime_version(files: Sequence[Path]) -> str:
    """Return the version of ai-edge-litert that the files were exported with, as a pip specifier; "" if unknown."""
    from firmware_bench.runtime.metadata_format import read_metadata
    from firmware_bench.runtime.tflite_reader import read_model_file

    for path in files:
        try:
            version = read_metadata(read_model_file(path)).versions.get("ai-edge-litert")
        except ModelError as error:
            raise InputError(str(error) if str(path) in str(error) else f"{path}: {error}") from None
        if version:
            return f"=={version}"
    return ""
