"""Beats by the classes of ANSI/AAMI EC57: N (normal or bundle branch block), A (supraventricular), V (ventricular).

Every beat is one example: the window around its R peak, the RR intervals before it and the labels of the beats before
it. Those labels are the annotated ones, the model's own previous predictions, as on a device, or none. Training takes
the annotated ones, or none; an evaluation reports the model's own first. Fusion beats (F) take part in an evaluation
as EC57 counts them, and in nothing else; beats that nobody could classify (Q) and paced ones in nothing.
"""

import dataclasses
from collections.abc import Callable
from typing import Literal

import numpy as np

from ecg_edge.data.examples import Examples
from ecg_edge.data.recordings import Recordings
from ecg_edge.signals.r_peaks import AAMI, find_beats
from ecg_edge.tasks.metrics import confusion_matrix, macro_average, per_class, precision_recall_f1
from ecg_edge.tasks.predictor import keeps_history
from ecg_edge.tasks.task import BATCH, Options, Task, UnitMetrics, class_weights
from firmware_bench.runtime.errors import InputError

CLASSES = ("N", "A", "V")
FUSION, UNKNOWN = 3, -1  # beside the positions in CLASSES
BEFORE = 5  # beats of history
LONGEST_RR = 3.0  # s; a longer one is a gap in the annotations
NORMALS = 2  # normal beats per ectopic one in an epoch of training, of each recording


def aami_classes(symbols: np.ndarray) -> np.ndarray:
    """WFDB beat codes S1 (n,) → positions in CLASSES, FUSION or UNKNOWN: int8 (n,)."""
    table = np.full(256, UNKNOWN, np.int8)
    for symbol, name in AAMI.items():
        table[ord(symbol)] = FUSION if name == "F" else CLASSES.index(name) if name in CLASSES else UNKNOWN
    return table[np.asarray(symbols, "S1").view(np.uint8)]


def history(recordings: Recordings, records: np.ndarray, beats: np.ndarray, known: np.ndarray):
    """What happened before each beat, oldest first: the RR intervals in s, float32 (n, BEFORE), 0 where there is none
    in (0, 3], the last of them ending with the beat itself; and the labels of the beats before it, one-hot float32
    (n, BEFORE, classes), zeros where unknown.

    records, beats: (n,) positions of the recording and, among all recordings' beats, of the beat. known: int8, the
    class of each of all recordings' beats.
    """
    first = recordings.beat_starts[records][:, None]
    places = beats[:, None] + np.arange(-BEFORE, 1)  # (n, BEFORE + 1), the last is the beat itself
    exists = places >= first
    times = recordings.beat_times[np.maximum(places, first)]
    rr = np.diff(times, axis=1)
    rr[(rr <= 0) | (rr > LONGEST_RR) | ~exists[:, :-1]] = 0.0
    labels = np.where(exists, known[np.maximum(places, first)], UNKNOWN)[:, :-1]
    return rr.astype(np.float32), (labels[..., None] == np.arange(len(CLASSES))).astype(np.float32)


def predict_autoregressively(
    records: np.ndarray,
    beats: np.ndarray,
    total: int,
    predict: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """The classes of beats that need the classes of the beats before them: recordings side by side, beat after beat.

    records, beats: (n,) as in `history`. total: number of all recordings' beats. predict: positions in `beats`, and
    the classes known so far (total,) → outputs (m, k), whose first columns are the classes' probabilities. Returns all
    outputs (n, k) and the classes (total,) int8, UNKNOWN where nothing was asked.
    """
    order = np.lexsort((beats, records))
    groups = np.split(order, np.flatnonzero(np.diff(records[order])) + 1)
    groups.sort(key=len, reverse=True)
    known, outputs = np.full(total, UNKNOWN, np.int8), None
    for step in range(len(groups[0])):
        positions = np.array([group[step] for group in groups if len(group) > step])
        answer = predict(positions, known)
        if outputs is None:
            outputs = np.zeros((len(beats), answer.shape[1]), np.float32)
        outputs[positions] = answer
        known[beats[positions]] = answer[:, : len(CLASSES)].argmax(axis=1)
    return outputs, known


@dataclasses.dataclass(frozen=True)
class BeatExamples(Examples):
    """One example per beat. beats: int64 (n,) positions among all recordings' beats. known: int8, the class of each of
    all recordings' beats that the model may know."""

    beats: np.ndarray = None
    known: np.ndarray = None

    def batch(self, positions):
        """{"ecg": (n, samples, leads), "rr": (n, 5) s, "labels": (n, 5, 3)} float32."""
        return {"ecg": self.windows(positions), **self.history(positions)}

    def history(self, positions):
        """The inputs that say what was before."""
        rr, labels = history(self.recordings, self.records[positions], self.beats[positions], self.known)
        return {"rr": rr, "labels": labels}

    def take(self, positions):
        return dataclasses.replace(super().take(positions), beats=self.beats[positions])

    def draw_epoch(self, *seed):
        """All ectopic beats, and NORMALS times as many normal ones of each recording, drawn anew."""
        random, chosen = np.random.default_rng(seed), [np.flatnonzero(self.targets != 0)]
        ectopic = np.bincount(self.records[chosen[0]], minlength=len(self.entries))
        normal = np.flatnonzero(self.targets == 0)
        for record in np.unique(self.records[normal]):
            own = normal[self.records[normal] == record]
            chosen.append(random.permutation(own)[: NORMALS * ectopic[record]])
        return self.take(np.sort(np.concatenate(chosen)))


@dataclasses.dataclass(frozen=True)
class BeatOptions(Options):
    """labels: what training knows of the beats before, the annotated ("true") labels or none."""

    labels: Literal["true", "none"] = "true"


class BeatsTask(Task):
    """See the module. Targets are positions in `classes`, or FUSION."""

    name = "beats"
    annotated = True
    published_split = True
    reading = "beats"
    Options = BeatOptions

    def __init__(self, classes, options=None, decision=None, labels=None):
        super().__init__(classes, options, decision)
        self.labels = labels or self.options.labels
        # A model that learnt without labels is told of none.
        self.autoregressive_inputs = {"rr": None} | (
            {"labels": "probabilities"} if self.options.labels == "true" else {}
        )

    @classmethod
    def read(cls, record):
        """With the annotated beats, or those that XQRS finds."""
        return dataclasses.replace(record, beats=find_beats(record))

    @classmethod
    def find_classes(cls, dataset, recordings, names):
        return CLASSES

    def examples(self, recordings, names, window, training=False):
        classes = aami_classes(recordings.beat_symbols)
        wanted = classes >= 0 if not training else (classes >= 0) & (classes != FUSION)
        examples = self._examples(recordings, names, window, wanted, classes)
        if not len(examples):
            raise InputError("the recordings have no annotated beats of the classes N, A and V")
        return examples

    def inference_examples(self, recordings, window):
        everything = np.ones(len(recordings.beat_times), bool)
        unknown = np.full(len(recordings.beat_times), UNKNOWN, np.int8)
        return self._examples(recordings, [e.name for e in recordings.entries], window, everything, unknown)

    def _examples(self, recordings, names, window, wanted, classes):
        chosen = recordings.positions(names)
        beats = [
            np.flatnonzero(wanted[recordings.beat_starts[i] : recordings.beat_starts[i + 1]])
            + recordings.beat_starts[i]
            for i in chosen
        ]
        records = np.repeat(chosen, [len(own) for own in beats])
        beats = np.concatenate([np.zeros(0, np.int64), *beats])
        starts = np.round(recordings.beat_times[beats] * window.fs).astype(np.int64) - window.samples // 2
        known = classes if self.options.labels == "true" else np.full(len(classes), UNKNOWN, np.int8)
        return BeatExamples(
            recordings, window, records, starts, classes[beats], starts, starts, beats=beats, known=known
        )

    def weights(self, examples, rule):
        return class_weights(examples.targets, self.classes, rule)[examples.targets]

    def variants(self):
        """With the labels before a beat as the model itself gave them, as annotated, and without."""
        if self.options.labels == "none":
            return {"no labels of the beats before": self}
        named = {"own": "its own labels of the beats before", "true": "annotated labels of the beats before",
                 "none": "no labels of the beats before"}  # fmt: skip
        return {text: BeatsTask(self.classes, self.options, self.decision, labels) for labels, text in named.items()}

    def predict(self, predictor, examples, advance=lambda examples: None):
        if not len(examples):
            return np.zeros((0, len(self.classes)), np.float32)
        if keeps_history(predictor):
            return self.predict_in_order(predictor, examples, advance)
        if self.labels == "none":
            examples = dataclasses.replace(examples, known=np.full(len(examples.known), UNKNOWN, np.int8))
        if self.labels != "own":
            return super().predict(predictor, examples, advance)

        def one_step(positions, known):
            advance(len(positions))
            return predictor(dataclasses.replace(examples, known=known).batch(positions))

        return predict_autoregressively(examples.records, examples.beats, len(examples.known), one_step)[0]

    def predict_in_order(self, predictor, examples, advance):
        """`predict` by a model that keeps the history itself: it is told of every beat of a recording, as a device is,
        also of those that are not asked for."""
        told = self.inference_examples(
            examples.recordings, examples.window
        )  # beat after beat, recording after recording
        outputs = np.zeros((len(told), len(self.classes)), np.float32)
        for record in np.unique(examples.records):
            predictor.begin()
            beats = np.flatnonzero(told.records == record)
            for positions in np.split(beats, range(BATCH, len(beats), BATCH)):
                inputs = told.batch(positions)
                own = {
                    name: inputs[name][:, -1:] for name, output in self.autoregressive_inputs.items() if output is None
                }
                outputs[positions] = predictor(inputs | own)
            advance(int(np.sum(examples.records == record)))
        return outputs[examples.beats]

    def validate(self, summaries, examples):
        """The cross-entropy per beat, without class weights, and the macro F1 of N, A and V."""
        known = examples.targets != FUSION
        targets, outputs = examples.targets[known], summaries[known]
        likelihood = np.clip(outputs[np.arange(len(targets)), targets], 1e-7, 1.0)
        figures = beat_metrics(counts(targets, outputs.argmax(axis=1)))
        return {"validation_loss": float(-np.log(likelihood).mean()), "validation_score": figures["macro_f1",]}

    def compute_metrics(self, summaries, examples):
        predicted = summaries.argmax(axis=1)
        table = counts(examples.targets, predicted)
        patients = [examples.entries[record].patient for record in examples.records]
        return UnitMetrics(
            unit="beats",
            patients=patients,
            statistic=lambda positions: beat_metrics(counts(examples.targets[positions], predicted[positions])),
            details={
                "classes": {name: {"beats": int(n)} for name, n in zip(CLASSES, table.sum(axis=1), strict=False)},
                "confusion_matrix": table[: len(CLASSES)].tolist(),
                "fusion_beats_as": dict(zip(CLASSES, table[FUSION].tolist(), strict=True)),
            },
            predicted=predicted,
        )

    def report(self, summaries, examples):
        said = summaries.argmax(axis=1) if len(summaries) else np.zeros(0, int)
        rows = []
        for record, entry in enumerate(examples.entries):
            own = examples.records == record
            times = examples.recordings.beat_times[examples.beats[own]]
            shares = np.bincount(said[own], minlength=len(CLASSES)) / max(own.sum(), 1)
            rows.append(
                {
                    "record": entry.name,
                    "label": ", ".join(
                        f"{n} {c}" for c, n in zip(CLASSES, np.bincount(said[own], minlength=3), strict=True)
                    )
                    + " beats",
                    "probabilities": dict(zip(CLASSES, shares.round(6).tolist(), strict=True)),
                    "windows": int(own.sum()),
                    "seconds": round(float(examples.recordings.lengths[record] / examples.window.fs), 3),
                    "beats": [
                        {"time_s": round(float(t), 3), "label": CLASSES[c]}
                        for t, c in zip(times, said[own], strict=True)
                    ],
                }
            )
        return rows


def counts(targets: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Beats (4, 3): true class N, A, V or F by row, predicted class by column."""
    return confusion_matrix(targets, predicted, len(CLASSES) + 1)[:, : len(CLASSES)]


def beat_metrics(table: np.ndarray) -> dict[tuple[str, ...], float]:
    """Figures of `counts`: accuracy and macro F1 of N, A and V, and for supraventricular (SVEB) and ventricular ectopic
    beats (VEB) sensitivity and positive predictivity as EC57 asks: a fusion beat called A is a false SVEB, one called V
    is no false VEB (de Chazal, O'Dwyer & Reilly, IEEE Trans. Biomed. Eng. 51(7), 2004, section III)."""
    own = table[: len(CLASSES)]
    figures = precision_recall_f1(np.diag(own), own.sum(axis=1), own.sum(axis=0))
    with np.errstate(invalid="ignore"):
        sveb, veb = own[1, 1] / own[1].sum(), own[2, 2] / own[2].sum()
        sveb_predictivity, veb_predictivity = own[1, 1] / table[:, 1].sum(), own[2, 2] / own[:, 2].sum()
        accuracy = np.trace(own) / own.sum()
    return {
        **macro_average(figures, ("f1",)),
        ("accuracy",): float(accuracy),
        ("SVEB_sensitivity",): float(sveb),
        ("SVEB_positive_predictivity",): float(sveb_predictivity),
        ("VEB_sensitivity",): float(veb),
        ("VEB_positive_predictivity",): float(veb_predictivity),
        **per_class(figures, CLASSES),
    }
