"""ecg-edge export: from a trained run to an int8 TensorFlow Lite file, if it passes every gate."""

from pathlib import Path

import click

from ecg_edge.cli import console
from ecg_edge.errors import InputError

CALIBRATION_WINDOWS = 200  # at most, and at most half of the training windows: the others check the result
PARITY_WINDOWS = 300
ENOUGH_WINDOWS = 200  # with fewer, one window is half a per cent and more of the agreement


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--int8", is_flag=True, help="8-bit integers throughout, inputs and outputs too: the one precision.")
@click.option("--ptq", is_flag=True, help="Quantise the trained model by calibration: the default.")
@click.option("--streaming", is_flag=True, help="One step with its states as inputs and outputs, for a live signal.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Default: RUN/export/ARCH-int8.tflite.")
def command(run, int8, ptq, streaming, out):
    """Turn a trained RUN into a fully integer TensorFlow Lite file.

    The file is written only if it passes every gate: integers throughout, operators of TensorFlow Lite Micro, the same
    numbers there and in LiteRT, agreement with the Keras model on windows that did not calibrate it. Otherwise the exit
    status is 1.

    \b
    Examples:
      ecg-edge export runs/cnn_att_bilstm-cinc2017-20260101-120000 --int8
      ecg-edge export runs/demo --int8 --ptq --out model.tflite
      ecg-edge export runs/mamba --int8 --streaming
    """
    if not int8:
        raise InputError("export needs a precision: add --int8, the one there is")
    from ecg_edge.run import Run

    run = Run(run)
    path = out or run.path / "export" / f"{run.settings.arch}-{'streaming' if streaming else 'int8'}.tflite"
    if path.is_dir():
        raise InputError(f"{path} is a folder: --out takes the name of a file")
    console.import_keras()
    model = run.model()
    calibration, parity = chosen_windows(run)
    count = len(parity["targets"])
    if count < ENOUGH_WINDOWS:
        console.say(f"warning: only {count} windows check the result, so their agreement is a rough figure")

    from export.exporter import GatesFailed, export

    if streaming:
        from export.stream_exporter import export
    try:
        report = export(model, calibration, **parity, metadata=metadata(run), path=path, say=console.say)
    except GatesFailed as failure:
        show(failure.report)
        raise
    show(report)
    console.say(f"{path}: {report.size:,} bytes ({report.size / 1e6:.2f} MB)")
    console.say(f"next: ecg-edge bench {path}")


def chosen_windows(run):
    """({input: calibration windows}, {"windows": {input: …}, "targets": …}): the first from the training part, the
    others from validation and, where that is short, the rest of training; never from the test part."""
    import numpy as np

    training, validation = run.examples("train"), run.examples("validation").spread(PARITY_WINDOWS)
    count = min(CALIBRATION_WINDOWS, (len(training) + 1) // 2)
    chosen = np.linspace(0, len(training) - 1, count).round().astype(int)
    calibration = training.take(chosen)
    rest = training.take(np.setdiff1d(np.arange(len(training)), chosen)).spread(PARITY_WINDOWS - len(validation))
    console.say(
        f"{count} training windows calibrate; {len(validation)} validation and {len(rest)} other training windows "
        "check the result"
    )
    parts = [part.batch(slice(None)) for part in (validation, rest) if len(part)]
    windows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    targets = np.concatenate([part.targets for part in (validation, rest)])
    return calibration.batch(slice(None)), {"windows": windows, "targets": targets}


def metadata(run) -> dict:
    """What the run knows about its model and a device has to know to use it."""
    from ecg_edge.run import versions

    settings, form = run.settings, run.settings.signal.form()
    return {
        "architecture": settings.arch,
        "preset": settings.preset,
        "task": run.config["task"],
        "decision": run.task.decision,
        "labels": list(run.config["classes"]),
        "fs": form.fs,
        "leads": list(run.config["leads"]),
        "window": {"samples": form.samples, "stride": form.stride},
        "preprocessing": list(form.steps),
        "window_preprocessing": list(form.window_steps),
        "data": {"database": Path(settings.data).name, "fingerprint": run.config["fingerprint"]},
        "seed": settings.seed,
        "versions": versions(),
    }


def show(report) -> None:
    """The gates as a table on stdout."""
    rows = [[gate.name, gate.figure, gate.bar, "pass" if gate.passed else "FAIL"] for gate in report.gates]
    console.table("Gates", ["gate", "figure", "bar", "result"], rows)
