"""The curves of an evaluation: receiver operating characteristic, precision over recall, reliability, latent space."""

import numpy as np

BINS = 10  # of a reliability curve


def find_roc(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the receiver operating characteristic: T. Fawcett, Pattern Recognition Letters 27, 2006, algorithm 1.

    Args:
        positive: bool (n,), both of whose values occur.
        scores: (n,), higher for positive.

    Returns:
        The false positive rate and the true positive rate at every threshold, from (0, 0) to (1, 1).
    """
    hits, false = _count_above(positive, scores)
    return np.append(0.0, false / false[-1]), np.append(0.0, hits / hits[-1])


def find_precision_recall(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find precision over recall: J. Davis and M. Goadrich, ICML 2006.

    Args:
        positive: bool (n,), of which at least one is true.
        scores: (n,), higher for positive.

    Returns:
        The recall and the precision at every threshold, the highest threshold first.
    """
    hits, false = _count_above(positive, scores)
    return hits / hits[-1], hits / (hits + false)


def _count_above(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many positive and how many other scores are at least as high as each distinct score, the highest first."""
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(positive[order])[last].astype(float)
    return hits, last + 1 - hits


def find_reliability(said: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find how often what is said with a probability holds: DeGroot and Fienberg, The Statistician 32, 1983.

    Args:
        said: (n,), probabilities.
        held: bool (n,).

    Returns:
        Of each of BINS equal bins that is not empty: the mean probability, the share that held, and the count.
    """
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    used = counts > 0
    sums = (np.bincount(bins, values, BINS)[used] for values in (said, held.astype(float)))
    mean, share = (each / counts[used] for each in sums)
    return mean, share, counts[used]


def project(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Project points onto their first two principal components: I. T. Jolliffe, Principal Component Analysis, 2002.

    Args:
        points: (n, d), n of at least 1.

    Returns:
        (n, 2), the second column zeros where d is 1; and the shares of the variance of both, (2,).
    """
    centred = points - points.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    found = np.zeros((len(points), 2))
    kept = min(2, len(sizes))
    found[:, :kept] = left[:, :kept] * sizes[:kept]
    shares = np.zeros(2)
    shares[:kept] = sizes[:kept] ** 2 / max(float(np.sum(sizes**2)), 1e-30)
    return found, shares
