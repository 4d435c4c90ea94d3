"""Export a model that takes features of beats together with the beat classifier that computes them."""

import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecg_edge.api.export_examples import (
    CALIBRATION_WINDOWS,
    CHECK_WINDOWS,
    QAT_WINDOWS,
    CheckWindows,
    ExportExamples,
    make_windows,
)
from ecg_edge.embedding import BeatEmbedder, FileEmbedder
from ecg_edge.run import Run
from ecg_edge.tasks.beat_history import CLASSES, aami_classes
from ecg_edge.tasks.beats import BeatsTask
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import atomic_write
from firmware_bench.runtime.metadata import EmbedderMetadata, ModelMetadata, TaskMetadata
from firmware_bench.runtime.sampling import evenly_spaced

if TYPE_CHECKING:
    from ecg_edge.api.export_report import ExportReport
    from ecg_edge.api.run_export import Conversion
    from export.convert.conversion_job import ExportWindows


def export_pair(
    run: Run,
    embedder: BeatEmbedder,
    model: Any,
    metadata: ModelMetadata,
    examples: ExportExamples,
    path: Path,
    convert: "Conversion",
) -> "ExportReport":
    """Export a model that takes features of beats, and the beat classifier that computes them: `path` and beside it
    NAME-beats.tflite, which the metadata of `path` name by its digest. Both files are written, or none.

    The classifier is calibrated on the beats of the calibration windows. The model is calibrated, fine-tuned and
    checked with the features that the classifier's integer file computes, and its classes are compared with those of
    the two models in Keras as well.

    Returns:
        The report of the model; its checks begin with the classifier's, whose names begin with "beats: ".
    """
    if convert.streaming:
        raise InputError("a model of a window's beats is no stream: leave out streaming, and call it every few seconds")
    from export.convert.keras_model import keras_outputs

    labels, beats_path = run.task.options.labels, path.with_stem(f"{path.stem}-beats")
    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name) / beats_path.name
        convert.reporter.message("the beat classifier, with its features as an output")
        windows, check = select_beats(embedder, examples, labels)
        described = embedder.describe_model()
        classifier = convert(embedder.with_features(), windows, check, temporary, described)
        integer = FileEmbedder(temporary)
        integer.name = str(beats_path)

        convert.reporter.message("the model, with the features that the beat classifier's file computes")
        integer.advance = convert.reporter.advance("features of beats")
        whole = keras_outputs(model, examples.check_inputs())
        windows, check = make_windows(run.task, examples.replace_features(integer, labels))
        check.whole = whole
        options = {**metadata.task.options, "embedder": ""}  # a folder of this machine says nothing elsewhere
        named = EmbedderMetadata(beats_path.name, integer.metadata.digest)
        described = dataclasses.replace(metadata, task=TaskMetadata(metadata.task.name, options), embedder=named)
        made = Path(name) / path.name
        report = convert(model, windows, check, made, described)
        for source, target in ((temporary, beats_path), (made, path)):
            with atomic_write(target) as opened:
                opened.write_bytes(source.read_bytes())
    convert.reporter.message(f"{beats_path}: the beat classifier, {classifier.size:,} bytes; keep both files together")
    first = [dataclasses.replace(each, name=f"beats: {each.name}") for each in classifier.checks]
    return dataclasses.replace(report, path=path, checks=[*first, *report.checks])


def select_beats(embedder: BeatEmbedder, examples: ExportExamples, labels: str) -> "tuple[ExportWindows, CheckWindows]":
    """Select the beats that calibrate, fine-tune and check a beat classifier: those of the model's own windows.

    Args:
        embedder: The classifier.
        examples: The windows of the model that takes its features.
        labels: The labels of the beats before, as of BeatEmbedder.

    Returns:
        As `make_windows`.
    """
    recordings = examples.calibration.recordings

    def beats_of(parts, most):
        wanted = np.zeros(len(recordings.beat_times), bool)
        for part in parts:
            beats = part.window_beats(np.arange(len(part)))
            wanted[beats[beats >= 0]] = True
        chosen = np.flatnonzero(wanted)
        wanted[np.setdiff1d(chosen, chosen[evenly_spaced(len(chosen), most)])] = False
        return embedder.classify(recordings, labels, wanted)

    calibration = beats_of([examples.calibration], CALIBRATION_WINDOWS)
    checking = beats_of([examples.validation, examples.rest], CHECK_WINDOWS)
    checking = dataclasses.replace(checking, targets=aami_classes(recordings.beat_symbols)[checking.beats])
    training = [beats_of(examples.training, QAT_WINDOWS)] if examples.training else []
    return make_windows(BeatsTask(CLASSES), ExportExamples(calibration, checking, checking.take(slice(0)), training))
