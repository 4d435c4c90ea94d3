"""What precedes a beat: RR intervals and the classes of earlier beats; and prediction that feeds those classes back."""

from collections.abc import Callable

import numpy as np

from ecg_edge.data.recordings import Recordings
from ecg_edge.records.record import AAMI

CLASSES = ("N", "A", "V")  # ANSI/AAMI EC57: normal or bundle branch block, supraventricular, ventricular
FUSION, UNKNOWN = 3, -1  # beside the positions in CLASSES
BEFORE = 5  # beats of history
LONGEST_RR = 3.0  # s; a longer one, a pause or a gap in the annotations, counts as this


def aami_classes(symbols: np.ndarray) -> np.ndarray:
    """WFDB beat codes S1 (n,) → positions in CLASSES, FUSION or UNKNOWN: int8 (n,)."""
    table = np.full(256, UNKNOWN, np.int8)
    for symbol, name in AAMI.items():
        table[ord(symbol)] = FUSION if name == "F" else CLASSES.index(name) if name in CLASSES else UNKNOWN
    return table[np.asarray(symbols, "S1").view(np.uint8)]


def unknown_classes(count: int) -> np.ndarray:
    """UNKNOWN for each of `count` beats: int8."""
    return np.full(count, UNKNOWN, np.int8)


def history(
    recordings: Recordings,
    records: np.ndarray,
    beats: np.ndarray,
    known: np.ndarray,
    relative: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The RR intervals and the classes before each beat, oldest first.

    Args:
        recordings: all recordings of the data set.
        records: int (n,), the position of each beat's recording.
        beats: int (n,), the position of each beat among all recordings' beats.
        known: int8, the class of each of all recordings' beats, UNKNOWN where the model may not know it.
        relative: float32, the relative RR interval before each of all recordings' beats; None: in s.

    Returns:
        RR intervals, float32 (n, BEFORE), s, at most LONGEST_RR, 0 where there is none; the last ends with the beat
        itself. With `relative` those, and the last is the one after the beat.
        Classes of the beats before it, one-hot float32 (n, BEFORE, classes), zeros where unknown.
    """
    first, stop = (recordings.beat_starts[records + n][:, None] for n in (0, 1))
    positions = beats[:, None] + np.arange(-BEFORE, 1)  # (n, BEFORE + 1), the last is the beat itself
    exists = positions >= first
    times = recordings.beat_times[np.maximum(positions, first)]
    if relative is None:
        rr = np.where(exists[:, :-1], np.clip(np.diff(times, axis=1), 0.0, LONGEST_RR), 0.0)
    else:
        ends = positions[:, 1:] + 1  # the beats that the intervals end with
        rr = np.where((ends > first) & (ends < stop), relative[np.clip(ends, first, stop - 1)], 0.0)
    labels = np.where(exists, known[np.maximum(positions, first)], UNKNOWN)[:, :-1]
    return rr.astype(np.float32), (labels[..., None] == np.arange(len(CLASSES))).astype(np.float32)


def predict_autoregressively(
    records: np.ndarray,
    beats: np.ndarray,
    total: int,
    predict: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Predict beats whose inputs include the predicted classes of earlier beats: recordings in parallel, beat by beat.

    Args:
        records, beats: int (n,), as in `history`.
        total: number of all recordings' beats.
        predict: positions in `beats` (m,), and the classes predicted so far (total,) → outputs (m, k), whose first
            columns are the probabilities of CLASSES.

    Returns:
        The outputs (n, k), and the predicted classes int8 (total,), UNKNOWN for beats not in `beats`.
    """
    order = np.lexsort((beats, records))
    groups = np.split(order, np.flatnonzero(np.diff(records[order])) + 1)
    groups.sort(key=len, reverse=True)
    known, outputs = unknown_classes(total), np.zeros((len(beats), 0), np.float32)
    for step in range(len(groups[0])):
        positions = np.array([group[step] for group in groups if len(group) > step])
        predicted = predict(positions, known)
        if step == 0:
            outputs = np.zeros((len(beats), predicted.shape[1]), np.float32)
        outputs[positions] = predicted
        known[beats[positions]] = predicted[:, : len(CLASSES)].argmax(axis=1)
    return outputs, known
