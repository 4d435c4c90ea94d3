"""From a recording to a label: load a model, predict arrays and recordings in files."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg_edge.api.input_check import check_input, refuse_problems
from ecg_edge.api.model_loading import find_embedder, load_predictor, task_from_metadata
from ecg_edge.api.prediction_result import (
    FailedPrediction,
    Localisation,
    Prediction,
    Reconstruction,
    WindowPrediction,
)
from ecg_edge.data.examples import Examples
from ecg_edge.data.recordings import Recordings, prepare_records
from ecg_edge.records.array_record import record_from_array
from ecg_edge.records.quality import SignalQuality
from ecg_edge.records.record import Record
from ecg_edge.records.record_error import describe_error
from ecg_edge.tasks.predictor import Predictor
from ecg_edge.tasks.task import Task
from ecg_edge.zoo import find_model
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ModelMetadata

LOCALISATION_STEP_S = 0.1


class EcgModel:
    """A trained model together with what is needed to label a recording with it. `load` makes one.

    Attributes:
        source: The file or the run that the model comes from.
        metadata: The metadata of the model.
        task: The task that turns the model's outputs into labels.
        window: Rate, length and preprocessing of the windows that the model takes.
        predictor: The model as a function of windows.
    """

    def __init__(self, predictor: Predictor, metadata: ModelMetadata, source: str, embedder: Path | None = None):
        self.source, self.metadata, self.predictor = source, metadata, predictor
        self.task, self.window = task_from_metadata(metadata, source, embedder)

    @property
    def labels(self) -> list[str]:
        """The labels that the model knows, in the order of its outputs."""
        return list(self.metadata.labels)

    @property
    def leads(self) -> list[str]:
        """The leads that the model takes."""
        return list(self.metadata.leads)

    @property
    def fs(self) -> float:
        """Sampling rate of the model's windows, Hz; recordings are resampled to it."""
        return self.window.fs

    def predict(
        self,
        signal: np.ndarray,
        fs: float,
        leads: Sequence[str] | None = None,
        units: str = "mV",
        name: str = "signal",
        localise: bool = True,
        force: bool = False,
        tta: int = 1,
        unsure_below: float | None = None,
    ) -> Prediction:
        """Label a recording in memory.

        The signal is resampled, filtered and cut into windows as in training. Leads are found by their names.

        Args:
            signal: The recording, (samples,) for one lead or (samples, leads).
            fs: Its sampling rate, Hz.
            leads: Names of its columns, for example ["I", "II"]. May be left out where model and signal have one lead.
            units: Unit of its values: "mV", "uV", "V" or "nV"; or "NU" (normalised units), for a model that takes them.
            name: What the result and errors call the recording.
            localise: Whether an anomaly detector also computes where; that takes as long as the prediction.
            force: Predict also what the model cannot judge; the result's `quality` says why it cannot.
            tta: Test-time augmentation: the outputs for so many windows, shifted against each other by at most half a
                stride, are averaged. A recording no longer than a window has one.
            unsure_below: The result is `unsure` where its largest probability is below this, of a model with one label
                for a recording; its `label` stays. None: no result is.

        Returns:
            The label, the probabilities behind it, and the prediction of every window.

        Raises:
            InputError: The signal has another shape, gaps (NaN) or no samples, a lead of the model is missing, or the
                unit or the rate is unknown; or the model cannot judge it: see `ecg_edge.api.input_check.check_input`.

        Examples:
            >>> model.predict(signal, fs=360, leads=["II", "V1"]).label
            'NSR'
        """
        return self._predict(
            *self.prepare(record_from_array(signal, fs, leads, units, name, self.leads, force), force),
            localise,
            tta,
            unsure_below,
        )

    def predict_record(
        self,
        path: Path | str,
        localise: bool = True,
        fs: float | None = None,
        units: str | None = None,
        leads: Sequence[str] | str | None = None,
        rename_leads: Mapping[str, str] | Sequence[str] | None = None,
        force: bool = False,
        tta: int = 1,
        unsure_below: float | None = None,
    ) -> Prediction:
        """Label a recording in any format that ecg_edge.records reads.

        Args:
            path: The recording, with or without the suffix of one of its files.
            localise: As for `predict`.
            fs: Sampling rate, Hz, of a file that does not state it.
            units: Unit, "mV", "uV", "V", "nV" or "NU" (normalised units), of a file that does not state it.
            leads: Names of the columns of a file that does not state them.
            rename_leads: Lead in the file → name to use, for example {"Lead A": "V1"}.
            force: As for `predict`.
            tta: As for `predict`.
            unsure_below: As for `predict`.

        Returns:
            As `predict`; the name of the recording is its path without suffix.

        Raises:
            InputError: The record cannot be read, it lacks a lead of the model, it states otherwise than `fs`, `units`
                or `leads`, or the model cannot judge it. The line names the record.

        Examples:
            >>> model.predict_record("data/mitdb/100").label
            'NSR'
        """
        from ecg_edge.records.formats.format_registry import read_record
        from ecg_edge.records.signal_description import describe_signal

        stated = describe_signal(fs, units, leads, rename_leads)
        prepared = self.prepare(read_record(Path(path), stated=stated), force)
        return self._predict(*prepared, localise, tta, unsure_below)

    def predict_each(self, paths: Iterable[Path | str], **options: Any) -> Iterator[Prediction | FailedPrediction]:
        """Label recordings one after the other; one that fails does not keep the others from being labelled.

        Args:
            paths: The recordings.
            **options: As for `predict_record`.

        Yields:
            For each recording its prediction, or why there is none.
        """
        for path in paths:
            try:
                yield self.predict_record(path, **options)
            except InputError as error:
                yield FailedPrediction(str(path), str(error))
            except Exception as error:  # of a reader, which any file may surprise
                yield FailedPrediction(str(path), f"{path} cannot be predicted: {describe_error(error)}")

    def reconstruct(
        self,
        signal: np.ndarray,
        fs: float,
        leads: Sequence[str] | None = None,
        units: str = "mV",
        name: str = "signal",
    ) -> Reconstruction:
        """Return what an autoencoder makes of a recording.

        Args:
            signal: As for `predict`, like the arguments after it.
            fs: Sampling rate of the signal, Hz.
            leads: Names of the signal's columns.
            units: Unit of its values.
            name: What errors call the recording.

        Returns:
            The preprocessed recording and its reconstruction.

        Raises:
            InputError: As for `predict`, or the model reconstructs nothing.
        """
        if self.task.output != "reconstruction":
            raise InputError(f"{self.source} is no autoencoder: it reconstructs nothing")
        record = record_from_array(signal, fs, leads, units, name, self.leads)
        examples = self.task.inference_examples(self.prepare(record, force=False)[0], self.window)
        ((ecg, reconstruction),) = self.task.reconstruct(self.predictor, examples).values()
        return Reconstruction(self.fs, tuple(self.leads), ecg, reconstruction)

    def prepare(self, record: Record, force: bool) -> tuple[Recordings, SignalQuality]:
        """Check and preprocess a recording. The caller keeps no reference to the raw signal, so that it is freed.

        Args:
            record: The recording.
            force: As for `predict`.

        Returns:
            The recording as the model takes it, and what is known of its signal.

        Raises:
            InputError: The model cannot judge it, or it lacks a lead of the model.
        """
        record = record.put_leads_first(self.metadata.lead_order)
        quality = refuse_problems(record.name, check_input(record, self.metadata, self.window), force)
        record = self.task.read(record)
        if self.task.reading == "beats" and record.beats is not None and not len(record.beats.samples):
            problems = (*quality.problems, "no heart beat was found in it")
            quality = refuse_problems(record.name, dataclasses.replace(quality, problems=problems), force)
        return prepare_records([record], self.leads, self.window.steps, self.fs, [quality]), quality

    def _predict(
        self, recordings: Recordings, quality: SignalQuality, localise: bool, tta: int, unsure_below: float | None
    ) -> Prediction:
        if tta < 1:
            raise InputError(f"the mean of {tta} windows: tta is 1 or more")
        if unsure_below is not None:
            self._require_one_label(unsure_below)
        examples = self.task.inference_examples(recordings, self.window)
        summaries = self.task.predict_views(self.predictor, examples, tta)
        (row,) = self.task.report(summaries, examples)
        errors = self.task.localise(self.predictor, examples) if localise else {}
        where = _average_steps(errors[0], self.leads, self.fs) if errors else None
        return Prediction(
            record=recordings.entries[0].name,
            label=row["label"],
            probabilities=row["probabilities"],
            windows=_window_predictions(self.task, summaries, examples),
            seconds=row["seconds"],
            score=row.get("score"),
            threshold=row.get("threshold"),
            rhythms=row.get("rhythms"),
            beats=row.get("beats"),
            localisation=where,
            quality=quality,
            unsure=None if unsure_below is None else max(row["probabilities"].values()) < unsure_below,
        )

    def _require_one_label(self, unsure_below: float) -> None:
        """Refuse a limit that is no probability, and one for a model whose recordings have no one label."""
        if not 0 <= unsure_below <= 1:
            raise InputError(f"unsure below {unsure_below:g}: a probability is from 0 to 1")
        if self.task.output != "classes" or self.task.name == "beats":
            raise InputError(f"{self.source} has no one label with a probability for a recording: it cannot be unsure")


def load(path: Path | str, embedder: Path | str | None = None) -> EcgModel:
    """Load a trained model.

    Args:
        path: The name of a shipped model (`ecg_edge.zoo`), a .tflite file exported by ecg-edge, or the folder of a run;
            a run needs Keras.
        embedder: The file or the run of the beat classifier whose features the model takes, where it takes some and
            neither the classifier's file lies beside `path` nor a run around `path` holds the classifier.

    Returns:
        The model, ready to predict.

    Raises:
        InputError: There is no such file or run, the file does not describe its input, or it needs an embedder.

    Examples:
        >>> model = ecg_edge.load("af-single-lead-small")
        >>> model.labels, model.leads, model.fs
        (['N', 'A', 'O', '~'], ['I'], 125.0)
    """
    found = find_model(path)
    predictor, metadata = load_predictor(found)
    beats = find_model(embedder) if embedder else find_embedder(found, metadata)
    return EcgModel(predictor, metadata, str(path), beats)


def predict(
    model: Path | str, signal: np.ndarray, fs: float, leads: Sequence[str] | None = None, units: str = "mV"
) -> Prediction:
    """Load a model and label one recording in memory; to label several, `load` the model once.

    Args:
        model: As for `load`.
        signal: As for `EcgModel.predict`, like the arguments after it.
        fs: Sampling rate of the signal, Hz.
        leads: Names of the signal's columns.
        units: Unit of its values, as for `EcgModel.predict`.

    Returns:
        The prediction.

    Raises:
        InputError: The model cannot be loaded, or it cannot take the signal.

    Examples:
        >>> ecg_edge.predict("model.tflite", signal, fs=250, leads=["I"]).label
        'AF'
    """
    return load(model).predict(signal, fs, leads, units)


def _window_predictions(task: Task, summaries: np.ndarray, examples: Examples) -> tuple[WindowPrediction, ...]:
    """Return the prediction of each window of the only recording."""
    starts = (examples.starts / examples.window.fs).round(3).tolist()
    summaries = task.calibrate(summaries)
    if task.output == "reconstruction":
        scores = task.decide(summaries).round(6).tolist()
        return tuple(WindowPrediction(start, {}, score) for start, score in zip(starts, scores, strict=True))
    return tuple(
        WindowPrediction(start, dict(zip(task.classes, row, strict=True)))
        for start, row in zip(starts, np.asarray(summaries, np.float64).round(6).tolist(), strict=True)
    )


def _average_steps(errors: np.ndarray, leads: Sequence[str], fs: float) -> Localisation:
    """Return the means of errors (samples, leads) over steps of LOCALISATION_STEP_S."""
    steps = np.array_split(errors, max(1, round(len(errors) / (LOCALISATION_STEP_S * fs))))
    means = np.array([step.mean(axis=0) for step in steps]).round(5)
    return Localisation(LOCALISATION_STEP_S, dict(zip(leads, means.T.tolist(), strict=True)))
