"""Diagnosis with several labels: each label is present or absent by its own threshold.

Each threshold is chosen on the validation part, for the highest F1 of its label over recordings.
"""

import numpy as np

from ecg_edge.data.examples import consecutive_windows
from ecg_edge.tasks.metrics import (
    auroc_auprc,
    best_threshold,
    binary_cross_entropy,
    by_class,
    macro_average,
    precision_recall_f1,
)
from ecg_edge.tasks.task import Task, UnitMetrics, mean_by_record


class MultilabelTask(Task):
    """Any number of labels per recording. Targets are float32 (n, labels): 1 where the recording has the label.

    decision: {"thresholds": [probability per label]}.
    """

    name = "multilabel"
    output = "labels"
    loss = "binary_cross_entropy"

    @classmethod
    def is_usable(cls, entry, classes):
        return any(label in classes for label in entry.labels)

    @classmethod
    def find_classes(cls, dataset, recordings, names):
        present = {label for entry in dataset.entries for label in entry.labels}
        return tuple(name for name in dataset.database.classes if name in present)

    def examples(self, recordings, names, window, training=False):
        targets = [[label in entry.labels for label in self.classes] for entry in recordings.entries]
        return consecutive_windows(recordings, names, window, np.array(targets, np.float32))

    def decide(self, summaries):
        return summaries >= self.require_decision("thresholds")

    def validate(self, summaries, examples):
        """The binary cross-entropy per window and label, and the macro F1 over recordings at the best thresholds."""
        _, truth, probabilities = self._by_record(summaries, examples)
        predicted = probabilities >= self.choose_decision(summaries, examples)["thresholds"]
        return {
            "validation_loss": binary_cross_entropy(examples.targets, summaries),
            "validation_score": float(np.nanmean(_ratios(truth, predicted)["f1"])),
        }

    def choose_decision(self, summaries, examples):
        _, truth, probabilities = self._by_record(summaries, examples)
        return {"thresholds": [best_threshold(truth[:, c], probabilities[:, c]) for c in range(len(self.classes))]}

    def pair_with_truth(self, summaries, examples):
        _, truth, probabilities = self._by_record(summaries, examples)
        return probabilities, truth

    def compute_metrics(self, summaries, examples):
        records, truth, probabilities = self._by_record(summaries, examples)
        predicted = probabilities >= self.require_decision("thresholds")

        def statistic(positions):
            true, ours = truth[positions], predicted[positions]
            per_class = {**_ratios(true, ours), **auroc_auprc(true, probabilities[positions])}
            exact = float(np.mean((true == ours).all(axis=1)))
            return {**macro_average(per_class), ("all_labels_right",): exact, **by_class(per_class, self.classes)}

        entries = [examples.entries[record] for record in records]
        counts = truth.sum(axis=0)
        return UnitMetrics(
            unit="recordings",
            patients=[entry.patient for entry in entries],
            statistic=statistic,
            details={"classes": {name: {"recordings": int(n)} for name, n in zip(self.classes, counts, strict=True)}},
            entries=entries,
        )

    def label(self, probabilities):
        """All labels at or above their thresholds, "-" where there is none."""
        present = probabilities >= self.require_decision("thresholds")
        return " ".join(np.array(self.classes)[present]) or "-"

    def _by_record(self, summaries, examples):
        """The recordings (m,), bool (m, labels) their true labels, and the mean of their windows' probabilities."""
        records, probabilities = mean_by_record(summaries, examples.records)
        truth = np.zeros((len(examples.entries), len(self.classes)), bool)
        truth[examples.records] = examples.targets > 0.5
        return records, truth[records], probabilities


def _ratios(truth, predicted):
    """Precision, recall and F1 of each label; truth and predicted bool (n, labels)."""
    return precision_recall_f1((truth & predicted).sum(axis=0), truth.sum(axis=0), predicted.sum(axis=0))
