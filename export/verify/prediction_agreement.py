"""Does the integer file decide as the float model does? Classes, sets of labels, or a score that ranks windows."""

from collections.abc import Sequence

import numpy as np

from export.verify.acceptance import Gate
from export.verify.parity import UNDECIDED

# Rounding moves the windows at a class border, 0.5–1 % of those of a trained model: three per cent is another model.
SAME_DECISION = 0.97
RANK_CORRELATION = 0.98
# A class may lose a tenth of its windows, or two where it has few: less says nothing, more is a class going under.
RECALL_LOSS = 0.10
RECALL_LOSS_WINDOWS = 2


def decision_gates(
    expected: np.ndarray, found: np.ndarray, targets: np.ndarray, labels: Sequence[str]
) -> tuple[list[Gate], dict]:
    """Gates and figures of what was decided on n windows: int (n,), each one of `labels`, with the true ones in
    `targets`; bool (n, labels); or float (n,), a score."""
    if np.issubdtype(expected.dtype, np.floating):
        return _ranks(expected, found)
    gate, figures = _same(expected, found)
    if expected.ndim > 1:
        return [gate], figures
    collapse, recalls = recall_gate(expected, found, targets, labels)
    return [gate, collapse], {**figures, "recall": recalls}


def _ranks(expected, found):
    # Spearman's: the correlation of the positions that the windows have when they are sorted by their scores.
    correlation = float(np.corrcoef(*(scores.argsort().argsort() for scores in (expected, found)))[0, 1])
    gate = Gate(
        f"rank correlation of the scores with Keras's, {len(expected)} windows",
        f"{correlation:.4f}",
        f"≥ {RANK_CORRELATION:g}",
        correlation >= RANK_CORRELATION,
        UNDECIDED,
    )
    return [gate], {"rank_correlation": round(correlation, 4)}


def _same(expected, found):
    equal = expected == found
    same = float(np.mean(equal))
    name = "windows in the same class as Keras" if equal.ndim == 1 else "labels given as by Keras, over the windows"
    gate = Gate(f"{name}, of {len(equal)}", f"{same:.1%}", f"≥ {SAME_DECISION:.0%}", same >= SAME_DECISION, UNDECIDED)
    return gate, {"same_decision": round(same, 4)}


def recall_gate(float_classes, integer_classes, targets, labels):
    """The class that lost most, as a gate, and {label: [windows, recall in float, recall in int8]}."""
    recalls, worst = {}, None
    for index, label in enumerate(labels):
        mine = targets == index
        total = int(mine.sum())
        if not total:
            continue
        before, after = int((float_classes[mine] == index).sum()), int((integer_classes[mine] == index).sum())
        recalls[label] = {"windows": total, "float": round(before / total, 4), "int8": round(after / total, 4)}
        # How much of what may be lost was lost: comparable between classes of different size.
        spent = (before - after) / max(RECALL_LOSS * total, RECALL_LOSS_WINDOWS)
        if worst is None or spent > worst[0]:
            worst = spent, f"{label} {before} → {after} of {total}"
    spent, figure = worst or (0.0, "no window has a label")
    gate = Gate(
        "recall of the class that lost most, float → int8",
        figure,
        f"loss ≤ {RECALL_LOSS:.0%} or {RECALL_LOSS_WINDOWS} windows",
        spent <= 1,
        "give the class more calibration windows: train on more recordings of it",
    )
    return gate, recalls
