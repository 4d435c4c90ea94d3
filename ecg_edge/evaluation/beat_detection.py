"""How many beats a detector finds, and how many of its detections are beats, as ANSI/AAMI EC57 counts them."""

import dataclasses
from collections.abc import Iterable

import numpy as np

from ecg_edge.records.record import Record
from firmware_bench.runtime.errors import InputError

WINDOW_S = 0.15  # a detection within it, on either side, is that of a beat
LEARNING_S = 300.0  # EC57's learning period at the beginning of a record
FLUTTER = ("VF", "VFL")  # rhythms without beats to detect


@dataclasses.dataclass(frozen=True)
class BeatDetection:
    """Counts of a record, or of several.

    Attributes:
        found: Annotated beats with a detection.
        missed: Annotated beats without one.
        extra: Detections that are no annotated beat.
    """

    found: int
    missed: int
    extra: int

    @property
    def sensitivity(self) -> float:
        """The share of beats that were found; NaN where there are none."""
        return self.found / (self.found + self.missed) if self.found + self.missed else np.nan

    @property
    def positive_predictivity(self) -> float:
        """The share of detections that are beats; NaN where there are none."""
        return self.found / (self.found + self.extra) if self.found + self.extra else np.nan


def match_beats(beats: np.ndarray, detections: np.ndarray, window: float) -> np.ndarray:
    """Match detections with beats, each at most once, the nearer of two neighbours first.

    wfdb's Comparitor gives a detection to two beats where beats are closer together than the window.

    Args:
        beats: Sample indices in ascending order, (n,).
        detections: Sample indices in ascending order, (m,).
        window: Samples that a detection may be away.

    Returns:
        int64 (k, 2): positions in `beats` and in `detections` of each pair.
    """
    pairs, own, other = [], 0, 0
    beats, detections = np.asarray(beats).tolist(), np.asarray(detections).tolist()
    while own < len(beats) and other < len(detections):
        distance = abs(beats[own] - detections[other])
        if other + 1 < len(detections) and abs(beats[own] - detections[other + 1]) < distance:
            other += 1
        elif own + 1 < len(beats) and abs(beats[own + 1] - detections[other]) < distance:
            own += 1
        else:
            if distance <= window:
                pairs.append((own, other))
                own, other = own + 1, other + 1
            elif detections[other] < beats[own]:
                other += 1
            else:
                own += 1
    return np.array(pairs, np.int64).reshape(-1, 2)


def score_detection(record: Record, detections: np.ndarray, begin_s: float = 0.0) -> BeatDetection:
    """Score the detections of a record against its annotated beats.

    Beats and detections in ventricular flutter and fibrillation do not count: there are no complexes to detect.

    Args:
        record: With annotated beats.
        detections: Sample indices at the record's rate in ascending order.
        begin_s: The time from which on beats count, s: LEARNING_S or 0.

    Returns:
        The counts.

    Raises:
        InputError: The record has no annotated beats, or the detections are not in ascending order.
    """
    if record.beats is None:
        raise InputError(f"record {record.name} has no annotated beats: no detections can be scored against them")
    detections = np.asarray(detections, np.int64)
    if (np.diff(detections) <= 0).any():
        raise InputError(f"record {record.name}: the detections are not in ascending order")
    window, beats = WINDOW_S * record.fs, np.unique(record.beats.samples)
    pairs = match_beats(beats, detections, window)
    # A pair at an edge of what counts is judged by its beat, so that neither half of it is left alone.
    moments = detections.copy()
    moments[pairs[:, 1]] = beats[pairs[:, 0]]
    counted_beats, counted = (_find_counted(record, samples, begin_s) for samples in (beats, moments))
    found = int(counted_beats[pairs[:, 0]].sum())
    return BeatDetection(found, int(counted_beats.sum()) - found, int(counted.sum()) - found)


def _find_counted(record: Record, samples: np.ndarray, begin_s: float) -> np.ndarray:
    counted = samples >= begin_s * record.fs
    for interval in record.rhythms:
        if interval.rhythm in FLUTTER:
            margin = WINDOW_S * record.fs
            counted &= (samples < interval.start - margin) | (samples >= interval.stop + margin)
    return counted


def add_detections(scores: Iterable[BeatDetection]) -> BeatDetection:
    """Add the counts of records: the gross figures of EC57, in which every beat counts the same."""
    rows = np.array([dataclasses.astuple(score) for score in scores]).reshape(-1, 3)
    return BeatDetection(*rows.sum(axis=0).tolist())
