"""Rhythm classification of a recording: one class per recording, from the mean of its windows' probabilities.

A recording with several labels (CPSC 2018 has up to three) is one example whose target is its first label; a database
may count any of its labels as right (its own score, ecg_edge.evaluation.scores).
"""

from collections.abc import Sequence

import numpy as np

from ecg_edge.errors import InputError, unknown
from ecg_edge.records.record import Entry
from ecg_edge.tasks.examples import Examples


class RhythmTask:
    """`classes` in the order of the model's outputs."""

    name = "rhythm"
    loss = "sparse_categorical_crossentropy"

    def __init__(self, classes: Sequence[str]):
        if len(classes) < 2:
            raise InputError(f"a classifier needs at least two classes, the recordings carry {len(classes)}")
        self.classes = tuple(classes)

    def target(self, entry: Entry) -> int:
        """The class of a recording, by its first label."""
        if not entry.labels:
            raise InputError(f"record {entry.name} carries no label of the whole recording")
        if entry.labels[0] not in self.classes:
            raise InputError(f"record {entry.name}: {unknown('class', entry.labels[0], self.classes)}")
        return self.classes.index(entry.labels[0])

    def targets(self, entries: Sequence[Entry]) -> np.ndarray:
        """int64 (recordings,)."""
        return np.array([self.target(entry) for entry in entries], np.int64)

    def class_weights(self, targets: np.ndarray, rule: str) -> np.ndarray:
        """Weight of each class, float32 (classes,), from the targets of the training windows.

        "balanced": n / (classes · n_class), "sqrt": its square root, "none": ones. Raises InputError for a class
        without any training example.
        """
        counts = np.bincount(targets, minlength=len(self.classes))
        for name, count in zip(self.classes, counts, strict=True):
            if count == 0:
                raise InputError(f"class {name} has no recording in the training part: add some or drop the class")
        balanced = len(targets) / (len(self.classes) * counts)
        weights = {"balanced": balanced, "sqrt": np.sqrt(balanced), "none": np.ones(len(counts))}[rule]
        return weights.astype(np.float32)

    def decide(self, probabilities: np.ndarray, records: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Windows' probabilities (n, classes) and the recording of each (n,) → the recordings (m,) in ascending order
        and their probabilities (m, classes): the mean over the windows."""
        found, position = np.unique(records, return_inverse=True)
        sums = np.zeros((len(found), probabilities.shape[1]))
        np.add.at(sums, position, probabilities)
        return found, sums / np.bincount(position)[:, None]

    def validate(self, probabilities: np.ndarray, examples: Examples) -> dict[str, float]:
        """Figures of an epoch from the outputs (n, classes) for the validation windows: the cross-entropy per window,
        without class weights, and the macro F1 over recordings."""
        from sklearn.metrics import f1_score

        targets = self.targets([examples.entries[record] for record in examples.records])
        likelihood = np.clip(probabilities[np.arange(len(targets)), targets], 1e-7, 1.0)
        found, decided = self.decide(probabilities, examples.records)
        truth = self.targets([examples.entries[record] for record in found])
        macro_f1 = f1_score(truth, decided.argmax(axis=1), average="macro", zero_division=0.0)
        return {"validation_loss": float(-np.log(likelihood).mean()), "validation_macro_f1": float(macro_f1)}
