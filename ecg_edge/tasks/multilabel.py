"""Diagnosis with several labels: every class of a recording is there or not, by a threshold of its own.

Thresholds are chosen on the validation part, each for the highest F1 of its class.
"""

import numpy as np

from ecg_edge.data.examples import consecutive_windows
from ecg_edge.tasks.metrics import auroc_auprc, best_threshold, macro_average, per_class, precision_recall_f1
from ecg_edge.tasks.task import Task, UnitMetrics, mean_by_record


class MultilabelTask(Task):
    """See the module. Targets are float32 (classes,), 1 where a recording has the label.

    decision: {"thresholds": [probability per class]}.
    """

    name = "multilabel"
    output = "labels"

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
        """The binary cross-entropy per window and class, and the macro F1 over recordings at the best thresholds."""
        p = np.clip(summaries, 1e-7, 1 - 1e-7)
        loss = -np.mean(examples.targets * np.log(p) + (1 - examples.targets) * np.log(1 - p))
        _, truth, decided = self._decided(summaries, examples)
        f1 = _f1(truth, decided >= self.choose_decision(summaries, examples)["thresholds"])
        return {"validation_loss": float(loss), "validation_score": float(np.nanmean(f1))}

    def choose_decision(self, summaries, examples):
        _, truth, decided = self._decided(summaries, examples)
        return {"thresholds": [best_threshold(truth[:, c], decided[:, c]) for c in range(len(self.classes))]}

    def compute_metrics(self, summaries, examples):
        found, truth, decided = self._decided(summaries, examples)
        there = decided >= self.require_decision("thresholds")

        def statistic(positions):
            own, said = truth[positions], there[positions]
            figures = {
                **precision_recall_f1((own & said).sum(axis=0), own.sum(axis=0), said.sum(axis=0)),
                **auroc_auprc(own, decided[positions]),
            }
            exact = float(np.mean((own == said).all(axis=1)))
            return {**macro_average(figures), ("all_labels_right",): exact, **per_class(figures, self.classes)}

        entries = [examples.entries[record] for record in found]
        counts = truth.sum(axis=0)
        return UnitMetrics(
            unit="recordings",
            patients=[entry.patient for entry in entries],
            statistic=statistic,
            details={"classes": {name: {"recordings": int(n)} for name, n in zip(self.classes, counts, strict=True)}},
            entries=entries,
        )

    def label(self, probabilities):
        """All labels above their thresholds, "-" where there is none."""
        there = probabilities >= self.require_decision("thresholds")
        return " ".join(np.array(self.classes)[there]) or "-"

    def _decided(self, summaries, examples):
        """The recordings, bool (m, classes) whether they have each label, and the mean of their windows' outputs."""
        found, decided = mean_by_record(summaries, examples.records)
        truth = np.zeros((len(examples.entries), len(self.classes)), bool)
        truth[examples.records] = examples.targets > 0.5
        return found, truth[found], decided


def _f1(truth, said):
    return precision_recall_f1((truth & said).sum(axis=0), truth.sum(axis=0), said.sum(axis=0))["f1"]
