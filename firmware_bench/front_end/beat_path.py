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
from fractions import Fraction
from typing import Protocol

import numpy as np

from firmware_bench.front_end.device_plan import plan_decision, plan_quantisation, scales_windows
from firmware_bench.front_end.integer_front_end import IntegerFrontEnd, scale_window
from firmware_bench.front_end.plan import plan_front_end
from firmware_bench.front_end.qrs_detector import FS, LONGEST_AGE, QrsDetector, plan_detector, to_counts
from firmware_bench.front_end.sample_faults import SampleFaults
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import Tensor
from firmware_bench.runtime.quantisation import dequantise, quantise
from firmware_bench.runtime.sampling import evenly_spaced
from firmware_bench.runtime.streaming_model import RawModel

BLOCK_S = 0.1  # of samples that are processed at once
HOP_S = 5.0  # from rhythm to rhythm
LONGEST_RR = 3 * int(FS)  # samples of the detector; a longer RR interval counts as this, as in training
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
        lead: Position of the lead in which R peaks are looked for.
        detector: What finds them; None: a QrsDetector.

    Raises:
        InputError: The files are no pair, were trained with steps that look ahead, or the sensor's rate or gain is not
            possible.
    """

    def __init__(
        self, rhythm: RawModel, classifier: RawModel, sensor: Sensor, lead: int = 0, detector: BeatSource | None = None
    ):
        self._rhythm, self._classifier, self._lead = rhythm, classifier, lead
        metadata = classifier.metadata
        _check_pair(rhythm, classifier)
        leads, sensor_fs = len(metadata.leads), metadata.fs if sensor.fs is None else sensor.fs
        gains, baselines = (sensor.for_leads(values, leads) for values in (sensor.counts_per_unit, sensor.baselines))
        plan = plan_front_end(metadata.preprocessing, metadata.fs, sensor_fs, gains, baselines)
        self._front_end = IntegerFrontEnd(plan)
        self._peak_end = IntegerFrontEnd(plan_detector(sensor_fs, gains[lead], baselines[lead]))
        self._detector = QrsDetector() if detector is None else detector
        self._faults = SampleFaults(sensor, plan)
        self._scales = scales_windows(metadata)

        self._inputs = {tensor.name: tensor for tensor in classifier.inputs}
        self._rows = {tensor.name: tensor for tensor in rhythm.inputs}
        outputs = {tensor.name: tensor for tensor in metadata.outputs}
        self._beat_decision = plan_decision(dataclasses.replace(metadata, outputs=(outputs["probabilities"],)))
        self._rhythm_decision = plan_decision(rhythm.metadata)
        self._multiplier, self._shift = plan_quantisation(self._inputs["ecg"])
        self._features = _make_table(outputs["fused"], self._rows["features"])
        intervals = np.arange(LONGEST_RR + 1) / FS
        self._beat_rr, self._rhythm_rr = (_quantise(intervals, each["rr"]) for each in (self._inputs, self._rows))
        self._ratio = Fraction(str(float(metadata.fs))) / Fraction(int(FS))
        self._knows_labels = "none" not in (each.metadata.task.options.get("labels") for each in (rhythm, classifier))

        self._block = max(1, round(BLOCK_S * sensor_fs))
        self._length = self._inputs["ecg"].shape[1]
        self._after = self._length - self._length // 2  # samples of a window from its R peak on
        self._window, self._hop = rhythm.metadata.window.samples, round(HOP_S * metadata.fs)
        self._kept = self._length + int((LONGEST_AGE + FS) * self._ratio) + 1  # values
        self._waiting = np.zeros((0, leads), np.int16)
        self._taken = self._made = self._heard = 0  # samples of the sensor, values for the model and for the detector
        self._values = np.zeros((self._kept, leads), np.int64)  # before the recording there is nothing, as in training
        self._due: deque[int] = deque()  # R peaks whose window is not complete
        self._peaks: deque[int] = deque(maxlen=self._inputs["rr"].shape[1] + 1)
        self._known: deque[int] = deque([-1] * self._inputs["labels"].shape[1], self._inputs["labels"].shape[1])
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
        blocks = len(waiting) // self._block
        self._waiting = waiting[blocks * self._block :]
        for block in np.split(waiting[: blocks * self._block], blocks) if blocks else []:
            self._faults.add(block, self._taken)
            self._taken += len(block)
            self._prepare(block)
            while self._due and self._find_centre(self._due[0]) + self._after <= self._made:
                yield self._classify(self._due.popleft())
            while self._start + self._window + self._after <= self._made:
                yield self._judge()

    def _prepare(self, block):
        values = self._front_end.push(block).astype(np.int64)
        self._made += len(values)
        self._values = np.concatenate([self._values, values])[-self._kept :]
        heard = to_counts(self._peak_end.push(block[:, self._lead : self._lead + 1]))[:, 0]
        for sample in heard.tolist():
            age = self._detector.push(sample)
            if age:
                self._due.append(self._heard - age)
            self._heard += 1

    def _find_centre(self, peak: int) -> int:
        """The sample of the model that is nearest to an R peak."""
        up, down = self._ratio.numerator, self._ratio.denominator
        return (2 * peak * up + down) // (2 * down)

    def _classify(self, peak: int) -> DeviceBeat:
        begin = self._find_centre(peak) - self._length // 2
        first = begin - (self._made - self._kept)
        window = self._values[first : first + self._length]
        self._peaks.append(peak)
        intervals = np.minimum(np.diff(self._peaks), LONGEST_RR)
        padded = np.zeros(self._inputs["rr"].shape[1], np.int64)
        padded[len(padded) - len(intervals) :] = intervals
        classes = np.arange(self._inputs["labels"].shape[2])
        inputs = {
            "ecg": self._quantise_signal(scale_window(window) if self._scales else window),
            "rr": self._beat_rr[padded],
            "labels": _quantise(np.array(self._known)[:, None] == classes, self._inputs["labels"]),
        }
        outputs = _run(self._classifier, inputs)
        quality = self._faults.find_faults(self._made, self._made - begin)
        probabilities = outputs["probabilities"].ravel()
        (label,) = self._beat_decision.decide(probabilities)
        self._known.append(int(probabilities.argmax()) if self._knows_labels and not quality else -1)
        row = self._features[outputs["fused"].ravel().astype(int) + 128]
        self._beats.append(_ClassifiedBeat(self._find_centre(peak), int(padded[-1]), row))
        return DeviceBeat(self._taken, peak, label, probabilities, quality)

    def _quantise_signal(self, values):
        tensor, bounds = self._inputs["ecg"], np.iinfo(self._inputs["ecg"].dtype)
        rounded = (values * self._multiplier + (1 << (self._shift - 1))) >> self._shift
        return np.clip(rounded + tensor.zero_point, bounds.min, bounds.max).astype(tensor.dtype)

    def _judge(self) -> DeviceRhythm:
        start, stop = self._start, self._start + self._window
        self._start += self._hop
        quality = self._faults.find_faults(self._made, self._made - start)
        own = [beat for beat in self._beats if start <= beat.centre < stop]
        while self._beats and self._beats[0].centre < self._start:
            self._beats.popleft()
        if not own:
            nothing = np.zeros(0, np.int8)
            return DeviceRhythm(self._taken, start, stop, None, 0, nothing, (*quality, NO_BEATS))
        chosen = [own[n] for n in evenly_spaced(len(own), self._rows["features"].shape[1])]
        features, rr, weights = (_quantise(np.zeros(self._rows[n].shape[1:]), self._rows[n]) for n in _ROWS)
        features[: len(chosen)] = [beat.row for beat in chosen]
        rr[1 : len(chosen), 0] = self._rhythm_rr[[beat.interval for beat in chosen[1:]]]
        weights[: len(chosen)] = _quantise(np.float32(1 / len(chosen)), self._rows["weights"])
        outputs = _run(self._rhythm, {"features": features, "rr": rr, "weights": weights})["probabilities"].ravel()
        (label,) = self._rhythm_decision.decide(outputs)
        return DeviceRhythm(self._taken, start, stop, label, len(own), outputs, quality)


_ROWS = ("features", "rr", "weights")


def _run(model: RawModel, inputs):
    arrays = model.run_raw([inputs[tensor.name].reshape(tensor.shape) for tensor in model.inputs])
    return {tensor.name: array for tensor, array in zip(model.outputs, arrays, strict=True)}


def _quantise(values, tensor: Tensor) -> np.ndarray:
    return quantise(values, tensor.scale, tensor.zero_point, tensor.dtype)


def _make_table(given: Tensor, taken: Tensor) -> np.ndarray:
    """The integer of a tensor by that of another one, from -128 on."""
    return _quantise(dequantise(np.arange(-128, 128, dtype=np.int8), given.scale, given.zero_point), taken)


def _check_pair(rhythm: RawModel, classifier: RawModel) -> None:
    """Raise InputError unless the files are a model in integers and the beat classifier that it was exported with."""
    named, metadata = rhythm.metadata.embedder, classifier.metadata
    if named is None or {tensor.name for tensor in rhythm.inputs} != {*_ROWS}:
        raise InputError(f"{rhythm.name} takes no features of beats: name an exported rhythm_from_beats file")
    names = {tensor.name for tensor in classifier.inputs}, {tensor.name for tensor in classifier.outputs}
    if named.digest != metadata.digest or names != ({"ecg", "rr", "labels"}, {"fused", "probabilities"}):
        raise InputError(f"{classifier.name} is not the beat classifier of {rhythm.name}: keep the files of one export")
    if any(tensor.dtype != "int8" for each in (rhythm, classifier) for tensor in (*each.inputs, *each.outputs)):
        raise InputError(f"{rhythm.name} and {classifier.name} are not both in integers of 8 bits: export them again")
    ours, theirs = rhythm.metadata, metadata
    if (ours.fs, ours.leads, ours.preprocessing) != (theirs.fs, theirs.leads, theirs.preprocessing):
        raise InputError(f"{rhythm.name} and {classifier.name} take other rates, leads or filters: train them alike")
