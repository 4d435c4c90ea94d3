"""Rhythm of a bout from its beats: the examples of ecg_edge.tasks.rhythm_bouts as sequences of beats.

A beat is represented by the features of a beat classifier (`embedder`, a run of such a model), which sees its waveform,
its RR intervals and the labels before it; or, where there are annotations only, by those RR intervals and labels. In
both cases the labels are the beat classifier's own, the annotated ones, or none.
"""

import dataclasses
from typing import Literal

import numpy as np

from ecg_edge.data.examples import Examples
from ecg_edge.tasks.beat_history import aami_classes, history, unknown_classes
from ecg_edge.tasks.beats import BeatsTask
from ecg_edge.tasks.rhythm_bouts import RhythmBoutsTask
from ecg_edge.tasks.task import TaskOptions
from firmware_bench.runtime.sampling import evenly_spaced

BEATS = 32  # in a window, at most; of more, so many are taken, evenly spaced


@dataclasses.dataclass(frozen=True)
class BeatSequences(Examples):
    """Windows as sequences of beats.

    Attributes:
        known: int8, the class of each of all recordings' beats, UNKNOWN where the model may not know it.
        features: float32 (all recordings' beats, k), of a beat classifier, or None.
    """

    known: np.ndarray = dataclasses.field(kw_only=True)
    features: np.ndarray | None = None

    def batch(self, positions):
        """{"features": (n, BEATS, k), or "history": (n, BEATS, 20), and "rr": (n, BEATS, 1) s to the beat before,
        0 for a window's first, "weights": (n, BEATS) 1 / number of beats, 0 for padding} float32."""
        records = self.records[positions]
        beats = self.window_beats(positions)
        valid = beats >= 0
        flat, owner = beats[valid], np.broadcast_to(records[:, None], beats.shape)[valid]
        before, labels = history(self.recordings, owner, flat, self.known)
        rr = np.zeros((*beats.shape, 1), np.float32)
        rr[valid, 0] = before[:, -1]
        rr[:, 0] = 0.0
        weights = valid / np.maximum(valid.sum(axis=1, keepdims=True), 1)
        inputs = {"rr": rr, "weights": weights.astype(np.float32)}
        if self.features is None:
            flat_labels = labels.reshape(len(flat), np.prod(labels.shape[1:]))  # (beats, 15)
            return {"history": _pad(np.concatenate([before, flat_labels], axis=1), valid), **inputs}
        return {"features": _pad(self.features[flat], valid), **inputs}

    def window_beats(self, positions):
        """The beats of each window, as positions among all recordings' beats, -1 for padding: int64 (n, BEATS)."""
        records, starts = self.records[positions], self.starts[positions]
        beats = np.full((len(records), BEATS), -1, np.int64)
        for row, record, start in zip(beats, records, starts, strict=True):
            times, _ = self.recordings.beats(record)
            bounds = np.array([start, start + self.window.samples]) / self.window.fs
            first, stop = np.searchsorted(times, bounds)
            own = first + evenly_spaced(stop - first, BEATS)
            row[: len(own)] = own + self.recordings.beat_starts[record]
        return beats


def _pad(values, valid):
    """(beats, k) → (n, BEATS, k), zeros where not `valid` (n, BEATS)."""
    padded = np.zeros((*valid.shape, values.shape[1]), np.float32)
    padded[valid] = values
    return padded


@dataclasses.dataclass(frozen=True)
class BeatRhythmOptions(TaskOptions):
    """embedder: the folder of a beat classifier's run, "" for beats represented by times and labels only. labels: those
    of the beats before, the embedder's "own", the annotated ("true") ones, or "none"."""

    embedder: str = ""
    labels: Literal["own", "true", "none"] = "own"


class BeatRhythmTask(RhythmBoutsTask):
    """One class per bout, from its beats. Targets are positions in `classes`."""

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
        return self.make_examples(super().inference_examples(recordings, window))

    def make_examples(self, windows):
        recordings, labels = windows.recordings, self.options.labels
        known = (
            aami_classes(recordings.beat_symbols) if labels == "true" else unknown_classes(len(recordings.beat_times))
        )
        records = np.unique(windows.records)
        features = self.embed_beats(recordings, labels, records) if self.embed_beats else None
        fields = {field.name: getattr(windows, field.name) for field in dataclasses.fields(windows)}
        return BeatSequences(**fields, known=known, features=features)
