"""Metrics of classifiers and detectors, as functions of true and predicted values.

A metric is one function here and one line of DISPLAY_NAMES; a task adds its value to `compute_metrics`.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np

# Key in a result → its name in tables. Other keys are shown with spaces for underscores.
DISPLAY_NAMES = {
    "macro_f1": "macro F1",
    "macro_auroc": "macro AUROC",
    "macro_auprc": "macro AUPRC",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "f1": "F1",
}
SMALLEST_PROBABILITY = 1e-7  # in the logarithm of a cross-entropy, as in Keras


def display_name(metric: str) -> str:
    """The name of a metric in tables: "macro_f1" → "macro F1"."""
    return DISPLAY_NAMES.get(metric, metric.replace("_", " "))


def cross_entropy(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean cross-entropy, nats: targets int (n,), the true classes; probabilities (n, classes)."""
    likelihood = np.clip(probabilities[np.arange(len(targets)), targets], SMALLEST_PROBABILITY, 1.0)
    return float(-np.log(likelihood).mean())


def binary_cross_entropy(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean binary cross-entropy over examples and labels, nats: targets 0 or 1 and probabilities, both (n, labels)."""
    p = np.clip(probabilities, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return float(-np.mean(targets * np.log(p) + (1 - targets) * np.log(1 - p)))


def confusion_matrix(targets: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts (classes, classes): true class by row, predicted class by column; targets and predicted int (n,)."""
    return np.bincount(targets * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def class_metrics(targets: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall, F1, AUROC and AUPRC of each class against the rest.

    Args:
        targets: int (n,), the true classes.
        probabilities: (n, classes); the prediction is the largest.

    Returns:
        Metric → (classes,): 0 where a ratio is 0 / 0, NaN where a class is absent or the only one.
    """
    classes = probabilities.shape[1]
    counts = confusion_matrix(targets, probabilities.argmax(axis=1), classes)
    ratios = precision_recall_f1(np.diag(counts), counts.sum(axis=1), counts.sum(axis=0))
    return {**ratios, **auroc_auprc(targets[:, None] == np.arange(classes), probabilities)}


def precision_recall_f1(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall and F1 from counts per class.

    Args:
        hits: true positives, (classes,).
        true: examples of the class, (classes,).
        predicted: examples predicted as the class, (classes,).

    Returns:
        "precision", "recall", "f1", each (classes,): 0 where a ratio is 0 / 0, NaN where a class does not occur.
    """
    return {
        "precision": hits / np.maximum(predicted, 1),
        "recall": np.where(true > 0, hits / np.maximum(true, 1), np.nan),
        "f1": np.where(true > 0, 2 * hits / np.maximum(true + predicted, 1), np.nan),
    }


def auroc_auprc(positive: np.ndarray, scores: np.ndarray) -> dict[str, np.ndarray]:
    """AUROC and AUPRC of each column: bool `positive` and `scores`, both (n, classes), → "auroc" and "auprc"
    (classes,), NaN where a column has examples of one kind only."""
    auroc, auprc = np.full(scores.shape[1], np.nan), np.full(scores.shape[1], np.nan)
    true = positive.sum(axis=0)
    for c in np.flatnonzero((true > 0) & (true < len(positive))):
        auroc[c], auprc[c] = binary_auroc_auprc(positive[:, c], scores[:, c])
    return {"auroc": auroc, "auprc": auprc}


def binary_auroc_auprc(positive: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """Area under the ROC curve and average precision of `scores` (n,) for bool `positive` (n,), both of which occur.

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


def macro_average(
    per_class: Mapping[str, np.ndarray], metrics: Sequence[str] = ("f1", "auroc", "auprc")
) -> dict[tuple[str, ...], float]:
    """{("macro_f1",): mean over the classes that occur, …} from metric → (classes,)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # no class of this resample defines the metric
        return {(f"macro_{metric}",): float(np.nanmean(per_class[metric])) for metric in metrics}


def by_class(per_class: Mapping[str, np.ndarray], classes: Sequence[str]) -> dict[tuple[str, ...], float]:
    """{("classes", class, metric): value} from metric → (classes,)."""
    return {
        ("classes", name, metric): float(values[c])
        for metric, values in per_class.items()
        for c, name in enumerate(classes)
    }


def classifier_statistic(
    targets: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]
) -> Callable[[np.ndarray], dict[tuple[str, ...], float]]:
    """The statistic of a classifier for ecg_edge.tasks.task.UnitMetrics.

    Args:
        targets: int (n,), the true class of each unit.
        probabilities: (n, classes).
        classes: names.

    Returns:
        positions of units → accuracy, macro averages and metrics of each class.
    """
    predicted = probabilities.argmax(axis=1)

    def statistic(positions):
        per_class = class_metrics(targets[positions], probabilities[positions])
        accuracy = float(np.mean(targets[positions] == predicted[positions]))
        return {("accuracy",): accuracy, **macro_average(per_class), **by_class(per_class, classes)}

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


def find_largest_share(patients: np.ndarray) -> str | None:
    """Find the patient who has more than half of what several have. patients: of each unit; None: there is none."""
    names, counts = np.unique(patients, return_counts=True)
    is_one_person = len(names) > 1 and counts.max() > counts.sum() / 2
    return str(names[counts.argmax()]) if is_one_person else None
