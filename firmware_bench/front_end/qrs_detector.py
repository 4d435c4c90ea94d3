"""A causal QRS detector in integers, as kernels/ecg_qrs.h computes it: equal in every bit.

    sample → slope and curvature over 8 and 12 samples → their envelope → its peaks → complex, T wave or noise

The rules are those of Pan & Tompkins, "A real-time QRS detection algorithm", IEEE Trans. Biomed. Eng. 32(3), 1985, as
Hamilton, "Open source ECG analysis", Computers in Cardiology 2002, states them: a threshold between the usual heights
of complexes and of noise, 200 ms without a second complex, low peaks soon after a complex as T waves, and a search back
with a lower threshold after one and a half RR intervals. The filters are sums and differences of samples.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from firmware_bench.front_end.plan import FRACTION_BITS, FrontEndPlan, plan_front_end

FS = 128.0  # Hz
COUNT_BITS = 10  # 1 mV is 1,024 counts
LONGEST_AGE = 320  # samples: no R peak is reported later
USUAL_AGE = 43  # samples: only those found later than others are reported later
LEARNING = 256  # samples that the first threshold is made of, 2 s
SIGNAL = 64  # samples that are kept
SMOOTHING = 6  # samples whose slopes are summed
REFRACTORY = 26  # samples without a larger peak, 200 ms
CENTRE = 34  # age of a complex when its peak is known: REFRACTORY and the delay of the filters
REACH = 9  # samples on either side of it in which the R peak is looked for
CURVATURE = 5  # samples on either side of an R peak that its height is measured against
T_WAVE = 40  # samples after an R peak in which a low peak is a T wave, 310 ms
NO_T_WAVE = 46  # samples after an R peak from which on a missed one is looked for, 360 ms
LONGEST_RR = 192  # samples of an RR interval, 1.5 s; longer ones count as this
USUAL_RR = 100
LONGEST_SINCE = 1024  # samples without an R peak after which the levels are learnt anew, 8 s
SMALLEST = 2000  # height of a complex of about 70 µV
BEST_LEADS = ("ii", "mlii", "i")  # where R waves are tall and upright in most people


class Peak(NamedTuple):
    """A peak of the envelope: its height, and the number of the sample that is its R peak."""

    height: int
    sample: int


class QrsDetector:
    """A detector for one lead of 128 samples a second.

    An R peak is reported 25 to 43 samples, 195 to 336 ms, after its moment; one that the search back finds, and
    those of the two seconds in which the levels are learnt, at most LONGEST_AGE samples, 2.5 s, after it.
    """

    def __init__(self):
        self._signal: list[int] = []
        self._differences, self._slopes = [0] * 8, [0] * 8
        self._queue: deque[Peak] = deque()
        self._missed = Peak(0, 0)  # the highest below the threshold since the last R peak
        self._intervals = deque([USUAL_RR] * 8, 8)
        self._count = 0  # samples so far
        self._envelope = 0
        self._highest = 0  # of the envelope since it began to rise; 0: it did not yet
        self._age = 0  # samples since then
        self._learning = LEARNING  # samples until there is a threshold
        self._since = LONGEST_SINCE  # samples since the last R peak, at most that many
        self._search = 0  # samples until a missed R peak is looked for
        self._last = 0  # height of the last complex
        self._complex_level = 0  # usual height of a complex
        self._noise_level = 0  # and of what is none

    def push(self, sample: int) -> int:
        """Take a sample.

        Args:
            sample: 16 bits, 1,024 counts for 1 mV.

        Returns:
            The age of an R peak that is now certain, in samples before this one, 1 to LONGEST_AGE; 0: there is none.
        """
        sample = int(sample)
        if not self._signal:
            self._signal = [sample] * SIGNAL  # the first sample stands for all before it
        self._count += 1
        self._since = min(self._since + 1, LONGEST_SINCE)
        self._signal[self._count % SIGNAL] = sample
        before = self._envelope
        self._filter()
        self._find_peak(before)
        if self._learning:
            self._learning -= 1
            if not self._learning:
                self._learn()
            return 0
        self._search -= 1
        age = self._judge(self._queue.popleft()) if self._queue else 0
        return self._search_back() if age == 0 and self._search <= 0 else age

    def detect(self, samples: Iterable[int]) -> np.ndarray:
        """Take samples.

        Args:
            samples: Of 16 bits, 1,024 counts for 1 mV.

        Returns:
            int64 (n,): the numbers of those that are R peaks, counted from the detector's first sample.
        """
        found = []
        for sample in np.asarray(samples).tolist():
            age = self.push(sample)
            if age:
                found.append(self._count - 1 - age)
        return np.array(found, np.int64)

    def _filter(self):
        now, x = self._count, self._signal
        difference = x[now % 64] + x[(now - 1) % 64] + x[(now - 2) % 64] + x[(now - 3) % 64]
        difference -= x[(now - 4) % 64] + x[(now - 5) % 64] + x[(now - 6) % 64] + x[(now - 7) % 64]
        self._differences[now % 8] = difference
        slope = abs(self._differences[(now - 2) % 8]) + abs(difference - self._differences[(now - 4) % 8])
        self._envelope += slope - self._slopes[(now - SMOOTHING) % 8]
        self._slopes[now % 8] = slope

    def _find_peak(self, before):
        """Put a peak of the envelope into the queue when no larger one came for 200 ms."""
        if self._envelope > self._highest and self._envelope > before:
            self._highest, self._age = self._envelope, 0
        elif self._highest:
            self._age += 1
            if self._age == REFRACTORY:
                self._queue.append(Peak(self._highest, self._locate()))
                self._highest = 0

    def _locate(self):
        """The number of the sample that stands out most around the centre of a complex."""
        latest = [self._signal[(self._count - age) % SIGNAL] for age in range(SIGNAL)]
        ages = range(CENTRE - REACH, CENTRE + REACH + 1)
        return self._count - max(
            ages, key=lambda age: abs(2 * latest[age] - latest[age - CURVATURE] - latest[age + CURVATURE])
        )

    def _learn(self):
        """Set the levels from the peaks of two seconds."""
        highest = max((peak.height for peak in self._queue), default=0)
        self._complex_level = max(highest * 3 >> 2, SMALLEST)
        self._noise_level = self._complex_level >> 3
        self._search = self._expected()

    def _threshold(self):
        return self._noise_level + (3 * (self._complex_level - self._noise_level) >> 3)

    def _expected(self):
        """One and a half RR intervals, of the mean of the last eight."""
        return 3 * (sum(self._intervals) >> 3) >> 1

    def _judge(self, peak):
        """Take a peak as a complex, a T wave or noise."""
        interval = self._since - (self._count - peak.sample)
        if interval < REFRACTORY:
            return 0
        lowest = max(self._threshold(), 9 * self._last >> 4 if interval < T_WAVE else 0, SMALLEST)
        if peak.height > lowest:
            return self._accept(peak)
        self._noise_level += min(peak.height, self._complex_level) - self._noise_level >> 3
        if interval >= NO_T_WAVE and peak.height > self._missed.height:
            self._missed = peak
        return 0

    def _accept(self, peak):
        age = self._count - peak.sample
        if self._last:
            self._intervals.append(min(max(self._since - age, 0), LONGEST_RR))
        self._since, self._last, self._missed = age, peak.height, Peak(0, 0)
        self._search = self._expected() + CENTRE - age
        # An artefact may be far larger than any complex.
        self._complex_level += min(peak.height, 3 * self._complex_level) - self._complex_level >> 2
        return age

    def _search_back(self):
        """After one and a half RR intervals without an R peak: take the missed peak if it is high enough, otherwise
        lower the levels, for the signal may have become smaller; learn them anew after 8 s."""
        if self._count - self._missed.sample > LONGEST_AGE:
            self._missed = Peak(0, 0)
        if self._missed.height > max(9 * self._threshold() >> 4, SMALLEST):
            return self._accept(self._missed)
        if self._since == LONGEST_SINCE:
            self._learning = LEARNING
            return 0
        self._complex_level = max(self._complex_level - (self._complex_level >> 4), SMALLEST)
        self._noise_level -= self._noise_level >> 4
        self._search = self._expected() >> 1
        return 0


def order_leads(leads: Sequence[str]) -> list[int]:
    """Return the positions of leads, those first in which R peaks are best looked for: II, MLII, I."""
    names = [lead.lower() for lead in leads]
    return [names.index(name) for name in BEST_LEADS if name in names] + list(range(len(names)))


def plan_detector(sensor_fs: float, counts_per_unit: float, baseline: int = 0) -> FrontEndPlan:
    """Plan the front end that stands before a detector: missing samples are held, and the rate becomes 128 Hz.

    Args:
        sensor_fs: The sensor's rate, Hz.
        counts_per_unit: Counts of the sensor in 1 mV.
        baseline: The count that stands for 0.

    Returns:
        The plan for one lead; `to_counts` makes the detector's samples of its values.

    Raises:
        InputError: The rate or the gain is not possible.
    """
    steps = [{"step": "hold_gaps"}, {"step": "resample_causal", "fs": FS}]
    return plan_front_end(steps, FS, sensor_fs, [counts_per_unit], [baseline])


def to_counts(values: np.ndarray) -> np.ndarray:
    """Make the detector's samples, int16 and 1,024 for 1 mV, of a front end's values, 2**20 for 1 mV."""
    return np.clip(values >> (FRACTION_BITS - COUNT_BITS), -32767, 32767).astype(np.int16)
