"""Beats by the classes of ANSI/AAMI EC57: N (normal or bundle branch block), A (supraventricular), V (ventricular).

Every beat is one example: the window around its R peak, the RR intervals before it and the labels of the beats before
it. Those labels are the annotated ones, the model's own earlier predictions, as on a device, or none. Training uses the
annotated ones, or none; an evaluation reports the model's own first. Fusion beats (F) count in an evaluation only, as
EC57 says; unclassifiable (Q) and paced beats are left out.
"""

import dataclasses
import itertools
from collections import Counter
from typing import Literal

import numpy as np

from ecg_edge.data.examples import WindowSpec
from ecg_edge.data.recordings import Recordings
from ecg_edge.signals.r_peaks import find_beats
from ecg_edge.tasks.beat_examples import BeatExamples
from ecg_edge.tasks.beat_history import (
    CLASSES,
    FUSION,
    aami_classes,
    predict_autoregressively,
    unknown_classes,
)
from ecg_edge.tasks.metrics import (
    by_class,
    confusion_matrix,
    cross_entropy,
    find_largest_share,
    macro_average,
    precision_recall_f1,
)
from ecg_edge.tasks.predictor import StatefulPredictor, keeps_history
from ecg_edge.tasks.relative_beats import RelativeBeats
from ecg_edge.tasks.task import BATCH, Task, TaskOptions, UnitMetrics, round_probabilities
from firmware_bench.runtime.errors import InputError

MISSED = len(CLASSES)  # beside the predicted classes: a beat that was not detected
NO_BEAT = FUSION + 1  # beside the true classes: a detection where no beat is
SVEB = ("SVEB_sensitivity", "SVEB_positive_predictivity", "SVEB_F1")


@dataclasses.dataclass(frozen=True)
class BeatOptions(TaskOptions):
    """labels: those of the beats before that training sees, the annotated ("true") ones or none. relative: whether the
    model is given the beat relative to the patient's own, see ecg_edge.tasks.relative_beats; its builder has the
    parameter of the same name."""

    labels: Literal["true", "none"] = "true"
    relative: bool = False


class BeatsTask(Task):
    """One class per beat. Targets are positions in `classes`, or FUSION.

    Args:
        labels: the source of the labels before a beat, "own" (predicted), "true" (annotated) or "none"; by default
            that of the options.
    """

    name = "beats"
    annotated = True
    published_split = True
    reading = "beats"
    Options = BeatOptions

    def __init__(self, classes, options=None, decision=None, labels: str | None = None):
        super().__init__(classes, options, decision)
        self.labels = labels or self.options.labels
        predicted = {"labels": "probabilities"} if self.options.labels == "true" else {}
        self.autoregressive_inputs = {"rr": None, **predicted}

    @classmethod
    def read(cls, record):
        """With the annotated beats, or those that XQRS detects."""
        return dataclasses.replace(record, beats=find_beats(record))

    @classmethod
    def find_classes(cls, dataset, recordings, names):
        return CLASSES

    @classmethod
    def count_contents(cls, recordings):
        """Its beats of each class."""
        classes, starts = aami_classes(recordings.beat_symbols), recordings.beat_starts
        own = [classes[start:stop] for start, stop in itertools.pairwise(starts)]
        return {
            entry.name: Counter({name: int((beats == number).sum()) for number, name in enumerate(CLASSES)})
            for entry, beats in zip(recordings.entries, own, strict=True)
        }

    def check_classes(self):
        if self.classes != CLASSES:
            raise InputError(f"beats are {', '.join(CLASSES)}, not {', '.join(self.classes)}")

    def examples(self, recordings, names, window, training=False):
        classes = aami_classes(recordings.beat_symbols)
        usable = (classes >= 0) & (classes != FUSION) if training else classes >= 0
        examples = self._examples(recordings, names, window, usable, classes)
        if not len(examples):
            raise InputError("the recordings have no annotated beats of the classes N, A and V")
        return examples

    def inference_examples(self, recordings, window):
        beats = len(recordings.beat_times)
        names = [entry.name for entry in recordings.entries]
        return self._examples(recordings, names, window, np.ones(beats, bool), unknown_classes(beats))

    def _examples(self, recordings, names, window, usable, classes):
        """The `usable` beats of the recordings called `names`; usable and classes are of all recordings' beats."""
        positions = recordings.positions(names)
        beats = [
            np.flatnonzero(usable[recordings.beat_starts[i] : recordings.beat_starts[i + 1]])
            + recordings.beat_starts[i]
            for i in positions
        ]
        records = np.repeat(positions, [len(own) for own in beats])
        beats = np.concatenate([np.zeros(0, np.int64), *beats])
        starts = np.round(recordings.beat_times[beats] * window.fs).astype(np.int64) - window.samples // 2
        targets = classes[beats]
        known = classes if self.options.labels == "true" else unknown_classes(len(classes))
        relative = self.measure_relative(recordings, positions, window)
        return BeatExamples(
            recordings, window, records, starts, targets, starts, starts, beats=beats, known=known, relative=relative
        )

    def measure_relative(
        self, recordings: Recordings, positions: np.ndarray, window: WindowSpec
    ) -> RelativeBeats | None:
        """The beats of the recordings at `positions` relative to the patient's own, where the options ask for it."""
        return RelativeBeats.measure(recordings, positions, window) if self.options.relative else None

    def example_weights(self, examples: BeatExamples, rule):
        """As for every task; without class weights a normal beat counts by the root of how many it stands for.

        That is between the share of the drawn beats and the natural one: there the sum of F1 is largest on folds."""
        weights = super().example_weights(examples, rule)
        if rule != "none":
            return weights
        weights = np.where(examples.targets == 0, np.sqrt(examples.normal_share), weights)
        return (weights / weights.mean()).astype(np.float32)

    def summarise(self, inputs, outputs):
        """The probabilities, also of a model that has its features as an output beside them."""
        return outputs["probabilities"] if isinstance(outputs, dict) else outputs

    def variants(self):
        """The labels before a beat predicted by the model itself, annotated, and none."""
        if self.options.labels == "none":
            return {"no labels of the beats before": self}
        sources = {
            "its own labels of the beats before": "own",
            "annotated labels of the beats before": "true",
            "no labels of the beats before": "none",
        }
        return {text: self._with_labels(labels) for text, labels in sources.items()}

    def _with_labels(self, labels: str) -> "BeatsTask":
        """The same task with another source of the labels before a beat."""
        return BeatsTask(self.classes, self.options, self.decision, labels)

    def predict(self, predictor, examples: BeatExamples, advance=lambda examples: None):
        if not len(examples):
            return np.zeros((0, len(self.classes)), np.float32)
        if keeps_history(predictor):
            return self._predict_in_order(predictor, examples, advance)
        if self.labels == "none":
            examples = dataclasses.replace(examples, known=unknown_classes(len(examples.known)))
        if self.labels != "own":
            return super().predict(predictor, examples, advance)

        def predict_step(positions, known):
            advance(len(positions))
            inputs = dataclasses.replace(examples, known=known).batch(positions)
            return self.summarise(inputs, predictor(inputs))

        return predict_autoregressively(examples.records, examples.beats, len(examples.known), predict_step)[0]

    def _predict_in_order(self, predictor: StatefulPredictor, examples, advance):
        """`predict` with a predictor that keeps the history itself: it gets every beat of a recording in order, as a
        device does, also those that are not among `examples`."""
        beats = self.inference_examples(examples.recordings, examples.window)
        outputs = np.zeros((len(beats), len(self.classes)), np.float32)
        for record in np.unique(examples.records):
            predictor.begin()
            own = np.flatnonzero(beats.records == record)
            for positions in np.split(own, range(BATCH, len(own), BATCH)):
                inputs = beats.batch(positions)
                newest = {n: inputs[n][:, -1:] for n, output in self.autoregressive_inputs.items() if output is None}
                outputs[positions] = self.summarise(inputs, predictor(inputs | newest))
            advance(int(np.sum(examples.records == record)))
        return outputs[examples.beats]

    def validate(self, summaries, examples):
        """The cross-entropy per beat, without class weights, and the macro F1 of N, A and V."""
        known = examples.targets != FUSION
        targets, probabilities = examples.targets[known], summaries[known]
        metrics = beat_metrics(count_beats(targets, probabilities.argmax(axis=1)))
        return {"validation_loss": cross_entropy(targets, probabilities), "validation_score": metrics["macro_f1",]}

    def pair_with_truth(self, summaries, examples):
        known = (examples.targets < len(CLASSES)) & summaries.any(axis=1)
        return summaries[known], examples.targets[known][:, None] == np.arange(len(CLASSES))

    def compute_metrics(self, summaries, examples):
        predicted = np.where(summaries.any(axis=1), summaries.argmax(axis=1), MISSED)
        table = count_beats(examples.targets, predicted)
        patients = np.array([examples.entries[record].patient for record in examples.records])
        largest = find_largest_share(patients[examples.targets == CLASSES.index("A")])

        def statistic(positions):
            values = beat_metrics(count_beats(examples.targets[positions], predicted[positions]))
            if largest:
                others = positions[patients[positions] != largest]
                without = beat_metrics(count_beats(examples.targets[others], predicted[others]))
                values |= {(f"{key}_without_{largest}",): without[key,] for key in SVEB}
            return values

        return UnitMetrics(
            unit="beats",
            patients=patients.tolist(),
            statistic=statistic,
            details={
                "classes": {name: {"beats": int(n)} for name, n in zip(CLASSES, table.sum(axis=1), strict=False)},
                "confusion_matrix": table[: len(CLASSES), : len(CLASSES)].tolist(),
                "fusion_beats_as": dict(zip(CLASSES, table[FUSION].tolist(), strict=False)),
                "missed_beats": dict(zip(CLASSES, table[:, MISSED].tolist(), strict=False)),
                "false_detections_as": dict(zip(CLASSES, table[NO_BEAT].tolist(), strict=False)),
            },
            predicted=predicted,
        )

    def report(self, summaries, examples: BeatExamples):
        """Per recording the class of each beat, and as label how many of each."""
        predicted = summaries.argmax(axis=1) if len(summaries) else np.zeros(0, int)
        rows = []
        for record, entry in enumerate(examples.entries):
            own = np.flatnonzero(examples.records == record)
            counts = np.bincount(predicted[own], minlength=len(CLASSES))
            times = examples.recordings.beat_times[examples.beats[own]]
            rows.append(
                {
                    "record": entry.name,
                    "label": ", ".join(f"{n} {c}" for c, n in zip(CLASSES, counts, strict=True)) + " beats",
                    "probabilities": round_probabilities(CLASSES, counts / max(len(own), 1)),
                    "windows": len(own),
                    "seconds": examples.seconds(record),
                    "beats": [
                        {"time_s": round(float(t), 3), "label": CLASSES[c]}
                        for t, c in zip(times, predicted[own], strict=True)
                    ],
                }
            )
        return rows


def count_beats(targets: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Beats (5, 4): true class N, A, V, F, or no beat, by row; predicted class N, A, V, or missed, by column."""
    return confusion_matrix(targets, predicted, NO_BEAT + 1)[:, : MISSED + 1]


def beat_metrics(table: np.ndarray) -> dict[tuple[str, ...], float]:
    """Accuracy and macro F1 of N, A and V; sensitivity, positive predictivity and their harmonic mean, F1, of SVEB and
    VEB (supraventricular and ventricular ectopic beats), as EC57 asks.

    A fusion beat predicted as A is a false SVEB, one predicted as V is no false VEB (de Chazal, O'Dwyer & Reilly, IEEE
    Trans. Biomed. Eng. 51(7), 2004, section III). A missed beat is a false negative, a detection without one a false
    positive.

    Args:
        table: as `count_beats` returns it.

    Returns:
        name or ("classes", class, name) → value, NaN where undefined.
    """
    own, false = table[: len(CLASSES)], table[NO_BEAT, : len(CLASSES)]
    hits, called = np.diag(own), own[:, : len(CLASSES)].sum(axis=0) + false
    per_class = precision_recall_f1(hits, own.sum(axis=1), called)
    values = macro_average(per_class, ("f1",))
    with np.errstate(invalid="ignore"):
        values["accuracy",] = float(hits.sum() / own.sum())
        fusion = table[FUSION, : len(CLASSES)] * [0, 1, 0]  # as A a false SVEB, as V no false VEB
        sensitivity, predictivity = hits / own.sum(axis=1), hits / (called + fusion)
        f1 = 2 * hits / (own.sum(axis=1) + called + fusion)
    for name, position in (("SVEB", 1), ("VEB", 2)):
        values[f"{name}_sensitivity",] = float(sensitivity[position])
        values[f"{name}_positive_predictivity",] = float(predictivity[position])
        values[f"{name}_F1",] = float(f1[position])
    return {**values, **by_class(per_class, CLASSES)}
