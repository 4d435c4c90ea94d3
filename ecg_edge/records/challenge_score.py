"""ChallengeScore: the score by which a challenge ranked its participants, computed from labels and predictions."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from ecg_edge.records.record import Entry


@dataclasses.dataclass(frozen=True)
class ChallengeScore:
    """A challenge's score: the mean F1 of some classes, for models that predict one class per recording.

    A prediction is right if it is any of the recording's labels; otherwise it counts against the first.

    Attributes:
        title: As reports print it.
        counted: The classes whose F1 are averaged, () for all. Recordings of the other classes, and predictions of
            these, count in the denominators.
    """

    title: str
    counted: tuple[str, ...] = ()

    def prepare(self, entries: Sequence[Entry], classes: Sequence[str]) -> Callable[[np.ndarray, np.ndarray], float]:
        """Prepare the score for some recordings.

        Args:
            entries: The recordings with their true labels, at least one of `classes` each.
            classes: The classes in the order of the model's outputs.

        Returns:
            A function of positions in `entries`, int (m,), some of them repeated, and the predicted class of every
            entry, int (n,): the score of the recordings at these positions.
        """
        counted = [classes.index(name) for name in self.counted or classes if name in classes]
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
            # A class that neither occurs nor is predicted has no F1: a small test part, or a resample of it.
            f1 = np.divide(2 * hits, occurrences, out=np.full(len(classes), np.nan), where=occurrences > 0)
            return float(np.nanmean(f1[counted]))

        return score
