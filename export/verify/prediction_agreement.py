"""Prediction agreement between float and quantised model: classes, sets of labels, or a score that ranks windows."""

from collections.abc import Sequence

import numpy as np

from export.verify.acceptance import AcceptanceCheck

# Rounding moves the windows at a class border, 0.5–1 % of those of a trained model: three per cent is another model.
MIN_SAME_PREDICTION = 0.97
MIN_RANK_CORRELATION = 0.98
# A class may lose a tenth of its windows, or two where it has few: a smaller loss is no evidence that it is forgotten.
MAX_RECALL_LOSS = 0.10
MAX_RECALL_LOSS_WINDOWS = 2

LOW_AGREEMENT_REMEDY = (
    "fine-tune with fake quantisation (qat); train to the early stop, since the classes of an undecided model flip "
    "with any rounding; see whether ecg-edge data check finds artefacts; --explain shows the layers"
)


def check_predictions(
    expected: np.ndarray, found: np.ndarray, targets: np.ndarray, labels: Sequence[str]
) -> tuple[list[AcceptanceCheck], dict]:
    """Compares the predictions of two models on n windows.

    Args:
        expected: Of the float model: int (n,), one of `labels` each; bool (n, labels); or float (n,), a score.
        found: Of the quantised model, likewise.
        targets: The true classes (n,), where there are classes.
        labels: Names of the classes.

    Returns:
        The acceptance checks, and their figures for the file's metadata.
    """
    if np.issubdtype(expected.dtype, np.floating):
        return _check_ranks(expected, found)
    check, figures = _check_same(expected, found)
    if expected.ndim > 1:
        return [check], figures
    recall_check, recalls = check_recall(expected, found, targets, labels)
    return [check, recall_check], {**figures, "recall": recalls}


def _check_ranks(expected, found):
    # Spearman's: the correlation of the positions that the windows have when they are sorted by their scores.
    correlation = float(np.corrcoef(*(scores.argsort().argsort() for scores in (expected, found)))[0, 1])
    check = AcceptanceCheck(
        f"rank correlation of the scores with Keras's, {len(expected)} windows",
        f"{correlation:.4f}",
        f"≥ {MIN_RANK_CORRELATION:g}",
        correlation >= MIN_RANK_CORRELATION,
        LOW_AGREEMENT_REMEDY,
    )
    return [check], {"rank_correlation": round(correlation, 4)}


def _check_same(expected, found):
    equal = expected == found
    same = float(np.mean(equal))
    name = "windows in the same class as Keras" if equal.ndim == 1 else "labels the same as Keras's, over the windows"
    check = AcceptanceCheck(
        f"{name}, of {len(equal)}",
        f"{same:.1%}",
        f"≥ {MIN_SAME_PREDICTION:.0%}",
        same >= MIN_SAME_PREDICTION,
        LOW_AGREEMENT_REMEDY,
    )
    return check, {"same_decision": round(same, 4)}


def check_recall(
    float_classes: np.ndarray, integer_classes: np.ndarray, targets: np.ndarray, labels: Sequence[str]
) -> tuple[AcceptanceCheck, dict[str, dict]]:
    """Compares the recall of every class.

    Args:
        float_classes: Predicted by the float model, int (n,).
        integer_classes: Predicted by the quantised model, int (n,).
        targets: The true classes, int (n,).
        labels: Names of the classes.

    Returns:
        The check of the class that lost most, and label → {"windows", "float", "int8"}, the recalls.
    """
    recalls, worst = {}, None
    for index, label in enumerate(labels):
        mine = targets == index
        total = int(mine.sum())
        if not total:
            continue
        before, after = int((float_classes[mine] == index).sum()), int((integer_classes[mine] == index).sum())
        recalls[label] = {"windows": total, "float": round(before / total, 4), "int8": round(after / total, 4)}
        # Relative to the loss that is allowed: comparable between classes of different size.
        loss = (before - after) / max(MAX_RECALL_LOSS * total, MAX_RECALL_LOSS_WINDOWS)
        if worst is None or loss > worst[0]:
            worst = loss, f"{label} {before} → {after} of {total}"
    loss, measured = worst or (0.0, "no window has a label")
    check = AcceptanceCheck(
        "recall of the class that lost most, float → int8",
        measured,
        f"loss ≤ {MAX_RECALL_LOSS:.0%} or {MAX_RECALL_LOSS_WINDOWS} windows",
        loss <= 1,
        "give the class more calibration windows: train on more recordings of it",
    )
    return check, recalls
