"""Export a trained run as an integer TensorFlow Lite file."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecg_edge.api.export_examples import CheckWindows, make_windows, select_examples
from ecg_edge.api.export_report import Agreement, ExportReport, keep_report
from ecg_edge.api.pair_export import export_pair
from ecg_edge.embedding import BeatEmbedder
from ecg_edge.extras import require
from ecg_edge.keras_backend import import_keras
from ecg_edge.reporter import Reporter
from ecg_edge.run import Run
from ecg_edge.tasks.calibrated_probabilities import choose_decision
from ecg_edge.tflite_predictor import TFLitePredictor
from export.targets import MCU, find_target
from firmware_bench.front_end.plan import find_offline_steps
from firmware_bench.runtime.errors import AcceptanceError, InputError
from firmware_bench.runtime.files import check_writable
from firmware_bench.runtime.metadata import ModelMetadata

if TYPE_CHECKING:
    from export.convert.conversion_job import ExportWindows

RELIABLE_CHECK_WINDOWS = 200  # with fewer, one window is half a per cent and more of the agreement
TEMPERATURE_WINDOWS = 1000  # of the validation part, at most: one number needs no more
QAT_STEPS = 500  # at least: what few windows do not give in an epoch, more epochs do


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
    features: bool = False,
    reporter: Reporter | None = None,
) -> ExportReport:
    """Export a trained run as a fully quantised TensorFlow Lite file. Needs TensorFlow: the extra [export].

    The file is written only if it passes every acceptance check: integers throughout, operators of TensorFlow Lite
    Micro, equal outputs there and in LiteRT, agreement with the Keras model on windows that did not calibrate it.

    In the run's export folder the report of the export stays beside the file, as FILE.json.
    A model that takes the features of a beat classifier becomes two files side by side, FILE and FILE-beats.tflite.

    Args:
        run: The run or its folder.
        qat: Fine-tune with fake quantisation first (quantisation-aware training).
        target: A name of export.targets. "mcu": integers throughout; "rpi": float where a Raspberry Pi computes that
            faster, LSTMs first of all.
        streaming: Export one step with its states as inputs and outputs, for a live signal.
        out: The file; None: ARCH-int8….tflite in the run's export folder.
        keep_failing: Where to write a file that fails its checks, for a look at its arena; its name then says "failed".
        features: Give the file of a beat classifier its features as an output beside the probabilities.
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
    run.task.require_answer(str(run.path))
    path = Path(out) if out else run.path / "export" / default_name(run.settings.arch, target, qat, streaming)
    if streaming and (qat or target != MCU.name):
        raise InputError("a step is exported in integers and by calibration alone: leave out qat and target")
    if path.is_dir():
        raise InputError(f"{path} is a folder: out takes the name of a file")
    for place in (path, keep_failing) if keep_failing else (path,):
        check_writable(place)
    require("export", "the export")
    import_keras("the export")
    model, examples = run.model(), select_examples(run, qat, reporter)
    metadata = run.describe_model()
    if offline := find_offline_steps(metadata.preprocessing):
        reporter.message(
            f"warning: the preprocessing looks ahead in a recording ({', '.join(offline)}), which a device cannot: "
            "train with --set signal.mode=causal for a path from a sensor to labels"
        )
    if features:
        model = add_features(run, model, streaming)
    convert = Conversion(target, qat, streaming, Path(keep_failing) if keep_failing else None, reporter)
    if isinstance(run.task.embed_beats, BeatEmbedder):
        report = export_pair(run, run.task.embed_beats, model, metadata, examples, path, convert)
    else:
        windows, check = make_windows(run.task, examples)
        chooser = _decision_chooser(run, reporter)
        report = convert(model, windows, check, path, metadata, run.task.autoregressive_inputs, chooser)
    keep_report(report, run)
    return report


@dataclasses.dataclass(frozen=True)
class Conversion:
    """How files are exported: the arguments of `export`."""

    target: str
    qat: bool
    streaming: bool
    keep_failing: Path | None
    reporter: Reporter

    def __call__(
        self,
        model: Any,
        windows: "ExportWindows",
        check: CheckWindows,
        path: Path,
        metadata: ModelMetadata,
        histories: Mapping[str, str | None] | None = None,
        choose_decision: Callable[[bytes], dict] | None = None,
    ) -> ExportReport:
        """Export one model to `path`. Raises ExportRejected: an acceptance check failed."""
        from export import exporter
        from firmware_bench.model_trial import remember_model

        if len(check.targets) < RELIABLE_CHECK_WINDOWS:
            self.reporter.message(
                f"warning: only {len(check.targets)} windows check the result, so their agreement is a rough figure"
            )
        try:
            report = exporter.export(
                model,
                windows,
                path,
                metadata,
                check.compare_decisions,
                target=self.target,
                qat_epochs=_qat_epochs(windows) if self.qat else 0,
                streaming=self.streaming,
                histories=histories,
                choose_decision=choose_decision,
                keep_failing=self.keep_failing,
                log=self.reporter.message,
                progress=self.reporter.progress,
            )
        except exporter.ChecksFailedError as failure:
            raise ExportRejected(str(failure), _summarise(failure.result, check)) from None
        remember_model(path.read_bytes())
        return _summarise(report, check)


def add_features(run: Run, model: Any, streaming: bool) -> Any:
    """Return a beat classifier with its features as an output. Raises InputError where it has none."""
    if run.architecture.beat_features is None or streaming:
        raise InputError("features are an output of a beat classifier's whole file: export a run of htf_beat")
    return run.architecture.beat_features(model)


def default_name(arch: str, target: str, qat: bool, streaming: bool) -> str:
    """Return the name of the exported file: ARCH-int8, -rpi for that target, -qat if fine-tuned; ARCH-streaming."""
    if streaming:
        return f"{arch}-streaming.tflite"
    return f"{arch}-int8{find_target(target).file_suffix}{'-qat' if qat else ''}.tflite"


def _qat_epochs(windows) -> int:
    """Return the epochs of fine-tuning that make QAT_STEPS."""
    from export.quantise.qat import BATCH

    return -(-QAT_STEPS // max(1, windows.count(windows.training) // BATCH))


def _decision_chooser(run: Run, reporter: Reporter) -> Callable[[bytes], dict]:
    """Return a function that chooses the task's thresholds and the temperature of its probabilities anew, by the file's
    own outputs on the validation part.

    Rounding adds to a reconstruction's error, and with it to every score.
    """
    task, validation = run.task, run.examples("validation")
    if not task.decision.keys() - {"temperature"}:
        validation = validation.subsample(TEMPERATURE_WINDOWS)

    def choose(data: bytes) -> dict:
        count = reporter.counter("choosing thresholds", len(validation))
        return choose_decision(task, task.predict(TFLitePredictor(data), validation, count), validation)

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
