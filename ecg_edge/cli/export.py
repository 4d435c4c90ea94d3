"""ecg-edge export: from a trained run to an int8 TensorFlow Lite file, if it passes every gate."""

from pathlib import Path

import click

from ecg_edge.cli import console
from firmware_bench.runtime.errors import InputError

CALIBRATION_WINDOWS = 200  # at most, and at most half of the training windows: the others check the result
PARITY_WINDOWS = 300
ENOUGH_WINDOWS = 200  # with fewer, one window is half a per cent and more of the agreement
TRAINING_WINDOWS = 2000  # at most, for --qat
TRAINING_BYTES = 400_000_000  # at most, of these windows
QAT_STEPS = 500  # at least, for --qat: what few windows do not give in an epoch, more epochs do


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--int8", is_flag=True, help="8-bit integers, and 16-bit activations where a layer needs them: the one precision."
)
@click.option(
    "--qat", is_flag=True, help="Fine-tune with fake quantisation first: minutes, and closer to the float model."
)
@click.option("--ptq", is_flag=True, help="Quantise the trained model by calibration alone: the default.")
@click.option(
    "--target",
    type=click.Choice(["mcu", "rpi"]),
    default="mcu",
    show_default=True,
    help="mcu: integers throughout. rpi: float for what a Raspberry Pi calculates faster so, LSTMs first of all.",
)
@click.option("--streaming", is_flag=True, help="One step with its states as inputs and outputs, for a live signal.")
@click.option("--c99", is_flag=True, help="A folder of plain C99 from the run's integer file, or from a .tflite file.")
@click.option("--explain", is_flag=True, help="Print the error of every layer, worst first.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Default: RUN/export/ARCH-int8….tflite.")
def command(run, int8, qat, ptq, target, streaming, c99, explain, out):
    """Turn a trained RUN into an integer TensorFlow Lite file.

    The file is written only if it passes every gate: integers throughout, operators of TensorFlow Lite Micro, the same
    numbers there and in LiteRT, agreement with the Keras model on windows that did not calibrate it. Otherwise the exit
    status is 1.

    \b
    Examples:
      ecg-edge export runs/cnn_att_bilstm-cinc2017-20260101-120000 --int8
      ecg-edge export runs/demo --int8 --qat --out model.tflite
      ecg-edge export runs/demo --int8 --target rpi
      ecg-edge export runs/mamba --int8 --streaming
      ecg-edge export runs/demo --c99 --out firmware/model
    """
    if c99:
        from ecg_edge.cli.c99 import write

        return write(run, out)
    if not int8:
        raise InputError("export needs a precision: add --int8, the one there is")
    if qat and ptq:
        raise InputError("--qat and --ptq are two ways to quantise: choose one")
    if streaming and (qat or target != "mcu"):
        raise InputError("--streaming knows one form, integers by calibration alone: leave out --qat and --target")
    from ecg_edge.run import Run

    run = Run(run)
    path = out or run.path / "export" / default_name(run.settings.arch, target, qat, streaming)
    if path.is_dir():
        raise InputError(f"{path} is a folder: --out takes the name of a file")
    console.import_keras()
    model = run.model()
    windows, check = chosen_windows(run, qat)
    if len(check.targets) < ENOUGH_WINDOWS:
        console.say(
            f"warning: only {len(check.targets)} windows check the result, so their agreement is a rough figure"
        )

    from export import exporter, history_exporter, stream_exporter

    what = model, windows, check.judged, metadata(run), path
    try:
        with console.progress() as bars:
            bar = bars.add_task("converting", total=None)

            def advance(stage, done, total):
                bars.update(bar, description=stage, completed=done, total=total)

            choose = thresholds(run, advance)
            if streaming and run.task.autoregressive_inputs:
                report = history_exporter.export(*what, run.task.autoregressive_inputs, console.say, advance, choose)
            elif streaming:
                report = stream_exporter.export(*what, say=console.say, choose=choose)
            else:
                report = exporter.export(*what, target, epochs(windows) if qat else 0, console.say, advance, choose)
    except exporter.GatesFailed as failure:
        show(failure.report, check, explain)
        raise
    show(report, check, explain)
    console.say(f"{path}: {report.size:,} bytes ({report.size / 1e6:.2f} MB)")
    console.say(f"next: ecg-edge bench {path}")


def thresholds(run, advance):
    """A file → the task's decision chosen anew on the validation part, by the file's own answers: rounding adds to a
    reconstruction's error, and with it to every score. None where the task needs none."""
    from ecg_edge.evaluation.predictors import TFLitePredictor

    task = run.task
    if not task.decision:
        return None
    validation = run.examples("validation")
    done = 0

    def count(examples):
        nonlocal done
        done += examples
        advance("choosing thresholds", done, len(validation))

    return lambda data: task.choose_decision(task.predict(TFLitePredictor(data), validation, count), validation)


def default_name(arch: str, target: str, qat: bool, streaming: bool) -> str:
    """Of the file: ARCH-int8, -rpi where it is for one, -qat where it was fine-tuned; ARCH-streaming."""
    if streaming:
        return f"{arch}-streaming.tflite"
    return f"{arch}-int8{'-rpi' if target == 'rpi' else ''}{'-qat' if qat else ''}.tflite"


def epochs(windows) -> int:
    """Of fine-tuning, until there are QAT_STEPS."""
    from export.quantise.qat import BATCH

    return -(-QAT_STEPS // max(1, windows.count(windows.training) // BATCH))


class Check:
    """What the windows that check an export come to in the run's task. targets: their true classes. validation: the
    examples that are the first of them, of which a score can be given."""

    def __init__(self, task, inputs, targets, validation):
        self.task, self.inputs, self.targets, self.validation = task, inputs, targets, validation

    def summaries(self, outputs):
        """Outputs by name, of all check windows → what the task keeps of them."""
        alone = outputs["probabilities"] if set(outputs) == {"probabilities"} else outputs
        return self.task.summarise(self.inputs, alone)

    def judged(self, expected, found):
        from export.verify.prediction_agreement import decision_gates

        decided = (self.task.decide(self.summaries(outputs)) for outputs in (expected, found))
        return decision_gates(*decided, self.targets, self.task.classes)

    def score(self, outputs) -> float:
        """The task's score on the validation windows."""
        summaries = self.summaries(outputs)[: len(self.validation)]
        return self.task.validate(summaries, self.validation)["validation_score"]


def chosen_windows(run, qat):
    """(Windows, Check): calibration and fine-tuning from the training part, the others from validation and, where that
    is short, the rest of training; never from the test part."""
    import numpy as np

    from export.convert.converter_process import Windows

    training, validation = run.examples("train"), run.examples("validation").subsample(PARITY_WINDOWS)
    count = min(CALIBRATION_WINDOWS, (len(training) + 1) // 2)
    chosen, others = _spread(np.arange(len(training)), count)
    # Half of what is left at most, so that fine-tuning has something to learn from.
    checking, others = _spread(others, min(PARITY_WINDOWS - len(validation), len(others) // 2))
    calibration, rest = training.take(chosen), training.take(checking)
    console.say(
        f"{count} training windows calibrate; {len(validation)} validation and {len(rest)} other training windows "
        "check the result"
    )
    parts = [part.batch(slice(None)) for part in (validation, rest) if len(part)]
    check = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    targets = np.concatenate([part.targets for part in (validation, rest)])
    learnt = {}
    if qat:
        size = sum(x[0].nbytes for x in check.values())
        most = min(TRAINING_WINDOWS, TRAINING_BYTES // size)
        learning, _ = _spread(others, most)
        draws = most // len(learning) if training.random and len(learning) else 1
        drawn = [training.take(learning).draw_epoch(run.settings.seed, n).batch(slice(None)) for n in range(draws)]
        learnt = {name: np.concatenate([part[name] for part in drawn]) for name in drawn[0]}
    windows = Windows(calibration.batch(slice(None)), check, learnt)
    return windows, Check(run.task, check, targets, validation)


def _spread(positions, count):
    """So many of `positions`, evenly spread, and the others."""
    import numpy as np

    count = max(0, min(count, len(positions)))
    chosen = positions[np.linspace(0, len(positions) - 1, count).round().astype(int)]
    return chosen, np.setdiff1d(positions, chosen)


def metadata(run) -> dict:
    """What the run knows about its model and a device has to know to use it."""
    from ecg_edge.run import versions

    settings = run.settings
    return {
        "architecture": settings.arch,
        "preset": settings.preset,
        "task": run.config["task"],
        "decision": run.task.decision,
        "labels": list(run.config["classes"]),
        "leads": list(run.config["leads"]),
        **run.settings.signal.window_spec().to_metadata(),
        "data": {"database": Path(settings.data).name, "fingerprint": run.config["fingerprint"]},
        "seed": settings.seed,
        "versions": versions(),
    }


def show(report, check, explain) -> None:
    """On stdout: the model in its four forms, the gates, and the layers where they are asked for."""
    from export.verify.sqnr import decibels

    if report.answers:
        expected, *_ = report.answers.values()
        name, rows = check.task.score_name, []
        for way, outputs in report.answers.items():
            whole = len(next(iter(outputs.values()))) == len(check.targets)
            agreement = min(decibels(expected[key], outputs[key]) for key in outputs) if whole else None
            _, figures = check.judged(expected, outputs) if whole else (None, {})
            same = figures.get("same_decision", figures.get("rank_correlation"))
            micro = report.metadata["metrics"]["parity"]
            rows.append(
                [
                    way if whole else f"{way}, {micro['micro_windows']} windows",
                    f"{agreement if whole else micro['micro_decibels']:.1f}" if outputs is not expected else "",
                    f"{same:.2%}" if whole else "",
                    f"{check.score(outputs):.3f}" if whole else "",
                ]
            )
        decided = "rank correlation" if "rank_correlation" in figures else "same decision"
        console.table("The model", ["computed by", "dB", decided, f"{name}, validation windows"], rows)
    rows = [[gate.name, gate.figure, gate.bar, "pass" if gate.passed else "FAIL"] for gate in report.gates]
    console.table("Gates", ["gate", "figure", "bar", "result"], rows)
    if explain and not report.layers:
        console.say("--explain knows the error of every layer of 8-bit activations only")
    elif explain:
        header = ["layer", "operator", "range", "dB", "dB, rounded alone"]
        rows = [
            [row["tensor"], row["operator"], f"{row['low']:.3g} … {row['high']:.3g}", row["decibels"], row["alone"]]
            for row in report.layers
        ]
        console.table("Layers, worst first", header, rows)
