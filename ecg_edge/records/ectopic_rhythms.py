"""Rhythm intervals that the classes of beats define, for databases that annotate beats alone.

Ventricular and atrial bigeminy ("B", "AB") are normal beats in turn with ectopic ones; a supraventricular tachycardia
("SVTA") is a run of supraventricular beats of more than 100 a minute: the definitions of the rhythm marks of WFDB,
https://archive.physionet.org/physiobank/annotations.shtml. Normal rhythm ("N") is stated where normal beats follow each
other regularly, at least 60 a minute. Nothing is stated of the rest: classes of beats do not tell atrial fibrillation.
"""

import itertools

import numpy as np

from ecg_edge.records.record import AAMI, Beats, RhythmInterval

COUPLES = 3  # of a normal and an ectopic beat, at least, in bigeminy
RUN = 3  # beats of a tachycardia, at least
FASTEST_SINUS, SLOWEST_SINUS = 0.6, 1.0  # s from beat to beat: a tachycardia is faster, normal rhythm not slower
REGULAR = 0.15  # largest deviation of an RR interval of normal rhythm from their median
LONGEST_NORMAL_S = 60.0  # of a normal interval: a recording gives several


def find_ectopic_rhythms(beats: Beats, fs: float) -> tuple[RhythmInterval, ...]:
    """Find the rhythm intervals that the classes of beats define.

    Args:
        beats: The annotated beats of a recording.
        fs: Its sampling rate, Hz.

    Returns:
        B, AB, SVTA and N intervals in time order, from the first beat of each to its last one; not all of the recording
        is in one.
    """
    samples, text = beats.samples, "".join(AAMI.get(str(symbol), "?") for symbol in np.asarray(beats.symbols, "U1"))
    found = []
    for rhythm, ectopic in (("B", "V"), ("AB", "A")):
        position = 0
        couple, couples = f"N{ectopic}", f"N{ectopic}" * COUPLES
        while (position := text.find(couples, position)) >= 0:
            last = position + len(couples)
            while text.startswith(couple, last):
                last += 2
            found.append((position, last, rhythm))
            position = last
    for kind, group in itertools.groupby(range(len(text)), text.__getitem__):
        own = list(group)
        if kind == "A" and len(own) >= RUN and np.diff(samples[own]).mean() < FASTEST_SINUS * fs:
            found.append((own[0], own[-1] + 1, "SVTA"))
        if kind == "N":
            found += _find_normal(own, samples / fs)
    return tuple(RhythmInterval(int(samples[a]), int(samples[b - 1]) + 1, r) for a, b, r in sorted(found))


def _find_normal(own: list[int], times: np.ndarray) -> list[tuple[int, int, str]]:
    """The parts of a stretch of normal beats, LONGEST_NORMAL_S each, that are regular and not slow."""
    found = []
    places = ((times[own] - times[own[0]]) // LONGEST_NORMAL_S).astype(int)
    for place in range(places[-1]):  # the last part is shorter
        part = np.array(own)[places == place]
        if len(part) < 2:
            continue
        intervals = np.diff(times[part])
        middle = np.median(intervals)
        if middle <= SLOWEST_SINUS and np.abs(intervals - middle).max() <= REGULAR * middle:
            found.append((int(part[0]), int(part[-1]) + 1, "N"))
    return found
