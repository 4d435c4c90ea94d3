"""ecg-edge predict: labels and probabilities for recordings, by an exported file or a run."""

import csv
import sys
from pathlib import Path

import click

from ecg_edge import console
from ecg_edge.cli.signal_options import signal_options
from firmware_bench.runtime.errors import InputError


@click.command()
@click.argument("model", metavar="MODEL", type=click.Path(path_type=Path))
@click.argument("records", metavar="RECORD...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values instead of a table.")
@signal_options
def command(model, records, as_json, as_csv, stated):
    """Label recordings with an exported .tflite file or a run.

    A RECORD is a file, or its path without suffix: WFDB, EDF, SCP-ECG, DICOM, CSV and others. Leads by name,
    resampling, filters and windows are those that the model was trained with. A record that cannot be read is named;
    the others are predicted all the same, and the exit status is 2. With --json an anomaly detector also reports where:
    the error of each lead, in steps of 0.1 s.

    \b
    Examples:
      ecg-edge predict model.tflite data/cinc2017/A00001
      ecg-edge predict model.tflite recordings/*.hea --csv > labels.csv
      ecg-edge predict model.tflite A00001 A00002 --json
      ecg-edge predict model.tflite holter.csv --fs 250 --units uV --leads I
      ecg-edge predict runs/vae_bilstm_mha-ptbxl-20260101-120000 00009_hr --json
    """
    from ecg_edge.api.prediction import load

    if as_json and as_csv:
        raise InputError("--json or --csv, not both")
    loaded = load(model)
    predictions, errors = [], {}
    for path in records:
        try:
            predictions.append(loaded.predict_record(path, localise=as_json, **stated))
        except InputError as error:
            errors[str(path)] = str(error)

    header = list(figures(predictions[0]) if predictions else loaded.labels)
    if as_json:
        rows = [prediction.to_dict() for prediction in predictions]
        console.print_json({"model": str(model), "labels": loaded.labels, "records": rows, "errors": errors})
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(["record", "label", *header])
        writer.writerows([p.record, p.label, *figures(p).values()] for p in predictions)
    elif predictions:
        rows = [
            [p.record, p.label, *(f"{value:.3f}" for value in figures(p).values()), len(p.windows)] for p in predictions
        ]
        title = f"{loaded.metadata.architecture}, {model.name}"
        console.table(title, ["record", "label", *header, "windows"], rows)
    if errors:
        *others, last = errors.values()
        for message in others:
            console.log(f"error: {message}")
        raise InputError(last)
    console.log(f"next: ecg-edge export {model}" if model.is_dir() else f"next: ecg-edge bench {model}")


def figures(prediction) -> dict[str, float]:
    """Return what led to the label: the probability of each class, or else the score and its threshold."""
    return prediction.probabilities or {"score": prediction.score, "threshold": prediction.threshold}
