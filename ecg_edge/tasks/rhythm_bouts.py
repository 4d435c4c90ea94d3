"""Rhythm of a bout: an interval of a long recording with one annotated rhythm is one example.

One window is drawn per bout such that at least half of it, or the whole bout, lies in the bout: anew in every epoch of
training ("LTAF ECG Rhythm Classifier" model card, training recipe), otherwise always the same. Test-time augmentation
averages the probabilities of several such windows. The middle of a bout, farthest from other rhythms, would be easier,
but a device cannot know where that is.
"""

from collections import Counter

import numpy as np

from ecg_edge.data.examples import Examples
from ecg_edge.tasks.metrics import class_metrics, classifier_statistic, confusion_matrix, cross_entropy
from ecg_edge.tasks.task import Task, UnitMetrics, round_probabilities
from firmware_bench.runtime.errors import InputError

# Class → its code in ecg_edge.records.record.RHYTHM_CODES. Other rhythms are left out, as in the model card.
RHYTHMS = {"NSR": "N", "AFIB": "AFIB", "SBR": "SBR", "AB": "AB", "SVTA": "SVTA", "B": "B"}


class RhythmBoutsTask(Task):
    """One class per bout. Targets are positions in `classes`."""

    name = "rhythm_bouts"
    annotated = True

    @classmethod
    def find_classes(cls, dataset, recordings, names):
        present = {str(r) for position in recordings.positions(names) for r in np.unique(recordings.bouts(position)[1])}
        classes = tuple(name for name, code in RHYTHMS.items() if code in present)
        if len(classes) < 2:
            raise InputError(
                f"the training recordings have bouts of {len(classes)} of the rhythms {' '.join(RHYTHMS)}: "
                "a classifier needs two"
            )
        return classes

    @classmethod
    def count_contents(cls, recordings):
        """Its bouts of each class."""
        names = {code: name for name, code in RHYTHMS.items()}
        return {
            entry.name: Counter(names[rhythm] for rhythm in recordings.bouts(position)[1] if rhythm in names)
            for position, entry in enumerate(recordings.entries)
        }

    def examples(self, recordings, names, window, training=False):
        number = {RHYTHMS[name]: position for position, name in enumerate(self.classes)}
        rows = []
        for position in recordings.positions(names):
            times, rhythms = recordings.bouts(position)
            bouts = np.round(times * window.fs).astype(np.int64)
            length = int(recordings.lengths[position])
            for (first, stop), rhythm in zip(bouts, rhythms, strict=True):
                if str(rhythm) in number and stop > first:
                    bounds = start_bounds(first, stop, length, window.samples)
                    rows.append((position, number[str(rhythm)], *bounds))
        table = np.array(rows, np.int64).reshape(-1, 4)
        records, targets, earliest, latest = table.T
        starts = np.random.default_rng(0).integers(earliest, latest + 1)
        return self.make_examples(Examples(recordings, window, records, starts, targets, earliest, latest, random=True))

    def make_examples(self, windows: Examples) -> Examples:
        """The model's examples for `windows`; a task with other inputs than the ECG overrides this."""
        return windows

    def validate(self, summaries, examples):
        """The cross-entropy per bout, without class weights, and the macro F1 over bouts."""
        return {
            "validation_loss": cross_entropy(examples.targets, summaries),
            "validation_score": float(np.nanmean(class_metrics(examples.targets, summaries)["f1"])),
        }

    def pair_with_truth(self, summaries, examples):
        return summaries, examples.targets[:, None] == np.arange(len(self.classes))

    def compute_metrics(self, summaries, examples):
        counts = np.bincount(examples.targets, minlength=len(self.classes))
        predicted = summaries.argmax(axis=1)
        confusion = confusion_matrix(examples.targets, predicted, len(self.classes))
        metrics = classifier_statistic(examples.targets, summaries, self.classes)

        def statistic(positions):
            values = metrics(positions)
            recalls = [values["classes", name, "recall"] for name in self.classes]
            return {("balanced_accuracy",): float(np.nanmean(recalls)), **values}

        return UnitMetrics(
            unit="bouts",
            patients=[examples.entries[record].patient for record in examples.records],
            statistic=statistic,
            details={
                "classes": {name: {"bouts": int(n)} for name, n in zip(self.classes, counts, strict=True)},
                "confusion_matrix": confusion.tolist(),
            },
            predicted=predicted,
        )

    def report(self, summaries, examples):
        """Per recording the rhythm of each window, and as label the most frequent one."""
        rows = []
        for record in np.unique(examples.records):
            windows = np.flatnonzero(examples.records == record)
            predicted = summaries[windows].argmax(axis=1)
            shares = np.bincount(predicted, minlength=len(self.classes)) / len(windows)
            rows.append(
                {
                    "record": examples.entries[record].name,
                    "label": self.label(shares),
                    "probabilities": round_probabilities(self.classes, self.calibrate(summaries[windows]).mean(axis=0)),
                    "windows": len(windows),
                    "seconds": examples.seconds(record),
                    "rhythms": [
                        {"start_s": round(float(start / examples.window.fs), 3), "rhythm": self.classes[c]}
                        for start, c in zip(examples.starts[windows], predicted, strict=True)
                    ],
                }
            )
        return rows


def start_bounds(first: int, stop: int, length: int, samples: int) -> tuple[int, int]:
    """The earliest and the latest start of a window such that half of it, or the whole bout, lies in the bout.

    Args:
        first, stop: of the bout (stop exclusive), samples.
        length: of the recording, samples.
        samples: of the window.
    """
    inside = min(samples // 2, stop - first)
    last = max(length - samples, 0)
    earliest, latest = first + inside - samples, stop - inside
    return min(max(earliest, 0), last), min(max(latest, 0), last)
