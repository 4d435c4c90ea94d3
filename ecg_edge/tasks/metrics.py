"""Figures of merit as functions of true and predicted classes."""

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np

PER_CLASS = ("precision", "recall", "f1", "auroc", "auprc")


def confusion_matrix(targets: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts (classes, classes): true class by row, predicted class by column."""
    return np.bincount(targets * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def classification_metrics(targets: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Per class (classes,): precision, recall, f1, auroc and auprc (one against the rest); 0 where a ratio is 0 / 0,
    NaN where a class is absent or alone."""
    classes = probabilities.shape[1]
    counts = confusion_matrix(targets, probabilities.argmax(axis=1), classes)
    hits, true, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    return {
        **precision_recall_f1(hits, true, predicted),
        **auroc_auprc(targets[:, None] == np.arange(classes), probabilities),
    }


def precision_recall_f1(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall and F1 from counts per class; 0 where a ratio is 0 / 0, NaN where a class does not occur."""
    return {
        "precision": hits / np.maximum(predicted, 1),
        "recall": np.where(true > 0, hits / np.maximum(true, 1), np.nan),
        "f1": np.where(true > 0, 2 * hits / np.maximum(true + predicted, 1), np.nan),
    }


def auroc_auprc(positive: np.ndarray, scores: np.ndarray) -> dict[str, np.ndarray]:
    """AUROC and AUPRC of each column of `scores` (n, classes) for bool `positive`; NaN for a class absent or alone."""
    auroc, auprc = np.full(scores.shape[1], np.nan), np.full(scores.shape[1], np.nan)
    true = positive.sum(axis=0)
    for c in np.flatnonzero((true > 0) & (true < len(positive))):
        auroc[c], auprc[c] = binary_auroc_auprc(positive[:, c], scores[:, c])
    return {"auroc": auroc, "auprc": auprc}


def binary_auroc_auprc(positive: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """Area under the ROC curve and average precision of `scores` (n,) for `positive` bool (n,).

    The definitions are scikit-learn's, without its checks of every argument: the bootstrap calls this thousands of
    times.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, hit = scores[order], positive[order]
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))  # of each group of equal scores
    hits = np.cumsum(hit)[last].astype(float)
    misses = last + 1 - hits
    before = np.concatenate([[0.0], hits[:-1]])
    positives, negatives = hits[-1], misses[-1]
    width = np.diff(misses, prepend=0.0)
    auroc = float(np.sum(width * (before + hits) / 2) / (positives * negatives))
    auprc = float(np.sum((hits - before) * hits / (last + 1)) / positives)
    return auroc, auprc


def macro_average(figures: Mapping[str, np.ndarray], names: Sequence[str] = ("f1", "auroc", "auprc")) -> dict:
    """{("macro_f1",): mean over the classes that occur, …}."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a metric that no class of this draw defines
        return {(f"macro_{name}",): float(np.nanmean(figures[name])) for name in names}


def per_class(figures: Mapping[str, np.ndarray], classes: Sequence[str]) -> dict:
    """{("classes", class, metric): figure}."""
    return {("classes", name, metric): float(values[c]) for metric, values in figures.items()
            for c, name in enumerate(classes)}  # fmt: skip


def classification_statistic(
    targets: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]
) -> Callable[[np.ndarray], dict[tuple[str, ...], float]]:
    """The statistic of a classifier for ecg_edge.tasks.task.UnitMetrics: targets (n,), probabilities (n, classes)."""
    predicted = probabilities.argmax(axis=1)

    def statistic(positions):
        figures = classification_metrics(targets[positions], probabilities[positions])
        accuracy = float(np.mean(targets[positions] == predicted[positions]))
        return {("accuracy",): accuracy, **macro_average(figures), **per_class(figures, classes)}

    return statistic


def best_threshold(positive: np.ndarray, scores: np.ndarray) -> float:
    """The threshold with the highest F1 of `scores` ≥ threshold for bool `positive` (n,), halfway to the next lower
    score; 0.5 where nothing is positive."""
    if not positive.any():
        return 0.5
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(positive[order])
    f1 = 2 * hits / (np.arange(1, len(scores) + 1) + positive.sum())
    ranked = np.append(np.float64(scores[order]), np.float64(scores.min()) - 1e-6)
    f1[np.diff(ranked) == 0] = -1.0  # equal scores fall on the same side
    best = int(np.argmax(f1))
    return float((ranked[best] + ranked[best + 1]) / 2)
