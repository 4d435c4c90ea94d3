"""The export pipeline: convert → lint → parity → thresholds → final form → reference vectors → write.

What differs between 8 bits, 16 bits and a step is a strategy (export.convert.strategies). A file is written only when
it has passed every acceptance check.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from export.convert.conversion_job import Converted, ExportWindows
from export.convert.keras_model import keras_outputs, output_names, trainable_parameters
from export.convert.strategies import Histories, Progress, choose_strategy
from export.quantise.layer_error import LayerError
from export.reference_vectors import add_reference_vectors
from export.targets import MCU, find_target
from export.tflite import flatbuffer
from export.tflite.signature import describe_tensors
from export.verify.acceptance import AcceptanceCheck, ComparePredictions, Outputs, all_passed, list_not_made
from export.verify.calibration import check_clipping, check_window_count
from export.verify.parity import parity
from firmware_bench.runtime.errors import AcceptanceError, InputError
from firmware_bench.runtime.files import atomic_write
from firmware_bench.runtime.metadata import ModelMetadata
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.quantisation import quantise
from firmware_bench.runtime.sampling import evenly_spaced

JUDGING_WINDOWS = 16  # real ones that decide which damaged tables can change an answer


@dataclasses.dataclass(frozen=True)
class ExportResult:
    """The outcome of an export.

    Attributes:
        path: The file; None where a check failed and nothing was written.
        size: Bytes.
        checks: All acceptance checks.
        metadata: Those of the file.
        answers: Way of computing the model, such as "Keras, float" or "LiteRT" → its outputs on the check windows.
        layers: The error of every layer, worst first; empty for 16-bit activations.
    """

    path: Path | None
    size: int
    checks: Sequence[AcceptanceCheck]
    metadata: ModelMetadata
    answers: Mapping[str, Outputs]
    layers: Sequence[LayerError]


class ChecksFailedError(AcceptanceError):
    """A file was converted and failed acceptance checks.

    Attributes:
        result: All checks.
        kept: The file, where it was to be kept.
    """

    def __init__(self, result: ExportResult, kept: Path | None = None):
        self.result, self.kept = result, kept
        failed = [check for check in result.checks if check.failed]
        found = "; ".join(f"{check.name}: {check.measured}, required: {check.required}" for check in failed)
        worst = result.layers[0] if result.layers else None
        where = f" Worst layer: {worst.tensor} ({worst.operator}), {worst.sqnr_db:.1f} dB." if worst else ""
        outcome = f"{kept} is a file that failed" if kept else "nothing was written"
        super().__init__(
            f"{outcome}, {len(failed)} of {len(result.checks)} acceptance checks failed: {found}.{where} "
            f"Try this: {failed[0].remedy}"
        )


def export(
    model: keras.Model,
    windows: ExportWindows,
    path: Path,
    metadata: ModelMetadata,
    compare_predictions: ComparePredictions,
    *,
    target: str = MCU.name,
    qat_epochs: int = 0,
    streaming: bool = False,
    histories: Histories | None = None,
    choose_decision: Callable[[bytes], dict] | None = None,
    keep_failing: Path | None = None,
    log: Callable[[str], None] = lambda text: None,
    progress: Progress = lambda stage, done, total: None,
) -> ExportResult:
    """Exports a trained model as an integer TFLite file that describes itself, if it passes every acceptance check.

    Args:
        model: The trained model.
        windows: Calibration windows, other windows to check the file with, and with `qat_epochs` some to train on.
        path: The file to write.
        metadata: What the caller knows: labels, fs, leads, preprocessing, …. Quantisation, parity figures and
            reference vectors are added.
        compare_predictions: (outputs of the float model, outputs of the file) → acceptance checks of the predictions,
            and their figures; for example with export.verify.prediction_agreement.check_predictions.
        target: Name of a row of export.targets.
        qat_epochs: Epochs of quantisation-aware training; 0 for calibration alone.
        streaming: Whether to write one step with its states as inputs and outputs instead of a whole window.
        histories: Inputs that hold earlier examples (export.convert.history_step); used with `streaming`.
        choose_decision: File → the task's thresholds, chosen on the file's own outputs; None where it has none.
        keep_failing: Where to write a file that fails, for a look at its arena; its name then says "failed".
        log: Called with a line of text for each stage.
        progress: Called with (stage, done, total) during the conversion.

    Returns:
        The outcome.

    Raises:
        InputError: The model cannot be exported this way; the message says why.
        ConversionError: No file comes out of the converter.
        ChecksFailedError: An acceptance check failed. No error leaves a file.
    """
    count, check_count = windows.count(windows.calibration), windows.count(windows.check)
    if not count or not check_count:
        raise InputError(f"{count} calibration and {check_count} parity windows: export needs some of both")
    checks = [check_window_count(count)]
    strategy = choose_strategy(model, find_target(target), qat_epochs, streaming, histories)
    model, windows = strategy.prepare(model, windows)
    log(f"converting in a child process, calibrated on {count} windows")
    converted = strategy.convert(model, windows, progress)
    names = output_names(model, converted.data)
    description = _describe(model, converted.data, names, strategy.describe(model, metadata))
    data = converted.data
    checks += strategy.lint(data)
    answers: dict[str, Outputs] = {}
    runs = not any(check.failed for check in checks[1:])  # a runtime may crash on what the lint refuses
    if runs:
        log(f"comparing the file with Keras on {check_count} windows")
        data = flatbuffer.set_metadata(data, description)
        expected = keras_outputs(model, windows.check)
        measured = parity(data, windows.check, expected, compare_predictions)
        answers = {"Keras, float": expected, **_fake_quantised(converted, names), **measured.answers}
        checks += [*_check_clipping(description, windows), *measured.checks]
        description = dataclasses.replace(description, metrics={"parity": measured.figures})
    if all_passed(checks):
        if choose_decision:
            description = dataclasses.replace(description, decision=choose_decision(data))
        data = flatbuffer.set_metadata(data, description)
        data, description, more = strategy.finish(data, description, windows)
        checks += more
    if not_made := list_not_made(checks):
        metrics = {"parity": {**description.metrics.get("parity", {}), "not_made": not_made}}
        description = dataclasses.replace(description, metrics=metrics)
    if all_passed(checks):
        log("choosing reference vectors that notice every damaged table of constants")
        data = add_reference_vectors(data, description, strategy.reference_vectors, _real_windows(description, windows))
        description = read_metadata(data)
        log(_describe_score(description))
    result = ExportResult(path, len(data), checks, description, answers, converted.layers)
    if all_passed(checks):
        _write(path, data)
        return result
    kept = None
    if keep_failing:
        kept = keep_failing if "failed" in keep_failing.stem else keep_failing.with_stem(f"{keep_failing.stem}-failed")
        _write(kept, add_reference_vectors(data, description) if runs else flatbuffer.set_metadata(data, description))
    raise ChecksFailedError(dataclasses.replace(result, path=None), kept)


def _describe(model: keras.Model, data: bytes, names: Mapping[str, str], metadata: ModelMetadata) -> ModelMetadata:
    """The caller's metadata with those of the converted file."""
    made, (inputs, outputs) = read_metadata(data), describe_tensors(data, names)
    return dataclasses.replace(
        metadata,
        parameters=trainable_parameters(model),
        inputs=inputs,
        outputs=outputs,
        quantisation=made.quantisation,
        streaming=made.streaming,
    )


def _real_windows(description: ModelMetadata, windows: ExportWindows) -> list[list[np.ndarray]]:
    """A few of the windows that check the file, as it takes them; none where it takes other inputs, as a step does."""
    if any(windows.check.get(tensor.name, np.zeros(0)).shape[1:] != tensor.shape[1:] for tensor in description.inputs):
        return []
    return [
        [quantise(windows.check[t.name][n : n + 1], t.scale, t.zero_point, t.dtype) for t in description.inputs]
        for n in evenly_spaced(windows.count(windows.check), JUDGING_WINDOWS)
    ]


def _describe_score(description: ModelMetadata) -> str:
    """What the reference vectors notice, in a line."""
    score = description.reference and description.reference.mutation
    if score is None:
        return "reference vectors of float outputs: damaged tables were not tried"
    silent = f"; not noticed: {', '.join(score.silent)}" if score.silent else ""
    return f"reference vectors notice the damage of {score.noticed} of {score.tables} tables of constants{silent}"


def _fake_quantised(converted: Converted, names: Mapping[str, str]) -> dict[str, Outputs]:
    """The outputs of the fake-quantised model, where there is one, by their names in Keras."""
    checked = {names[name]: values for name, values in converted.checked.items()}
    return {"fake-quantised": checked} if checked else {}


def _check_clipping(description: ModelMetadata, windows: ExportWindows) -> list[AcceptanceCheck]:
    """The check of the inputs that the file has in common with the windows."""
    inputs = {tensor.name: tensor for tensor in description.inputs}
    return [check_clipping(inputs, windows.check)] if inputs.keys() & windows.check.keys() else []


def _write(path: Path, data: bytes) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)
