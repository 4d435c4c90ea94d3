"""Rhythm of a bout: a stretch of a long recording with one annotated rhythm is one example.

A window is drawn per bout so that at least half of it, or the whole bout, lies in the bout: in training anew in every
epoch ("LTAF ECG Rhythm Classifier" model card, training recipe), otherwise always the same one. Test-time augmentation
averages the probabilities of several such windows. The middle of a bout, farthest from other rhythms, would be easier,
and is nothing that a device could choose.
"""

import numpy as np

from ecg_edge.data.examples import Examples, WindowSpec
from ecg_edge.tasks.metrics import classification_metrics, classification_statistic, confusion_matrix
from ecg_edge.tasks.task import Task, UnitMetrics, class_weights
from firmware_bench.runtime.errors import InputError

# Output class → its code in ecg_edge.records.record.RHYTHM_CODES. Other rhythms are left out, as their source does.
RHYTHMS = {"NSR": "N", "AFIB": "AFIB", "SBR": "SBR", "AB": "AB", "SVTA": "SVTA", "B": "B"}


class RhythmBoutsTask(Task):
    """See the module. Targets are positions in `classes`."""

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

    def examples(self, recordings, names, window: WindowSpec, training=False):
        number = {RHYTHMS[name]: position for position, name in enumerate(self.classes)}
        rows = []
        for position in recordings.positions(names):
            times, rhythms = recordings.bouts(position)
            bouts = np.round(times * window.fs).astype(np.int64)
            length = int(recordings.lengths[position])
            for (first, stop), rhythm in zip(bouts, rhythms, strict=True):
                if str(rhythm) in number and stop > first:
                    rows.append((position, number[str(rhythm)], *start_bounds(first, stop, length, window.samples)))
        table = np.array(rows, np.int64).reshape(-1, 4)
        records, targets, earliest, latest = table.T
        starts = np.random.default_rng(0).integers(earliest, latest + 1)
        return self.make(recordings, window, records, starts, targets, earliest, latest, True)

    def make(self, *fields) -> Examples:
        """The examples; a task with other inputs makes its own kind."""
        return Examples(*fields)

    def weights(self, examples, rule):
        return class_weights(examples.targets, self.classes, rule)[examples.targets]

    def validate(self, summaries, examples):
        """The cross-entropy per bout, without class weights, and the macro F1 over bouts."""
        likelihood = np.clip(summaries[np.arange(len(examples)), examples.targets], 1e-7, 1.0)
        return {
            "validation_loss": float(-np.log(likelihood).mean()),
            "validation_score": float(np.nanmean(classification_metrics(examples.targets, summaries)["f1"])),
        }

    def compute_metrics(self, summaries, examples):
        counts = np.bincount(examples.targets, minlength=len(self.classes))
        predicted = summaries.argmax(axis=1)
        confusion = confusion_matrix(examples.targets, predicted, len(self.classes))
        statistic = classification_statistic(examples.targets, summaries, self.classes)

        def balanced(positions):
            figures = statistic(positions)
            recalls = [figures["classes", name, "recall"] for name in self.classes]
            return {("balanced_accuracy",): float(np.nanmean(recalls)), **figures}

        return UnitMetrics(
            unit="bouts",
            patients=[examples.entries[record].patient for record in examples.records],
            statistic=balanced,
            details={
                "classes": {name: {"bouts": int(n)} for name, n in zip(self.classes, counts, strict=True)},
                "confusion_matrix": confusion.tolist(),
            },
            predicted=predicted,
        )

    def report(self, summaries, examples):
        """The rhythm of each window, and as label that of most of the recording's."""
        rows = []
        for record in np.unique(examples.records):
            own = np.flatnonzero(examples.records == record)
            said = summaries[own].argmax(axis=1)
            shares = np.bincount(said, minlength=len(self.classes)) / len(own)
            rows.append(
                {
                    "record": examples.entries[record].name,
                    "label": self.label(shares),
                    "probabilities": dict(
                        zip(self.classes, summaries[own].mean(axis=0).round(6).tolist(), strict=True)
                    ),
                    "windows": len(own),
                    "seconds": round(float(examples.recordings.lengths[record] / examples.window.fs), 3),
                    "rhythms": [
                        {"start_s": round(float(start / examples.window.fs), 3), "rhythm": self.classes[c]}
                        for start, c in zip(examples.starts[own], said, strict=True)
                    ],
                }
            )
        return rows


def start_bounds(first: int, stop: int, length: int, samples: int) -> tuple[int, int]:
    """The earliest and the latest start of a window of `samples` for a bout from `first` to `stop` (exclusive) in a
    recording of `length`, all in samples: half of the window, or the whole bout, lies in the bout."""
    inside = min(samples // 2, stop - first)
    last = max(length - samples, 0)
    earliest, latest = first + inside - samples, stop - inside
    return min(max(earliest, 0), last), min(max(latest, 0), last)
