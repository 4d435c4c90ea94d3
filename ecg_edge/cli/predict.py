"""ecg-edge predict: labels and probabilities for WFDB records, as an exported file's metadata, or a run, say how."""

import csv
import sys
from pathlib import Path

import click

from ecg_edge.cli import console
from firmware_bench.runtime.errors import InputError, unknown_name

NEEDED = ("task", "decision", "labels", "leads", "fs", "window", "preprocessing", "window_preprocessing")

STEP_S = 0.1  # of what is said of an anomaly's place


@click.command()
@click.argument("file", metavar="FILE.tflite|RUN", type=click.Path(path_type=Path))
@click.argument("records", metavar="RECORD...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values instead of a table.")
def command(file, records, as_json, as_csv):
    """Label WFDB records (paths with or without .hea or .dat) with an exported file, or with a run's Keras model.

    Leads by name, resampling, filters and windows are those that the model was trained with. A record that cannot be
    read is named; the others are predicted all the same, and the exit status is 2. With --json an anomaly detector
    also says where: the error of each lead, in steps of 0.1 s.

    \b
    Examples:
      ecg-edge predict model.tflite data/cinc2017/A00001
      ecg-edge predict model.tflite recordings/*.hea --csv > labels.csv
      ecg-edge predict model.tflite A00001 A00002 --json
      ecg-edge predict runs/vae_bilstm_mha-ptbxl-20260101-120000 00009_hr --json
    """
    if as_json and as_csv:
        raise InputError("--json or --csv, not both")
    model = opened(file)
    missing = [key for key in NEEDED if key not in model.metadata]
    if missing:
        raise InputError(f"{file}: its metadata do not say {', '.join(missing)}: export it with ecg-edge export")
    task, window = described(model.metadata)
    predictions, errors = [], {}
    for path in records:
        try:
            predictions.append(predicted(model, task, window, path, where=as_json))
        except InputError as error:
            errors[str(path)] = str(error)

    labels = model.metadata["labels"]
    if as_json:
        console.print_json({"model": str(file), "labels": labels, "records": predictions, "errors": errors})
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(["record", "label", *(figures(predictions[0]) if predictions else labels)])
        writer.writerows([row["record"], row["label"], *figures(row).values()] for row in predictions)
    elif predictions:
        console.table(
            f"{model.metadata['architecture']}, {file.name}",
            ["record", "label", *figures(predictions[0]), "windows"],
            [
                [row["record"], row["label"], *(f"{value:.3f}" for value in figures(row).values()), row["windows"]]
                for row in predictions
            ],
        )
    if errors:
        *others, last = errors.values()
        for message in others:
            console.say(f"error: {message}")
        raise InputError(last)
    console.say(f"next: ecg-edge export {file} --int8" if file.is_dir() else f"next: ecg-edge bench {file}")


def opened(path: Path):
    """The predictor for an exported file or a run, with `metadata` that describe its input."""
    from ecg_edge.evaluation.predictors import TFLitePredictor
    from ecg_edge.tasks.predictor import KerasPredictor

    if not path.is_dir():
        return TFLitePredictor(path)
    from ecg_edge.cli.export import metadata
    from ecg_edge.run import Run

    run = Run(path)
    console.import_keras()
    predictor = KerasPredictor(run.model())
    predictor.metadata = metadata(run)
    return predictor


def figures(row: dict) -> dict[str, float]:
    """What led to a record's label: the probability of each class, or else its score and the threshold."""
    return row["probabilities"] or {name: row[name] for name in ("score", "threshold")}


def described(about: dict):
    """The task and the windows that a file's metadata describe. Raises InputError for a task that there
    is not."""
    from ecg_edge.data.examples import WindowSpec
    from ecg_edge.tasks import TASKS

    options = {key: value for key, value in about["task"].items() if key != "name"}
    name = about["task"]["name"]
    if name not in TASKS:
        raise unknown_name("task", name, TASKS)
    kind = TASKS[name]
    window = WindowSpec.from_metadata(about)
    task = kind(about["labels"], kind.Options(**options), about["decision"])
    if options.get("embedder"):
        from ecg_edge.evaluation.embedding import Embedder
        from ecg_edge.run import Run

        console.import_keras()
        task.embed_beats = Embedder.of_run(Run(options["embedder"]))
    return next(iter(task.variants().values())), window


def predicted(model, task, window, path: Path, where: bool) -> dict:
    """One record: its label, the probabilities behind it, and the number of windows; with `where`, the place of what is
    abnormal, if the task knows. Raises InputError naming the record: it cannot be read, or the model cannot take its
    leads or its sampling rate."""
    from ecg_edge.data.recordings import prepare_records
    from ecg_edge.records.formats.wfdb_format import read_wfdb
    from ecg_edge.records.record import Entry

    bare = path.with_suffix("") if path.suffix in (".hea", ".dat", ".mat") else path
    record = task.read(read_wfdb(bare, Entry(str(bare), bare.name, bare.name)))
    recordings = prepare_records([record], model.metadata["leads"], window.steps, window.fs)
    questions = task.inference_examples(recordings, window)
    (answer,) = task.report(task.predict(model, questions), questions)
    errors = task.localise(model, questions) if where else {}
    if errors:
        answer["localisation"] = in_steps(errors[0], model.metadata["leads"], window.fs)
    return answer


def in_steps(errors, leads, fs: float) -> dict:
    """Errors (samples, leads) as plain data: their means over steps of STEP_S, by lead."""
    import numpy as np

    steps = np.array_split(errors, max(1, round(len(errors) / (STEP_S * fs))))
    means = np.array([step.mean(axis=0) for step in steps]).round(5)
    return {"step_s": STEP_S, "errors": dict(zip(leads, means.T.tolist(), strict=True))}
