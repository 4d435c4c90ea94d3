"""The challenges' own scores, for the databases that have one."""

from collections.abc import Callable, Sequence

import numpy as np

from ecg_edge.records.record import Entry


def cinc2017(entries: Sequence[Entry], classes: Sequence[str]) -> Callable[[np.ndarray, np.ndarray], float]:
    """Mean F1 of N, A and O; recordings labelled or predicted noisy (~) count in the denominators.

    Clifford et al., "AF Classification from a Short Single Lead ECG Recording", Computing in Cardiology 2017,
    equations 1 to 4.
    """
    return _mean_f1(entries, classes, [classes.index(name) for name in ("N", "A", "O") if name in classes])


def cpsc2018(entries: Sequence[Entry], classes: Sequence[str]) -> Callable[[np.ndarray, np.ndarray], float]:
    """Mean F1 of the nine classes; the prediction is right if it is any of the recording's labels, otherwise it
    counts against the first.

    Liu et al., "An Open Access Database for Evaluating the Algorithms of Electrocardiogram Rhythm and Morphology
    Abnormality Detection", J. Med. Imaging Health Inform. 8, 2018, and the challenge's scoring rules.
    """
    return _mean_f1(entries, classes, range(len(classes)))


def _mean_f1(entries, classes, counted):
    """The score as a function of positions in `entries` and the predicted classes of all of them."""
    labels = [[classes.index(label) for label in entry.labels if label in classes] for entry in entries]
    first = np.array([own[0] for own in labels])
    right = np.zeros((len(entries), len(classes)), bool)
    for own, row in zip(labels, right, strict=True):
        row[own] = True

    def score(positions: np.ndarray, predicted: np.ndarray) -> float:
        guess = predicted[positions]
        truth = np.where(right[positions, guess], guess, first[positions])
        hits = np.bincount(truth[truth == guess], minlength=len(classes))
        occurrences = np.bincount(truth, minlength=len(classes)) + np.bincount(guess, minlength=len(classes))
        # A class that neither occurs nor is predicted says nothing, for a small test part or a resample of it.
        f1 = np.divide(2 * hits, occurrences, out=np.full(len(classes), np.nan), where=occurrences > 0)
        return float(np.nanmean(f1[list(counted)]))

    return score


SCORES = {
    ("rhythm", "cinc2017"): ("mean F1 of N, A, O (the challenge's score)", cinc2017),
    ("rhythm", "cpsc2018"): ("mean F1, any label right (the challenge's score)", cpsc2018),
}
