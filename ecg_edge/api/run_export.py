"""Export a trained run as an integer TensorFlow Lite file."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ecg_edge.data.examples import Examples
from ecg_edge.extras import require
from ecg_edge.keras_backend import import_keras
from ecg_edge.reporter import Reporter
from ecg_edge.run import Run
from ecg_edge.tasks.task import Task
from ecg_edge.tflite_predictor import TFLitePredictor
from export.targets import MCU, find_target
from firmware_bench.front_end.plan import find_offline_steps
from firmware_bench.runtime.errors import AcceptanceError, InputError
from firmware_bench.runtime.metadata import ModelMetadata
from firmware_bench.runtime.sampling import evenly_spaced

if TYPE_CHECKING:
    from export.quantise.layer_error import LayerError
    from export.verify.acceptance import AcceptanceCheck

CALIBRATION_WINDOWS = 200  # at most, and at most half of the training windows: the others check the result
CHECK_WINDOWS = 300
RELIABLE_CHECK_WINDOWS = 200  # with fewer, one window is half a per cent and more of the agreement
QAT_WINDOWS = 2000  # at most
QAT_BYTES = 400_000_000  # at most, of these windows
QAT_STEPS = 500  # at least: what few windows do not give in an epoch, more epochs do


@dataclasses.dataclass(frozen=True)
class Agreement:
    """Agreement of one implementation of the model with Keras in float.

    Attributes:
        computed_by: "Keras, float", "LiteRT", …
        windows: The number of check windows it computed.
        sqnr_db: Signal-to-quantisation-noise ratio of the worst output, dB; None for Keras itself.
        agreement: Share of equal predictions, or Spearman's rank correlation of scores; None for part of the windows.
        score: The task's score on the validation windows; None for part of the windows.
    """

    computed_by: str
    windows: int
    sqnr_db: float | None
    agreement: float | None
    score: float | None


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """The outcome of an export.

    Attributes:
        path: The file; None where an acceptance check failed and nothing was written.
        size: Size of the file, bytes.
        checks: The acceptance checks (export.verify.acceptance.AcceptanceCheck).
        metadata: The metadata in the file.
        agreements: Agreement of each implementation of the model with Keras in float.
        agreement_name: "same decision" or "rank correlation".
        score_name: Name of the task's score, such as "macro F1".
        layers: Per layer its quantisation error (export.quantise.layer_error), worst first; empty where not computed.
    """

    path: Path | None
    size: int
    checks: "Sequence[AcceptanceCheck]"
    metadata: ModelMetadata
    agreements: tuple[Agreement, ...]
    agreement_name: str
    score_name: str
    layers: "Sequence[LayerError]"


class ExportRejected(AcceptanceError):
    """An integer file was made and did not pass its acceptance checks; nothing was written.

    Attributes:
        report: The checks, with figures.
    """

    def __init__(self, message: str, report: ExportReport):
        super().__init__(message)
        self.report = report


def export(
    run: Run | str | Path,
    qat: bool = False,
    target: str = "mcu",
    streaming: bool = False,
    out: str | Path | None = None,
    keep_failing: str | Path | None = None,
    reporter: Reporter | None = None,
) -> ExportReport:
    """Export a trained run as a fully quantised TensorFlow Lite file. Needs TensorFlow: the extra [export].

    The file is written only if it passes every acceptance check: integers throughout, operators of TensorFlow Lite
    Micro, equal outputs there and in LiteRT, agreement with the Keras model on windows that did not calibrate it.

    Args:
        run: The run or its folder.
        qat: Fine-tune with fake quantisation first (quantisation-aware training).
        target: A name of export.targets. "mcu": integers throughout; "rpi": float where a Raspberry Pi computes that
            faster, LSTMs first of all.
        streaming: Export one step with its states as inputs and outputs, for a live signal.
        out: The file; None: ARCH-int8….tflite in the run's export folder.
        keep_failing: Where to write a file that fails its checks, for a look at its arena; its name then says "failed".
        reporter: Receives messages and progress.

    Returns:
        The checks, the agreement with Keras, and where the file is.

    Raises:
        InputError: The run is not trained, or cannot be exported so.
        ExportRejected: An acceptance check failed; the exception holds the report.

    Examples:
        >>> report = ecg_edge.export(run)
        >>> report.path, report.size
        (PosixPath('runs/demo/export/cnn_att_bilstm-int8.tflite'), 171632)
    """
    reporter, run = reporter or Reporter(), run if isinstance(run, Run) else Run(run)
    path = Path(out) if out else run.path / "export" / default_name(run.settings.arch, target, qat, streaming)
    if streaming and (qat or target != MCU.name):
        raise InputError("a step is exported in integers and by calibration alone: leave out qat and target")
    if path.is_dir():
        raise InputError(f"{path} is a folder: out takes the name of a file")
    require("export", "the export")
    import_keras("the export")
    model = run.model()
    windows, check = select_windows(run, qat, reporter)
    if len(check.targets) < RELIABLE_CHECK_WINDOWS:
        reporter.message(
            f"warning: only {len(check.targets)} windows check the result, so their agreement is a rough figure"
        )

    from export import exporter
    from firmware_bench.model_trial import remember_model

    metadata = run.describe_model()
    if offline := find_offline_steps(metadata.preprocessing):
        reporter.message(
            f"warning: the preprocessing looks ahead in a recording ({', '.join(offline)}), which a device cannot: "
            "train with --set signal.mode=causal for a path from a sensor to labels"
        )
    try:
        report = exporter.export(
            model,
            windows,
            path,
            metadata,
            check.compare_decisions,
            target=target,
            qat_epochs=_qat_epochs(windows) if qat else 0,
            streaming=streaming,
            histories=run.task.autoregressive_inputs,
            choose_decision=_decision_chooser(run, reporter),
            keep_failing=Path(keep_failing) if keep_failing else None,
            log=reporter.message,
            progress=reporter.progress,
        )
    except exporter.ChecksFailedError as failure:
        raise ExportRejected(str(failure), _summarise(failure.result, check)) from None
    remember_model(path.read_bytes())
    return _summarise(report, check)


def default_name(arch: str, target: str, qat: bool, streaming: bool) -> str:
    """Return the name of the exported file: ARCH-int8, -rpi for that target, -qat if fine-tuned; ARCH-streaming."""
    if streaming:
        return f"{arch}-streaming.tflite"
    return f"{arch}-int8{find_target(target).file_suffix}{'-qat' if qat else ''}.tflite"


class CheckWindows:
    """The windows that check an export, as the run's task sees them.

    Args:
        task: The run's task.
        inputs: The windows, by input name.
        targets: Their true classes.
        validation: The examples that are the first of them, for which the task can compute its score.
    """

    def __init__(self, task: Task, inputs: Mapping[str, np.ndarray], targets: np.ndarray, validation: Examples):
        self.task, self.inputs, self.targets, self.validation = task, inputs, targets, validation

    def summarise(self, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return what the task keeps of the outputs of all check windows."""
        values = outputs["probabilities"] if set(outputs) == {"probabilities"} else dict(outputs)
        return self.task.summarise(self.inputs, values)

    def compare_decisions(self, expected: Mapping[str, np.ndarray], found: Mapping[str, np.ndarray]):
        """Return the acceptance checks of the decisions, and their figures."""
        from export.verify.prediction_agreement import check_predictions

        before, after = (self.task.decide(self.summarise(outputs)) for outputs in (expected, found))
        return check_predictions(before, after, self.targets, self.task.classes)

    def score(self, outputs: Mapping[str, np.ndarray]) -> float:
        """Return the task's score on the validation windows."""
        summaries = self.summarise(outputs)[: len(self.validation)]
        return self.task.validate(summaries, self.validation)["validation_score"]


def select_windows(run: Run, qat: bool, reporter: Reporter | None = None):
    """Select the windows that calibrate, fine-tune and check an export.

    Calibration and fine-tuning take windows of the training part; the check takes those of the validation part and,
    where that is short, the rest of training. None is used twice, and none is of the test part.

    Args:
        run: The trained run.
        qat: Whether windows for fine-tuning are wanted.
        reporter: Receives how many there are.

    Returns:
        (export.convert.conversion_job.ExportWindows, CheckWindows)
    """
    from export.convert.conversion_job import ExportWindows

    training, validation = run.examples("train"), run.examples("validation").subsample(CHECK_WINDOWS)
    count = min(CALIBRATION_WINDOWS, (len(training) + 1) // 2)
    chosen, others = _split_evenly(np.arange(len(training)), count)
    # Half of what is left at most, so that fine-tuning has something to learn from.
    checking, others = _split_evenly(others, min(CHECK_WINDOWS - len(validation), len(others) // 2))
    calibration, rest = training.take(chosen), training.take(checking)
    recordings = len(set(calibration.records.tolist()))
    (reporter or Reporter()).message(
        f"{count} training windows of {recordings} recordings calibrate; {len(validation)} validation and {len(rest)} "
        "other training windows check the result"
    )
    parts = [part.batch(slice(None)) for part in (validation, rest) if len(part)]
    check = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    targets = np.concatenate([part.targets for part in (validation, rest)])
    fine_tuning = {}
    if qat:
        size = sum(x[0].nbytes for x in check.values())
        most = min(QAT_WINDOWS, QAT_BYTES // size)
        learning, _ = _split_evenly(others, most)
        draws = most // len(learning) if training.random and len(learning) else 1
        drawn = [training.take(learning).draw_epoch(run.settings.seed, n).batch(slice(None)) for n in range(draws)]
        fine_tuning = {name: np.concatenate([part[name] for part in drawn]) for name in drawn[0]}
    windows = ExportWindows(calibration.batch(slice(None)), check, fine_tuning)
    return windows, CheckWindows(run.task, check, targets, validation)


def _split_evenly(positions: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return `count` of the positions, evenly spread, and the others."""
    count = max(0, min(count, len(positions)))
    chosen = positions[evenly_spaced(len(positions), count)]
    return chosen, np.setdiff1d(positions, chosen)


def _qat_epochs(windows) -> int:
    """Return the epochs of fine-tuning that make QAT_STEPS."""
    from export.quantise.qat import BATCH

    return -(-QAT_STEPS // max(1, windows.count(windows.training) // BATCH))


def _decision_chooser(run: Run, reporter: Reporter) -> Callable[[bytes], dict] | None:
    """Return a function that chooses the task's thresholds anew by the file's own outputs on the validation part.

    Rounding adds to a reconstruction's error, and with it to every score. None where the task has no thresholds.
    """
    task = run.task
    if not task.decision:
        return None
    validation = run.examples("validation")

    def choose(data: bytes) -> dict:
        count = reporter.counter("choosing thresholds", len(validation))
        return task.choose_decision(task.predict(TFLitePredictor(data), validation, count), validation)

    return choose


def _summarise(report, check: CheckWindows) -> ExportReport:
    """Compare every implementation of the model with Keras in float."""
    from export.verify.sqnr import sqnr_db

    agreements, name = [], "same decision"
    expected = next(iter(report.answers.values()), {})
    for computed_by, outputs in report.answers.items():
        count = len(next(iter(outputs.values())))
        if count < len(check.targets):  # TensorFlow Lite Micro, which computes only some of them
            parity = report.metadata.metrics["parity"]
            agreements.append(Agreement(computed_by, parity["micro_windows"], parity["micro_decibels"], None, None))
            continue
        _, figures = check.compare_decisions(expected, outputs)
        if "rank_correlation" in figures:
            name = "rank correlation"
        agreements.append(
            Agreement(
                computed_by,
                count,
                None if outputs is expected else min(sqnr_db(expected[key], outputs[key]) for key in outputs),
                figures.get("same_decision", figures.get("rank_correlation")),
                check.score(outputs),
            )
        )
    return ExportReport(
        report.path,
        report.size,
        report.checks,
        report.metadata,
        tuple(agreements),
        name,
        check.task.score_name,
        report.layers,
    )
