"""Beats relative to the patient's own: RR intervals to the mean of the last ones, waveforms to the average beat.

What is early, and what is wide, differs from heart to heart. A device knows both after a few beats: they are computed
beat by beat, and `firmware_bench.front_end.own_beats` has the same in integers.
"""

import dataclasses
import itertools

import numpy as np

from ecg_edge.data.examples import Examples, WindowSpec
from ecg_edge.data.recordings import Recordings
from firmware_bench.front_end.own_beats import (
    LARGEST_RATIO,
    LARGEST_STEP,
    LONGEST_WAIT_S,
    MEAN_OF,
    SHARE,
    find_part,
)

BATCH = 1024  # beats


@dataclasses.dataclass(frozen=True)
class RelativeBeats:
    """All recordings' beats.

    Attributes:
        intervals: float32 (beats,), the RR interval before each, as `relate_intervals` returns it.
        own: float32 (beats, 1 + leads), the mean RR interval, s, up to the beat after, and the distances from the
            average beat, as `measure_distances` returns them. Both are zeros in recordings not asked for.
    """

    intervals: np.ndarray
    own: np.ndarray

    @classmethod
    def measure(cls, recordings: Recordings, positions: np.ndarray, window: WindowSpec) -> "RelativeBeats":
        """Measure the beats of the recordings at `positions`, of which windows as `window` says are cut."""
        intervals = np.zeros(len(recordings.beat_times), np.float32)
        own = np.zeros((len(intervals), 1 + recordings.signals.shape[1]), np.float32)
        for position in positions:
            rows = slice(recordings.beat_starts[position], recordings.beat_starts[position + 1])
            times = recordings.beat_times[rows]
            intervals[rows], means = relate_intervals(times)
            own[rows, 0] = np.append(means[1:], means[-1:])
            own[rows, 1:] = measure_distances(_cut_beats(recordings, position, times, window))
        return cls(intervals, own)


def relate_intervals(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The RR interval before each beat, divided by the mean of it and those before it, MEAN_OF in all, and that mean.

    Args:
        times: (beats,) of one recording, s.

    Returns:
        float32 (beats,), at most LARGEST_RATIO, and float32 (beats,), s; 0 for the first.
    """
    rr = np.clip(np.diff(times), 0.0, LONGEST_WAIT_S)
    sums, count = np.concatenate([[0.0], np.cumsum(rr)]), np.arange(1, len(rr) + 1)
    first = np.maximum(count - MEAN_OF, 0)
    means = (sums[1:] - sums[first]) / (count - first)
    ratios = np.minimum(rr / np.maximum(means, 1e-6), LARGEST_RATIO)
    first = np.zeros((2, min(1, len(times))))
    related = np.concatenate([first, [ratios, means]], axis=1).astype(np.float32)
    return related[0], related[1]


def measure_distances(beats: np.ndarray) -> np.ndarray:
    """The mean distance of each beat from the average of those before it, lead by lead.

    The average moves by 1/SHARE of the difference, at most LARGEST_STEP / SHARE, so that an ectopic beat, which is far
    away, hardly moves it.

    Args:
        beats: (beats, samples, leads) of one recording, in time order.

    Returns:
        float32 (beats, leads), 0 for the first.
    """
    distances = np.zeros((len(beats), beats.shape[2]), np.float32)
    average = beats[0].copy() if len(beats) else None
    for beat, distance in zip(beats, distances, strict=True):
        difference = beat - average
        distance[:] = np.abs(difference).mean(axis=0)
        average += np.clip(difference, -LARGEST_STEP, LARGEST_STEP) / SHARE
    return distances


def _cut_beats(recordings: Recordings, position: int, times: np.ndarray, window: WindowSpec) -> np.ndarray:
    """The part of each beat's window that is compared: float32 (beats, samples, leads)."""
    centre = window.samples // 2
    part = find_part(window.samples, window.fs)
    starts = np.round(times * window.fs).astype(np.int64) - centre
    records, nothing = np.full(len(starts), position), np.zeros(len(starts))
    examples = Examples(recordings, window, records, starts, nothing, starts, starts)
    bounds = itertools.pairwise([*range(0, len(starts), BATCH), len(starts)])
    parts = [examples.windows(slice(start, stop))[:, part] for start, stop in bounds]
    return np.concatenate([np.zeros((0, part.stop - part.start, recordings.signals.shape[1]), np.float32), *parts])
