"""Rhythm classification of a recording: one class per recording, from the mean of its windows' probabilities.

A recording with several labels (CPSC 2018 has up to three) is one example whose target is its first label; a database
may count any of its labels as right (its challenge's score, ecg_edge.records.challenge_score).
"""

import numpy as np

from ecg_edge.data.examples import consecutive_windows
from ecg_edge.tasks.metrics import class_metrics, classifier_statistic, confusion_matrix, cross_entropy
from ecg_edge.tasks.task import Task, UnitMetrics, mean_by_record
from firmware_bench.runtime.errors import InputError


class RhythmTask(Task):
    """One class per recording. Targets are positions in `classes`.

    Raises:
        InputError: there are fewer than two classes.
    """

    name = "rhythm"

    def __init__(self, classes, options=None, decision=None):
        if len(classes) < 2:
            raise InputError(f"a classifier needs at least two classes, the recordings carry {len(classes)}")
        super().__init__(classes, options, decision)

    @classmethod
    def is_usable(cls, entry, classes):
        return bool(entry.labels) and entry.labels[0] in classes

    @classmethod
    def find_classes(cls, dataset, recordings, names):
        present = {entry.labels[0] for entry in dataset.entries}
        return tuple(name for name in dataset.database.classes if name in present)

    def examples(self, recordings, names, window, training=False):
        number = {name: position for position, name in enumerate(self.classes)}
        targets = np.array([number.get(entry.labels[0], -1) if entry.labels else -1 for entry in recordings.entries])
        return consecutive_windows(recordings, names, window, targets)

    def validate(self, summaries, examples):
        """The cross-entropy per window, without class weights, and the macro F1 over recordings."""
        records, probabilities = mean_by_record(summaries, examples.records)
        f1 = class_metrics(self._record_targets(records, examples), probabilities)["f1"]
        return {
            "validation_loss": cross_entropy(examples.targets, summaries),
            "validation_score": float(np.nanmean(f1)),
        }

    def pair_with_truth(self, summaries, examples):
        records, probabilities = mean_by_record(summaries, examples.records)
        return probabilities, self._record_targets(records, examples)[:, None] == np.arange(len(self.classes))

    def compute_metrics(self, summaries, examples):
        records, probabilities = mean_by_record(summaries, examples.records)
        entries = [examples.entries[record] for record in records]
        targets, predicted = self._record_targets(records, examples), probabilities.argmax(axis=1)
        counts = np.bincount(targets, minlength=len(self.classes))
        return UnitMetrics(
            unit="recordings",
            patients=[entry.patient for entry in entries],
            statistic=classifier_statistic(targets, probabilities, self.classes),
            details={
                "classes": {name: {"recordings": int(n)} for name, n in zip(self.classes, counts, strict=True)},
                "confusion_matrix": confusion_matrix(targets, predicted, len(self.classes)).tolist(),
            },
            entries=entries,
            predicted=predicted,
        )

    def _record_targets(self, records, examples):
        """The target of each of `records`."""
        targets = np.full(len(examples.entries), -1)
        targets[examples.records] = examples.targets
        return targets[records]
