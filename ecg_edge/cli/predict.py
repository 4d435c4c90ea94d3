"""ecg-edge predict: labels and probabilities for WFDB records, as the exported file's metadata describe the way."""

import csv
import sys
from pathlib import Path

import click

from ecg_edge.cli import console
from ecg_edge.errors import InputError

NEEDED = ("task", "labels", "leads", "fs", "window", "preprocessing")


@click.command()
@click.argument("file", metavar="FILE.tflite", type=click.Path(path_type=Path))
@click.argument("records", metavar="RECORD...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values instead of a table.")
def command(file, records, as_json, as_csv):
    """Label WFDB records (paths with or without .hea or .dat) with an exported file.

    Leads by name, resampling, filters and windows are those that the file was trained with. A record that cannot be
    read is named; the others are predicted all the same, and the exit status is 2.

    \b
    Examples:
      ecg-edge predict model.tflite data/cinc2017/A00001
      ecg-edge predict model.tflite recordings/*.hea --csv > labels.csv
      ecg-edge predict model.tflite A00001 A00002 --json
    """
    from ecg_edge.signals.preprocessing import Preprocessing
    from firmware_bench.bench_rpi import TFLiteModel

    if as_json and as_csv:
        raise InputError("--json or --csv, not both")
    model = TFLiteModel(file)
    missing = [key for key in NEEDED if key not in model.metadata]
    if missing:
        raise InputError(f"{file}: its metadata do not say {', '.join(missing)}: export it with ecg-edge export")
    steps = Preprocessing(model.metadata["preprocessing"])
    predictions, errors = [], {}
    for path in records:
        try:
            predictions.append(predicted(model, steps, path))
        except InputError as error:
            errors[str(path)] = str(error)

    labels = model.metadata["labels"]
    if as_json:
        console.print_json({"model": str(file), "labels": labels, "records": predictions, "errors": errors})
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(["record", "label", *labels])
        writer.writerows([row["record"], row["label"], *row["probabilities"].values()] for row in predictions)
    elif predictions:
        console.table(
            f"{model.metadata['architecture']}, {file.name}",
            ["record", "label", *labels, "windows"],
            [
                [row["record"], row["label"], *(f"{p:.3f}" for p in row["probabilities"].values()), row["windows"]]
                for row in predictions
            ],
        )
    if errors:
        *others, last = errors.values()
        for message in others:
            console.say(f"error: {message}")
        raise InputError(last)
    console.say(f"next: ecg-edge bench {file}")


def predicted(model, steps, path: Path) -> dict:
    """One record: its label, the mean over its windows of the probabilities, and the number of windows. Raises
    InputError naming the record: it cannot be read, or the model cannot take its leads or its sampling rate."""
    import numpy as np

    from ecg_edge.records.database import read_wfdb
    from ecg_edge.records.record import Entry
    from ecg_edge.tasks import TASKS
    from ecg_edge.tasks.examples import record_windows

    about = model.metadata
    bare = path.with_suffix("") if path.suffix in (".hea", ".dat", ".mat") else path
    record = read_wfdb(bare, Entry(str(bare), bare.name, bare.name))
    window = about["window"]
    windows, fs = record_windows(record, about["leads"], steps, window["samples"], window["stride"])
    if fs != about["fs"]:
        raise InputError(
            f"record {bare}: sampled at {record.fs:g} Hz, and the model takes {about['fs']:g} Hz without resampling"
        )
    outputs = np.stack([model.run(window) for window in windows])
    _, (mean,) = TASKS[about["task"]](about["labels"]).decide(outputs, np.zeros(len(outputs)))
    probabilities = {label: round(float(p), 6) for label, p in zip(about["labels"], mean, strict=True)}
    return {
        "record": str(bare),
        "label": max(probabilities, key=probabilities.get),
        "probabilities": probabilities,
        "windows": len(windows),
        "seconds": round(record.seconds, 3),
    }
