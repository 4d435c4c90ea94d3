"""What a device said of a recording, against its annotations: beats, bouts of rhythms, episodes and burden of AF.

Beats are counted as in ecg_edge.evaluation.detected_beats. Rhythms are compared in steps of STEP_S. An annotated
episode of atrial fibrillation is found where the device says AF during any part of it, and one that the device says is
true where any part of it is annotated as AF, as ANSI/AAMI EC57 asks. Atrial flutter counts as neither AF nor its
absence. The burden is the share of time in AF.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ecg_edge.evaluation.beat_detection import WINDOW_S, match_beats
from ecg_edge.records.record import Record
from ecg_edge.tasks.beat_history import CLASSES, aami_classes
from ecg_edge.tasks.beats import MISSED, NO_BEAT, count_beats
from ecg_edge.tasks.rhythm_bouts import RHYTHMS

STEP_S = 0.1
AF, FLUTTER = "AFIB", "AFL"


@dataclasses.dataclass(frozen=True)
class RhythmAnswers:
    """What a device said of a recording's rhythms.

    Attributes:
        bouts: Of each annotated bout of a rhythm that the device knows: the rhythm, and the one that it said for the
            longest time of the bout, "" where it said none.
        annotated_af: Of each annotated episode of AF: its length, s, and whether it was found.
        said_af: Of each episode of AF that the device said: its length, s, and whether it was true.
        seconds: The time that is compared: with an annotated rhythm other than flutter, and a said one.
        annotated_s, said_s, common_s: The time in AF of it: as annotated, as said, and in both.
        silent: The share of the recording's time for which the device said no rhythm.
    """

    bouts: tuple[tuple[str, str], ...]
    annotated_af: tuple[tuple[float, bool], ...]
    said_af: tuple[tuple[float, bool], ...]
    seconds: float
    annotated_s: float
    said_s: float
    common_s: float
    silent: float


def count_said_beats(record: Record, times: Sequence[float], labels: Sequence[str]) -> np.ndarray:
    """Count what a device said of beats.

    Args:
        record: With annotated beats.
        times: The R peaks of its beats, s, in ascending order.
        labels: N, A or V of each.

    Returns:
        As `ecg_edge.tasks.beats.count_beats`, for `beat_metrics`. Unclassifiable beats do not count.
    """
    assert record.beats is not None
    true = aami_classes(record.beats.symbols)
    pairs = match_beats(record.beats.samples, np.asarray(times) * record.fs, WINDOW_S * record.fs)
    targets = np.full(len(times), NO_BEAT)
    targets[pairs[:, 1]] = true[pairs[:, 0]]
    said = np.array([CLASSES.index(label) for label in labels], np.int64)
    lost = np.delete(true, pairs[:, 0])
    targets, said = np.concatenate([targets, lost]), np.concatenate([said, np.full(len(lost), MISSED)])
    return count_beats(targets[targets >= 0], said[targets >= 0])


def judge_rhythms(
    record: Record, episodes: Sequence[tuple[float, float, str | None]], labels: Sequence[str]
) -> RhythmAnswers:
    """Judge what a device said of rhythms.

    Args:
        record: With annotated rhythms and its signal.
        episodes: What it said: onset, end, s, and the rhythm, None where it said none.
        labels: The rhythms that it knows.

    Returns:
        The comparison.
    """
    codes = {RHYTHMS.get(label, label): label for label in labels}
    annotated = [(one.start / record.fs, one.stop / record.fs, one.rhythm) for one in record.rhythms]
    steps = round(record.seconds / STEP_S)
    truth = _lay_out(annotated, steps)
    said = _lay_out([(onset, end, label or "") for onset, end, label in episodes], steps)
    counted = (truth != "") & (truth != FLUTTER) & (said != "")
    bouts = []
    for onset, end, rhythm in annotated:
        if rhythm in codes:
            spoken, counts = np.unique(said[_cut(onset, end)], return_counts=True)
            times = {str(label): int(count) for label, count in zip(spoken, counts, strict=True) if label}
            bouts.append((codes[rhythm], max(times, key=times.__getitem__, default="")))
    annotated_af = [(end - onset, bool((said[_cut(onset, end)] == AF).any())) for onset, end, r in annotated if r == AF]
    said_af = []
    for onset, end, label in episodes:
        own = truth[_cut(onset, end)]
        if label == AF and not (own == FLUTTER).all():
            said_af.append((end - onset, bool((own == AF).any())))
    both = {"annotated_s": truth == AF, "said_s": said == AF, "common_s": (truth == AF) & (said == AF)}
    return RhythmAnswers(
        tuple(bouts),
        tuple(annotated_af),
        tuple(said_af),
        float(counted.sum() * STEP_S),
        **{name: float((counted & own).sum() * STEP_S) for name, own in both.items()},
        silent=float(np.mean(said == "")),
    )


def _lay_out(intervals: Sequence[tuple[float, float, str]], steps: int) -> np.ndarray:
    """The rhythm at each step, "" where there is none: str (steps,)."""
    rhythms = np.full(steps, "", "U32")
    for onset, end, rhythm in intervals:
        rhythms[_cut(onset, end)] = rhythm
    return rhythms


def _cut(onset: float, end: float) -> slice:
    """The steps of an interval, one at least."""
    first = round(onset / STEP_S)
    return slice(first, max(round(end / STEP_S), first + 1))
