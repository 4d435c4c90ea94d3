"""Rhythm of a bout from its beats: the examples of ecg_edge.tasks.rhythm_bouts, seen as sequences of beats.

A beat is described by the features that a beat classifier has of it (`embedder`, a run of htf_beat), which look at its
waveform, its RR intervals and the labels before it; or, where there are annotations alone, by those RR intervals and
labels. In both cases labels are the beat classifier's own, the annotated ones, or none.
"""

import dataclasses
from typing import Literal

import numpy as np

from ecg_edge.data.examples import Examples
from ecg_edge.tasks.beats import LONGEST_RR, UNKNOWN, BeatsTask, aami_classes, history
from ecg_edge.tasks.rhythm_bouts import RhythmBoutsTask
from ecg_edge.tasks.task import Options

BEATS = 32  # at most in a window; of more, so many are taken, spread evenly


@dataclasses.dataclass(frozen=True)
class BeatSequences(Examples):
    """Windows as sequences of beats. known: int8, the class of each of all recordings' beats that the model may know.
    features: float32 (all recordings' beats, k) of a beat classifier, or None."""

    known: np.ndarray = None
    features: np.ndarray = None

    def batch(self, positions):
        """{"features": (n, BEATS, k), or "history": (n, BEATS, 20), and "rr": (n, BEATS, 1) s to the beat before,
        0 for a window's first, "weights": (n, BEATS) 1 / number of beats, 0 for padding} float32."""
        records = self.records[positions]
        beats = self._beats(records, self.starts[positions])  # (n, BEATS)
        valid = beats >= 0
        flat, owner = beats[valid], np.broadcast_to(records[:, None], beats.shape)[valid]
        before, labels = history(self.recordings, owner, flat, self.known)
        rr = np.zeros((*beats.shape, 1), np.float32)
        rr[valid, 0] = before[:, -1]
        rr[:, 0] = 0.0
        weights = valid / np.maximum(valid.sum(axis=1, keepdims=True), 1)
        inputs = {"rr": np.clip(rr, 0.0, LONGEST_RR), "weights": weights.astype(np.float32)}
        if self.features is None:
            described = np.concatenate([before, labels.reshape(len(flat), np.prod(labels.shape[1:]))], axis=1)
            return {"history": _padded(described, valid), **inputs}
        return {"features": _padded(self.features[flat], valid), **inputs}

    def _beats(self, records, starts):
        """The beats of each window, as positions among all recordings' beats, -1 for padding: int64 (n, BEATS)."""
        found = np.full((len(records), BEATS), -1, np.int64)
        for row, record, start in zip(found, records, starts, strict=True):
            times, _ = self.recordings.beats(record)
            bounds = np.array([start, start + self.window.samples]) / self.window.fs
            first, stop = np.searchsorted(times, bounds)
            own = np.arange(first, stop)
            if len(own) > BEATS:
                own = own[np.linspace(0, len(own) - 1, BEATS).round().astype(int)]
            row[: len(own)] = own + self.recordings.beat_starts[record]
        return found


def _padded(values, valid):
    """(beats, k) → (n, BEATS, k), zeros where not `valid` (n, BEATS)."""
    padded = np.zeros((*valid.shape, values.shape[1]), np.float32)
    padded[valid] = values
    return padded


@dataclasses.dataclass(frozen=True)
class BeatRhythmOptions(Options):
    """embedder: the folder of a run of htf_beat, "" for beats known by times and labels alone. labels: those of the
    beats before, the embedder's "own", the annotated ("true") ones, or "none"."""

    embedder: str = ""
    labels: Literal["own", "true", "none"] = "own"


class BeatRhythmTask(RhythmBoutsTask):
    """See the module."""

    name = "beat_rhythm"
    reading = "beats"
    Options = BeatRhythmOptions

    @classmethod
    def read(cls, record):
        return BeatsTask.read(record)

    def input_length(self, window):
        """Beats, not samples of the ECG."""
        return BEATS

    def inference_examples(self, recordings, window):
        windows = super().inference_examples(recordings, window)
        return self.make(*(getattr(windows, field.name) for field in dataclasses.fields(windows)))

    def make(self, recordings, *fields):
        unknown = np.full(len(recordings.beat_times), UNKNOWN, np.int8)
        known = aami_classes(recordings.beat_symbols) if self.options.labels == "true" else unknown
        features = self.embed_beats(recordings, self.options.labels) if self.embed_beats else None
        return BeatSequences(recordings, *fields, known=known, features=features)
