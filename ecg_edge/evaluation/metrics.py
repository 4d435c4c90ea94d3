"""Metrics of a classifier over recordings, each with its interval."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np

from ecg_edge.evaluation.bootstrap import intervals


def confusion_matrix(targets: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts (classes, classes): true class by row, predicted class by column."""
    return np.bincount(targets * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def figures_of(targets: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Per class (classes,): precision, recall, f1, auroc and auprc (one against the rest); 0 where a ratio is 0 / 0,
    NaN where a class is absent or alone."""
    classes = probabilities.shape[1]
    counts = confusion_matrix(targets, probabilities.argmax(axis=1), classes)
    hits, true, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    auroc, auprc = np.full(classes, np.nan), np.full(classes, np.nan)
    for c in np.flatnonzero((true > 0) & (true < len(targets))):
        auroc[c], auprc[c] = ranking(targets == c, probabilities[:, c])
    return {
        "precision": hits / np.maximum(predicted, 1),
        "recall": np.where(true > 0, hits / np.maximum(true, 1), np.nan),
        "f1": np.where(true > 0, 2 * hits / np.maximum(true + predicted, 1), np.nan),
        "auroc": auroc,
        "auprc": auprc,
    }


def ranking(positive: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
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


def classification(
    targets: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    patients: Sequence[str],
    score: Callable[[np.ndarray, np.ndarray], float] | None = None,
    advance: Callable[[], None] = lambda: None,
) -> dict:
    """Metrics over recordings as plain data: {"macro_f1": {"value", "low", "high"}, …, "classes": {name: {…}},
    "confusion_matrix": …}.

    targets (n,) class of each recording; probabilities (n, classes); patients (n,) for the intervals. score: a
    database's own score from positions of recordings and the predicted classes of all (n,).
    Macro averages are over the classes that occur.
    """
    predicted = probabilities.argmax(axis=1)
    per_class = ("precision", "recall", "f1", "auroc", "auprc")

    def statistic(positions):
        figures = figures_of(targets[positions], probabilities[positions])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a metric that no class of this draw defines
            macro = [np.nanmean(figures[name]) for name in ("f1", "auroc", "auprc")]
        overall = [np.mean(targets[positions] == predicted[positions]), *macro]
        if score:
            overall.append(score(positions, predicted))
        return np.concatenate([overall, *(figures[name] for name in per_class)])

    values = statistic(np.arange(len(targets)))
    bounds = intervals(statistic, patients, advance=advance)
    figures = iter([_figure(value, *bound) for value, bound in zip(values, bounds, strict=True)])
    overall = ["accuracy", "macro_f1", "macro_auroc", "macro_auprc", *(["score"] if score else [])]
    result = {name: next(figures) for name in overall}
    result["classes"] = {name: {"recordings": int(np.sum(targets == c))} for c, name in enumerate(classes)}
    for metric in per_class:
        for name in classes:
            result["classes"][name][metric] = next(figures)
    result["confusion_matrix"] = confusion_matrix(targets, predicted, len(classes)).tolist()
    return result


def _figure(value, low, high):
    """Plain data, None where undefined: NaN is no JSON."""
    return {
        key: None if np.isnan(x) else round(float(x), 4) for key, x in (("value", value), ("low", low), ("high", high))
    }
