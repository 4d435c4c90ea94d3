"""The path of a device from counts of a sensor to labels of beats and rhythms, by a beat classifier and a model that
takes the features of its beats.

    counts → R peaks → window around each, RR intervals, labels before → beat classifier → features of 32 beats → rhythm

All of it is in integers, and what it says does not depend on how many samples come at once: it works whenever a block
of BLOCK_S is full. A window begins half its length before the R peak, as in training.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from firmware_bench.front_end.beat_plan import LONGEST_RR, ROWS, plan_beats, quantise_for
from firmware_bench.front_end.integer_front_end import IntegerFrontEnd, scale_window
from firmware_bench.front_end.own_beats import OwnBeats
from firmware_bench.front_end.qrs_detector import QrsDetector, to_counts
from firmware_bench.front_end.sample_faults import SampleFaults
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.sampling import evenly_spaced
from firmware_bench.runtime.streaming_model import RawModel

NO_BEATS = "no beats"  # quality of a rhythm without any


class BeatSource(Protocol):
    """What finds R peaks: a QrsDetector."""

    def push(self, sample: int) -> int:
        """Take a sample at 128 Hz, 1,024 counts for 1 mV → the age of an R peak in samples, 0: none."""
        ...


@dataclasses.dataclass(frozen=True)
class DeviceBeat:
    """What a device says about a beat.

    Attributes:
        sample: Samples of the sensor up to the moment when it says so.
        peak: The R peak, in samples of 128 Hz.
        label: Its class.
        outputs: int8, the probabilities of the classes as integers.
        quality: What was wrong with the samples that it is about. The beats after it do not know its class then.
    """

    sample: int
    peak: int
    label: str
    outputs: np.ndarray
    quality: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class DeviceRhythm:
    """What a device says about a rhythm.

    Attributes:
        sample: Samples of the sensor up to the moment when it says so.
        start: First sample of the window that it is about, at the model's rate.
        stop: Sample after its last one.
        label: The rhythm; None where there are no beats.
        beats: How many beats the window has.
        outputs: int8, the probabilities of the rhythms as integers; empty without beats.
        quality: What was wrong with the samples that it is about, and NO_BEATS.
    """

    sample: int
    start: int
    stop: int
    label: str | None
    beats: int
    outputs: np.ndarray
    quality: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class _ClassifiedBeat:
    """A beat for the model of rhythms: where it is, samples of the model; the RR interval before it, samples of the
    detector; and its row of features."""

    centre: int
    interval: int
    row: np.ndarray


class BeatPath:
    """The path from counts to beats and rhythms.

    Args:
        rhythm: The integer model that takes features of beats.
        classifier: The integer beat classifier that its metadata name.
        sensor: The sensor.
        detector: What finds them; None: a QrsDetector.

    Raises:
        InputError: The files are no pair, were trained with steps that look ahead, or the sensor's rate or gain is not
            possible.
    """

    def __init__(self, rhythm: RawModel, classifier: RawModel, sensor: Sensor, detector: BeatSource | None = None):
        self._rhythm, self._classifier = rhythm, classifier
        self.plan = plan = plan_beats(rhythm, classifier, sensor)
        self._front_end = IntegerFrontEnd(plan.front_end)
        self._peak_end = IntegerFrontEnd(plan.peak_end)
        self._detector = QrsDetector() if detector is None else detector
        self._faults = SampleFaults(sensor, plan.front_end)
        self._inputs = {tensor.name: tensor for tensor in classifier.inputs}
        self._rows = {tensor.name: tensor for tensor in rhythm.inputs}
        leads, history = plan.front_end.leads, self._inputs["labels"].shape[1]
        self._waiting = np.zeros((0, leads), np.int16)
        self._taken = self._made = self._heard = 0  # samples of the sensor, values for the model and for the detector
        self._values = np.zeros((plan.kept, leads), np.int64)  # before the recording there is nothing, as in training
        self._due: deque[int] = deque()  # R peaks whose window is not complete
        self._peaks: deque[int] = deque(maxlen=self._inputs["rr"].shape[1] + 1)
        self._own = OwnBeats(plan.own) if plan.own else None
        self._relative: deque[int] = deque([0] * self._inputs["rr"].shape[1], self._inputs["rr"].shape[1])
        self._known: deque[int] = deque([-1] * history, history)
        self._beats: deque[_ClassifiedBeat] = deque()
        self._start = 0  # of the next rhythm's window

    def push(self, counts: np.ndarray) -> Iterator[DeviceBeat | DeviceRhythm]:
        """Take samples of the sensor.

        Args:
            counts: int16 (samples, leads); -32768 where no sample was taken.

        Yields:
            The beats and the rhythms, in the order in which the device has them.
        """
        counts = np.asarray(counts, np.int16).reshape(-1, self._waiting.shape[1])
        waiting = np.concatenate([self._waiting, counts])
        blocks = len(waiting) // self.plan.block
        self._waiting = waiting[blocks * self.plan.block :]
        for block in np.split(waiting[: blocks * self.plan.block], blocks) if blocks else []:
            self._faults.add(block, self._taken)
            self._taken += len(block)
            self._prepare(block)
            while self._is_complete():
                yield self._classify(self._due.popleft())
            while self._start + self.plan.window + self.plan.rhythm_after <= self._made:
                yield self._judge()

    def _prepare(self, block):
        values = self._front_end.push(block).astype(np.int64)
        self._made += len(values)
        self._values = np.concatenate([self._values, values])[-self.plan.kept :]
        heard = to_counts(self._peak_end.push(block[:, self.plan.lead : self.plan.lead + 1]))[:, 0]
        for sample in heard.tolist():
            age = self._detector.push(sample)
            if age:
                self._due.append(self._heard - age)
            self._heard += 1

    def _is_complete(self) -> bool:
        """Whether the first beat that is due has its window, and the beat after it where that is asked for."""
        if not self._due or self.plan.find_centre(self._due[0]) + self.plan.after > self._made:
            return False
        return len(self._due) > 1 or self._heard - self._due[0] >= self.plan.wait

    def _classify(self, peak: int) -> DeviceBeat:
        begin = self.plan.find_centre(peak) - self.plan.length // 2
        first = begin - (self._made - self.plan.kept)
        window = self._values[first : first + self.plan.length]
        self._peaks.append(peak)
        intervals = np.minimum(np.diff(self._peaks), LONGEST_RR)
        padded = np.zeros(self._inputs["rr"].shape[1], np.int64)
        padded[len(padded) - len(intervals) :] = intervals
        classes = np.arange(self._inputs["labels"].shape[2])
        inputs = {
            "ecg": self._quantise_signal(scale_window(window) if self.plan.scales else window),
            "rr": self.plan.beat_rr[padded],
            "labels": quantise_for(np.array(self._known)[:, None] == classes, self._inputs["labels"]),
        }
        if self._own:
            ratio, mean = self._own.relate(self._due[0] - peak if self._due else self._own.plan.longest)
            self._relative.append(ratio)
            inputs["rr"] = self._own.plan.ratios[self._relative]
            inputs["own"] = np.append(self._own.plan.means[mean], self._own.compare(inputs["ecg"]))
        outputs = _run(self._classifier, inputs)
        quality = self._faults.find_faults(self._made, self._made - begin)
        probabilities = outputs["probabilities"].ravel()
        (label,) = self.plan.beat_decision.decide(probabilities)
        self._known.append(int(probabilities.argmax()) if self.plan.knows_labels and not quality else -1)
        row = self.plan.features[outputs["fused"].ravel().astype(int) + 128]
        self._beats.append(_ClassifiedBeat(self.plan.find_centre(peak), int(padded[-1]), row))
        return DeviceBeat(self._taken, peak, label, probabilities, quality)

    def _quantise_signal(self, values):
        tensor, bounds = self._inputs["ecg"], np.iinfo(self._inputs["ecg"].dtype)
        rounded = (values * self.plan.multiplier + (1 << (self.plan.shift - 1))) >> self.plan.shift
        return np.clip(rounded + tensor.zero_point, bounds.min, bounds.max).astype(tensor.dtype)

    def _judge(self) -> DeviceRhythm:
        start, stop = self._start, self._start + self.plan.window
        self._start += self.plan.hop
        quality = self._faults.find_faults(self._made, self._made - start)
        own = [beat for beat in self._beats if start <= beat.centre < stop]
        while self._beats and self._beats[0].centre < self._start:
            self._beats.popleft()
        if not own:
            nothing = np.zeros(0, np.int8)
            return DeviceRhythm(self._taken, start, stop, None, 0, nothing, (*quality, NO_BEATS))
        chosen = [own[n] for n in evenly_spaced(len(own), self._rows["features"].shape[1])]
        features, rr, weights = (quantise_for(np.zeros(self._rows[n].shape[1:]), self._rows[n]) for n in ROWS)
        features[: len(chosen)] = [beat.row for beat in chosen]
        rr[1 : len(chosen), 0] = self.plan.rhythm_rr[[beat.interval for beat in chosen[1:]]]
        weights[: len(chosen)] = self.plan.weights[len(chosen)]
        outputs = _run(self._rhythm, {"features": features, "rr": rr, "weights": weights})["probabilities"].ravel()
        (label,) = self.plan.rhythm_decision.decide(outputs)
        return DeviceRhythm(self._taken, start, stop, label, len(own), outputs, quality)


def _run(model: RawModel, inputs):
    arrays = model.run_raw([inputs[tensor.name].reshape(tensor.shape) for tensor in model.inputs])
    return {tensor.name: array for tensor, array in zip(model.outputs, arrays, strict=True)}
