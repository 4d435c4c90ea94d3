"""The heart rate of a signal that arrives, from the R peaks that a device's detector finds."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from firmware_bench.front_end.integer_front_end import IntegerFrontEnd
from firmware_bench.front_end.qrs_detector import FS, QrsDetector, order_leads, plan_detector, to_counts
from firmware_bench.front_end.sensor import Sensor

MEMORY_S = 10.0  # RR intervals that ended longer ago do not count
FEWEST = 3  # RR intervals that a rate is made of
LONGEST_SILENCE_S = 4.0  # without an R peak


class RunningHeartRate:
    """The median rate of the last ten seconds, of lead II, MLII or I where there is one, otherwise of the first lead.

    Args:
        sensor: What the counts mean.
        fs: Their rate, Hz.
        leads: Their names.

    Raises:
        InputError: The rate and 128 Hz have no ratio of small integers.
    """

    def __init__(self, sensor: Sensor, fs: float, leads: Sequence[str]):
        self._lead = order_leads(leads)[0]
        gains, baselines = (sensor.for_leads(x, len(leads)) for x in (sensor.counts_per_unit, sensor.baselines))
        self._front_end = IntegerFrontEnd(plan_detector(fs, gains[self._lead], baselines[self._lead]))
        self._detector, self._sensor, self._fs = QrsDetector(), sensor, fs
        self._taken = 0  # samples of the sensor
        self._last: int | None = None  # R peak, in samples of the detector, as all that follows
        self._intervals: deque[tuple[int, int]] = deque()  # the ends and the lengths
        self._faults: deque[int] = deque()  # moments of missing and saturated samples

    def push(self, counts: np.ndarray) -> None:
        """Take samples.

        Args:
            counts: int16 (samples, leads); -32768 where no sample was taken.
        """
        counts = counts[:, self._lead : self._lead + 1]
        # A missing sample is the lowest count of all.
        faulty = (counts <= self._sensor.lowest) | (counts >= self._sensor.highest)
        moments = (self._taken + np.flatnonzero(faulty)) * FS / self._fs
        self._faults.extend(np.unique(moments.astype(np.int64)).tolist())
        self._taken += len(counts)
        for peak in self._detector.detect(to_counts(self._front_end.push(counts))[:, 0]).tolist():
            if self._last is not None and not any(self._last <= fault <= peak for fault in self._faults):
                self._intervals.append((peak, peak - self._last))
            self._last = peak
        oldest = self._taken * FS / self._fs - MEMORY_S * FS
        while self._intervals and self._intervals[0][0] < oldest:
            self._intervals.popleft()
        while self._faults and self._faults[0] < oldest:
            self._faults.popleft()

    @property
    def bpm(self) -> float | None:
        """Beats a minute; None after 4 s without an R peak, and while fewer than three RR intervals of the last ten
        seconds are free of missing and saturated samples."""
        silence = self._taken / self._fs - (self._last or 0) / FS
        if silence > LONGEST_SILENCE_S or len(self._intervals) < FEWEST:
            return None
        return round(60 * FS / float(np.median([length for _, length in self._intervals])), 1)
