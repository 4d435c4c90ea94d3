"""From a recording to a label: load a model, predict arrays and WFDB records."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg_edge.data.examples import Examples, WindowSpec
from ecg_edge.data.recordings import prepare_records
from ecg_edge.records.record import Record, standard_lead
from ecg_edge.run import Run, load_embedder
from ecg_edge.tasks import TASKS
from ecg_edge.tasks.predictor import KerasPredictor, Predictor
from ecg_edge.tasks.task import Task
from ecg_edge.tflite_predictor import TFLitePredictor
from firmware_bench.runtime.errors import InputError, ModelError, unknown_name
from firmware_bench.runtime.metadata import ModelMetadata

REQUIRED_METADATA = ("task", "labels", "leads", "fs", "window")
MILLIVOLTS = {"V": 1e3, "mV": 1.0, "uV": 1e-3, "µV": 1e-3}
LOCALISATION_STEP_S = 0.1


@dataclasses.dataclass(frozen=True)
class WindowPrediction:
    """The prediction for one window of a recording.

    Attributes:
        start_s: Start of the window in s from the start of the recording; negative where it begins before it.
        probabilities: Probability of each label; empty for an anomaly detector.
        score: Anomaly score of the window; None for a classifier.
    """

    start_s: float
    probabilities: dict[str, float]
    score: float | None = None


@dataclasses.dataclass(frozen=True)
class Localisation:
    """Where in a recording an anomaly detector finds what is abnormal.

    Attributes:
        step_s: Duration of a step, s.
        errors: Lead → mean weighted squared reconstruction error of each step.
    """

    step_s: float
    errors: dict[str, list[float]]


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The prediction for one recording.

    Attributes:
        record: Name of the recording.
        label: The decision: a class, several labels, or "normal" or "abnormal".
        probabilities: Probability of each label; empty for an anomaly detector.
        windows: The prediction of each window (of each beat for a beat classifier), in order of time.
        seconds: Duration of the recording, s.
        score: Anomaly score of the recording; None for a classifier.
        threshold: Score from which a recording is abnormal; None for a classifier.
        rhythms: Per window its start in s and its rhythm, from a model that classifies rhythms window by window.
        beats: Per beat its time in s and its label, from a model that classifies beats.
        localisation: Where an anomaly detector finds what is abnormal; None for a classifier.
    """

    record: str
    label: str
    probabilities: dict[str, float]
    windows: tuple[WindowPrediction, ...]
    seconds: float
    score: float | None = None
    threshold: float | None = None
    rhythms: list[dict] | None = None
    beats: list[dict] | None = None
    localisation: Localisation | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the prediction as plain data, as `ecg-edge predict --json` prints it."""
        plain: dict[str, Any] = {"record": self.record, "label": self.label, "probabilities": self.probabilities}
        if self.score is not None:
            plain |= {"score": self.score, "threshold": self.threshold}
        plain |= {"windows": len(self.windows), "seconds": self.seconds}
        plain |= {name: getattr(self, name) for name in ("rhythms", "beats") if getattr(self, name) is not None}
        if self.localisation:
            plain["localisation"] = dataclasses.asdict(self.localisation)
        return plain


class EcgModel:
    """A trained model together with what is needed to label a recording with it. `load` makes one.

    Attributes:
        source: The file or the run that the model comes from.
        metadata: The metadata of the model.
        task: The task that turns the model's outputs into labels.
        window: Rate, length and preprocessing of the windows that the model takes.
    """

    def __init__(self, predictor: Predictor, metadata: ModelMetadata, source: str):
        self.source, self.metadata = source, metadata
        self.task, self.window = task_from_metadata(metadata, source)
        self._predictor = predictor

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
    ) -> Prediction:
        """Label a recording in memory.

        The signal is resampled, filtered and cut into windows as in training. Leads are found by their names.

        Args:
            signal: The recording, (samples,) for one lead or (samples, leads).
            fs: Its sampling rate, Hz.
            leads: Names of its columns, for example ["I", "II"]. May be left out where model and signal have one lead.
            units: Unit of its values: "mV", "uV" or "V".
            name: What the result and errors call the recording.
            localise: Whether an anomaly detector also computes where; that takes as long as the prediction.

        Returns:
            The label, the probabilities behind it, and the prediction of every window.

        Raises:
            InputError: The signal has another shape, gaps (NaN) or no samples, a lead of the model is missing, or the
                unit or the rate is unknown.

        Examples:
            >>> model.predict(signal, fs=360, leads=["II", "V1"]).label
            'NSR'
        """
        record = record_from_array(signal, fs, leads, units, name, self.leads)
        return self._predict(record, name, localise)

    def predict_record(self, path: Path | str, localise: bool = True) -> Prediction:
        """Label a recording in any format that ecg_edge.records reads.

        Args:
            path: The recording, with or without the suffix of one of its files.
            localise: As for `predict`.

        Returns:
            As `predict`; the name of the recording is its path without suffix.

        Raises:
            InputError: The record cannot be read, or it lacks a lead of the model. The line names the record.

        Examples:
            >>> model.predict_record("data/mitdb/100").label
            'NSR'
        """
        from ecg_edge.records.formats.format_registry import read_record

        record = read_record(Path(path))
        return self._predict(record, record.name, localise)

    def _predict(self, record: Record, name: str, localise: bool) -> Prediction:
        recordings = prepare_records([self.task.read(record)], self.leads, self.window.steps, self.fs)
        examples = self.task.inference_examples(recordings, self.window)
        summaries = self.task.predict(self._predictor, examples)
        (row,) = self.task.report(summaries, examples)
        errors = self.task.localise(self._predictor, examples) if localise else {}
        where = _average_steps(errors[0], self.leads, self.fs) if errors else None
        return Prediction(
            record=name,
            label=row["label"],
            probabilities=row["probabilities"],
            windows=_window_predictions(self.task, summaries, examples),
            seconds=row["seconds"],
            score=row.get("score"),
            threshold=row.get("threshold"),
            rhythms=row.get("rhythms"),
            beats=row.get("beats"),
            localisation=where,
        )


def load(path: Path | str) -> EcgModel:
    """Load a trained model.

    Args:
        path: A .tflite file exported by ecg-edge, or the folder of a run; a run needs Keras.

    Returns:
        The model, ready to predict.

    Raises:
        InputError: There is no such file or run, or the file does not describe its input.

    Examples:
        >>> model = ecg_edge.load("runs/demo/export/cnn_att_bilstm-int8.tflite")
        >>> model.labels, model.leads, model.fs
        (['AF', 'SNR'], ['I'], 250.0)
    """
    predictor, metadata = load_predictor(Path(path))
    return EcgModel(predictor, metadata, str(path))


def predict(
    model: Path | str, signal: np.ndarray, fs: float, leads: Sequence[str] | None = None, units: str = "mV"
) -> Prediction:
    """Load a model and label one recording in memory; to label several, `load` the model once.

    Args:
        model: As for `load`.
        signal: As for `EcgModel.predict`, like the arguments after it.
        fs: Sampling rate of the signal, Hz.
        leads: Names of the signal's columns.
        units: Unit of its values: "mV", "uV" or "V".

    Returns:
        The prediction.

    Raises:
        InputError: The model cannot be loaded, or it cannot take the signal.

    Examples:
        >>> ecg_edge.predict("model.tflite", signal, fs=250, leads=["I"]).label
        'AF'
    """
    return load(model).predict(signal, fs, leads, units)


def load_predictor(path: Path) -> tuple[Predictor, ModelMetadata]:
    """Load an exported file or a run.

    Args:
        path: The file or the folder.

    Returns:
        The model as a function of windows (see ecg_edge.tasks.predictor), and what describes its input.

    Raises:
        InputError: There is no such file or run, or it cannot be read.
    """
    if path.is_dir():
        run = Run(path)
        return KerasPredictor(run.model()), run.describe_model()
    if not path.exists() and not path.suffix and len(path.parts) == 1:
        raise InputError(f"no model {str(path)!r}: name a .tflite file or the folder of a run")
    predictor = TFLitePredictor(path)
    return predictor, predictor.metadata


def task_from_metadata(metadata: ModelMetadata, source: str) -> tuple[Task, WindowSpec]:
    """Make the task and the window specification that a model's metadata describe.

    Args:
        metadata: The metadata of the model.
        source: What errors call the model.

    Returns:
        The task, with its decision thresholds, and the windows of the model.

    Raises:
        InputError: Something is missing in the metadata, or they name an unknown task.
    """
    try:
        metadata.require(*REQUIRED_METADATA)
    except ModelError as error:
        raise InputError(f"{source}: {error}") from None
    name, options = metadata.task.name, metadata.task.options
    if name not in TASKS:
        raise unknown_name("task", name, TASKS)
    task_class = TASKS[name]
    try:
        task = task_class(metadata.labels, task_class.Options(**options), metadata.decision)
    except TypeError as error:
        raise InputError(f"{source}: its metadata do not describe task {name}: {error}: export it again") from None
    if options.get("embedder"):
        task.embed_beats = load_embedder(options["embedder"])
    return next(iter(task.variants().values())), WindowSpec.from_metadata(metadata)


def record_from_array(
    signal: np.ndarray, fs: float, leads: Sequence[str] | None, units: str, name: str, model_leads: Sequence[str]
) -> Record:
    """Make a record of a signal in memory.

    Args:
        signal: (samples,) or (samples, leads), in `units`.
        fs: Sampling rate, Hz.
        leads: Names of the columns, or None where signal and model have one lead.
        units: "mV", "uV" or "V".
        name: Name of the record.
        model_leads: The leads that the model takes.

    Returns:
        The record, its signal float32 (samples, leads) in mV.

    Raises:
        InputError: See `EcgModel.predict`.
    """
    if units not in MILLIVOLTS:
        raise unknown_name(f"unit of {name}", str(units), MILLIVOLTS)
    try:
        array, rate = np.asarray(signal, np.float64), float(fs)
    except (TypeError, ValueError):
        raise InputError(f"{name}: signal and fs have to be numbers") from None
    if not (np.isfinite(rate) and rate > 0):
        raise InputError(f"{name}: fs has to be a sampling rate in Hz above 0, not {fs}")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not array.size:
        raise InputError(f"{name}: the signal has to be (samples,) or (samples, leads), not {np.shape(signal)}")
    if leads is None:
        if len(model_leads) != 1 or array.shape[1] != 1:
            raise InputError(
                f"{name}: name the leads of its {array.shape[1]} columns (leads=…); the model takes "
                f"{' '.join(model_leads)}"
            )
        leads = model_leads
    names = (leads,) if isinstance(leads, str) else tuple(leads)
    if len(names) != array.shape[1]:
        raise InputError(
            f"{name}: {len(names)} leads are named ({' '.join(names)}), and the signal has shape {array.shape}: "
            "it has to be (samples, leads)"
        )
    names = tuple(map(standard_lead, names))
    if len(set(names)) != len(names):
        raise InputError(f"{name}: a lead is named twice: {' '.join(names)}")
    gaps = ~np.isfinite(array)
    if gaps.any():
        first = int(np.flatnonzero(gaps.any(axis=1))[0])
        raise InputError(
            f"{name}: {int(gaps.sum())} values are NaN or infinite, first at sample {first}: "
            "interpolate them or cut them off"
        )
    return Record(name, name, (array * MILLIVOLTS[units]).astype(np.float32), rate, names)


def _window_predictions(task: Task, summaries: np.ndarray, examples: Examples) -> tuple[WindowPrediction, ...]:
    """Return the prediction of each window of the only recording."""
    starts = (examples.starts / examples.window.fs).round(3).tolist()
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
