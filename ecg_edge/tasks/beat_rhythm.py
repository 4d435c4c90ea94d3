"""Rhythm of a bout from its beats: the examples of ecg_edge.tasks.rhythm_bouts as sequences of beats.

A beat is represented by the features of a beat classifier (`embedder`, a run of such a model): its fused ones, of the
waveform, the RR intervals and the labels before the beat; or plain ones, the RR intervals and the probabilities of its
classes. Plain features need no waveform: where there are annotations only, the class is the annotated one, or none.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Literal

import numpy as np

from ecg_edge.data.examples import Examples, WindowSpec
from ecg_edge.tasks.beat_history import BEFORE, CLASSES, aami_classes, history, unknown_classes
from ecg_edge.tasks.beats import BeatsTask
from ecg_edge.tasks.rhythm_bouts import RhythmBoutsTask
from ecg_edge.tasks.task import Task, TaskOptions
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.sampling import evenly_spaced

BEATS = 32  # in a window of 10 s and more, at most; of more, so many are taken, evenly spaced
BEATS_PER_S = 3.2  # at most, in a shorter window
PLAIN = BEFORE + len(CLASSES)  # features of a beat: RR intervals, then the probabilities of the classes


@dataclasses.dataclass(frozen=True)
class BeatSequences(Examples):
    """Windows as sequences of beats.

    Attributes:
        known: int8, the class of each of all recordings' beats, UNKNOWN where the model may not know it.
        features: float32 (all recordings' beats, k), of a beat classifier, or None. Beats of recordings without signal
            have plain features of `known` instead.
        hidden: bool (n,), whether a window's plain features tell no classes.
        hide: share of the windows whose classes an epoch of training hides.
    """

    known: np.ndarray = dataclasses.field(kw_only=True)
    features: np.ndarray | None = None
    hidden: np.ndarray = dataclasses.field(kw_only=True)
    hide: float = 0.0

    def batch(self, positions):
        """{"features": (n, places, k), "rr": (n, places, 1) s to the beat before, 0 for a window's first, "weights":
        (n, places) 1 / number of beats, 0 for padding} float32."""
        records = self.records[positions]
        beats = self.window_beats(positions)
        valid = beats >= 0
        flat, owner = beats[valid], np.broadcast_to(records[:, None], beats.shape)[valid]
        before, _ = history(self.recordings, owner, flat, self.known)
        rr = np.zeros((*beats.shape, 1), np.float32)
        rr[valid, 0] = before[:, -1]
        rr[:, 0] = 0.0
        weights = valid / np.maximum(valid.sum(axis=1, keepdims=True), 1)
        plain = np.concatenate([before, self.known[flat][:, None] == np.arange(len(CLASSES))], axis=1)
        values = plain if self.features is None else np.array(self.features[flat])
        if values.shape[1] == PLAIN:
            unseen = ~self.recordings.has_signal()[owner]
            values[unseen] = plain[unseen]
            values[np.broadcast_to(self.hidden[positions][:, None], beats.shape)[valid], BEFORE:] = 0.0
        features = np.zeros((*valid.shape, values.shape[1]), np.float32)
        features[valid] = values
        return {"features": features, "rr": rr, "weights": weights.astype(np.float32)}

    def window_beats(self, positions):
        """The beats of each window, as positions among all recordings' beats, -1 for padding: int64 (n, places)."""
        records, starts = self.records[positions], self.starts[positions]
        beats = np.full((len(records), count_places(self.window)), -1, np.int64)
        for row, record, start in zip(beats, records, starts, strict=True):
            times, _ = self.recordings.beats(record)
            bounds = np.array([start, start + self.window.samples]) / self.window.fs
            first, stop = np.searchsorted(times, bounds)
            own = first + evenly_spaced(stop - first, len(row))
            row[: len(own)] = own + self.recordings.beat_starts[record]
        return beats

    def take(self, positions):
        return dataclasses.replace(super().take(positions), hidden=self.hidden[positions])

    def draw_epoch(self, *seed):
        """With every start, and the windows whose classes are hidden, drawn anew."""
        drawn = super().draw_epoch(*seed)
        hidden = np.random.default_rng([*seed, len(self)]).random(len(self)) < self.hide if self.hide else self.hidden
        return dataclasses.replace(drawn, hidden=hidden)


def count_places(window: WindowSpec) -> int:
    """The number of beats that a window has at most, an even one."""
    return min(BEATS, 2 * math.ceil(BEATS_PER_S * window.samples / window.fs / 2))


@dataclasses.dataclass(frozen=True)
class BeatRhythmOptions(TaskOptions):
    """embedder: the folder of a beat classifier's run, "" for beats represented by times and classes only. labels: what
    an embedder is told of the beats before, its "own" labels, the annotated ("true") ones, or "none"; without embedder
    the classes of the beats themselves, "true" or "none". hide: the share of training windows whose classes are hidden,
    so that the model serves RR intervals alone as well."""

    embedder: str = ""
    labels: Literal["own", "true", "none"] = "own"
    hide: float = 0.0


class BeatRhythmTask(RhythmBoutsTask):
    """One class per bout, from its beats. Targets are positions in `classes`.

    Args:
        hides: predictions are made from RR intervals alone.
    """

    name = "beat_rhythm"
    reading = "beats"
    annotations_suffice = True
    Options = BeatRhythmOptions

    def __init__(self, classes, options=None, decision=None, hides: bool = False):
        super().__init__(classes, options, decision)
        self.hides = hides

    @classmethod
    def read(cls, record):
        return BeatsTask.read(record)

    def input_length(self, window):
        """Beats, not samples of the ECG."""
        return count_places(window)

    def examples(self, recordings, names, window, training=False):
        made = super().examples(recordings, names, window, training)
        return dataclasses.replace(made, hide=self.options.hide if training else 0.0)

    def inference_examples(self, recordings, window):
        return self.make_examples(super().inference_examples(recordings, window))

    def make_examples(self, windows):
        recordings, labels = windows.recordings, self.options.labels
        annotated = labels == "true" or self.embed_beats is not None
        classes = aami_classes(recordings.beat_symbols)
        known = classes if annotated else unknown_classes(len(classes))
        records, features = np.unique(windows.records), None
        seen = records[recordings.has_signal()[records]]
        if self.embed_beats and self.embed_beats.features != PLAIN and len(seen) < len(records):
            missing = recordings.entries[np.setdiff1d(records, seen)[0]].name
            raise InputError(f"{missing} has no signal, and the model takes features of the waveform of beats")
        if self.embed_beats and len(seen):
            features = self.embed_beats(recordings, labels, seen)
        fields = {field.name: getattr(windows, field.name) for field in dataclasses.fields(windows)}
        return BeatSequences(**fields, known=known, features=features, hidden=np.zeros(len(windows), bool))

    def variants(self) -> Mapping[str, Task]:
        """With the classes of the beats, and from RR intervals alone."""
        if self.embed_beats.features != PLAIN if self.embed_beats else self.options.labels == "none":
            return {"": self}
        alone = type(self)(self.classes, self.options, self.decision, hides=True)
        alone.embed_beats = self.embed_beats
        return {"RR intervals and classes of the beats": self, "RR intervals alone": alone}

    def predict(self, predictor, examples: BeatSequences, advance=lambda examples: None):
        hidden = examples.hidden | self.hides
        return super().predict(predictor, dataclasses.replace(examples, hidden=hidden), advance)
