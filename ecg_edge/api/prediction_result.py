"""What a model says about a recording."""

import dataclasses
from typing import Any

import numpy as np

from ecg_edge.records.quality import SignalQuality

UNSURE = "unsure"


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
class Reconstruction:
    """What an autoencoder makes of a recording.

    Attributes:
        fs: Sampling rate of both signals, Hz: the model's.
        leads: Names of their columns.
        ecg: float32 (samples, leads), the recording as the model takes it, preprocessed.
        reconstruction: float32 (samples, leads), the mean over the windows that contain a sample.
    """

    fs: float
    leads: tuple[str, ...]
    ecg: np.ndarray
    reconstruction: np.ndarray


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
        quality: What is known of the signal without a model; with `forced`, the model cannot judge it.
        unsure: Whether the largest probability is below the limit that was asked for; None where none was.
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
    quality: SignalQuality | None = None
    unsure: bool | None = None

    @property
    def shown_label(self) -> str:
        """The label to show: "unsure" where the model may say so and is, otherwise `label`."""
        return UNSURE if self.unsure else self.label

    def to_dict(self, windows: bool = False) -> dict[str, Any]:
        """Return the prediction as plain data, as `ecg-edge predict --json` prints it.

        Args:
            windows: Whether to add "window_predictions", the prediction of each window.
        """
        plain: dict[str, Any] = {"record": self.record, "label": self.label, "probabilities": self.probabilities}
        if self.unsure is not None:
            plain |= {"shown_label": self.shown_label, "unsure": self.unsure}
        if self.score is not None:
            plain |= {"score": self.score, "threshold": self.threshold}
        if self.quality is not None:
            plain["quality"] = self.quality.to_dict()
        plain |= {"windows": len(self.windows), "seconds": self.seconds}
        plain |= {name: getattr(self, name) for name in ("rhythms", "beats") if getattr(self, name) is not None}
        if self.localisation:
            plain["localisation"] = dataclasses.asdict(self.localisation)
        if windows:
            plain["window_predictions"] = [dataclasses.asdict(window) for window in self.windows]
        return plain


@dataclasses.dataclass(frozen=True)
class FailedPrediction:
    """A recording that could not be predicted.

    Attributes:
        record: As it was named.
        error: Why, in one line that names it.
    """

    record: str
    error: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, as `ecg-edge predict --json` prints it."""
        return dataclasses.asdict(self)
