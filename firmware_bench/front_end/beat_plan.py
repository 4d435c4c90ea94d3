"""What a device needs of a beat classifier and of the model that takes the features of its beats: tables and lengths,
planned once for the path in Python and in C."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np

from firmware_bench.front_end.device_plan import Decision, plan_decision, plan_quantisation, scales_windows
from firmware_bench.front_end.own_beats import OwnBeatsPlan, plan_own_beats
from firmware_bench.front_end.plan import FrontEndPlan, plan_front_end
from firmware_bench.front_end.qrs_detector import FS, LONGEST_AGE, REFRACTORY, USUAL_AGE, order_leads, plan_detector
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import Tensor
from firmware_bench.runtime.quantisation import dequantise, quantise
from firmware_bench.runtime.streaming_model import RawModel

BLOCK_S = 0.1  # of samples that are processed at once
HOP_S = 5.0  # from rhythm to rhythm
LONGEST_LAG_S = 0.9  # between the two front ends, and of a block: the values of a beat are kept as long as that
LONGEST_RR = 3 * int(FS)  # samples of the detector; a longer RR interval counts as this, as in training
ROWS = ("features", "rr", "weights")  # inputs of the model that takes features


@dataclasses.dataclass(frozen=True)
class BeatPlan:
    """The integers of a path from counts to beats and rhythms.

    Attributes:
        lead: Position of the lead in which R peaks are looked for.
        front_end: Before the beat classifier.
        peak_end: Before the detector, of one lead.
        scales: Whether a window is scaled to zero mean and unit standard deviation.
        beat_decision, rhythm_decision: How outputs become a class.
        multiplier, shift: From a value of the front end to an integer of the window.
        features: int8 (256,), the integer of a row by that of a feature, from -128 on.
        beat_rr, rhythm_rr: int8 (LONGEST_RR + 1,), the integers of an RR interval in samples of the detector.
        weights: int8 (beats + 1,), the integer of a beat's weight by the number of beats.
        own: How a beat is compared with the patient's own, where the classifier is given that.
        ratio: Samples of the model for one of the detector.
        knows_labels: Whether the classifier is given the classes of the beats before, which it found itself.
        block: Samples of the sensor that are processed at once.
        length: Samples of a beat's window, at the model's rate.
        window, hop: Samples of a rhythm's window, and from one to the next.
        kept: Values of the front end that are kept.
    """

    lead: int
    front_end: FrontEndPlan
    peak_end: FrontEndPlan
    scales: bool
    beat_decision: Decision
    rhythm_decision: Decision
    multiplier: int
    shift: int
    features: np.ndarray
    beat_rr: np.ndarray
    rhythm_rr: np.ndarray
    weights: np.ndarray
    own: OwnBeatsPlan | None
    ratio: Fraction
    knows_labels: bool
    block: int
    length: int
    window: int
    hop: int
    kept: int

    @property
    def after(self) -> int:
        """Samples of a beat's window from its R peak on."""
        return self.length - self.length // 2

    @property
    def wait(self) -> int:
        """Samples of the detector after which a beat is classified though none has followed it."""
        return self.own.longest + USUAL_AGE if self.own else 0

    @property
    def rhythm_after(self) -> int:
        """Samples of the model after the end of a rhythm's window until all of its beats are classified."""
        return self.after + (int(self.own.longest * self.ratio) if self.own else 0)

    @property
    def most_beats(self) -> int:
        """The most beats that are kept: those of a rhythm's window, and those that are found until it is judged."""
        return int((self.window + self.kept) / self.ratio) // REFRACTORY + 2

    @property
    def most_due(self) -> int:
        """The most R peaks whose window is not complete."""
        return int(self.kept / self.ratio) // REFRACTORY + 2

    def find_centre(self, peak: int) -> int:
        """Return the sample of the model that is nearest to an R peak."""
        up, down = self.ratio.numerator, self.ratio.denominator
        return (2 * peak * up + down) // (2 * down)


def plan_beats(rhythm: RawModel, classifier: RawModel, sensor: Sensor) -> BeatPlan:
    """Plan the path from counts to beats and rhythms.

    Args:
        rhythm: The integer model that takes features of beats.
        classifier: The integer beat classifier that its metadata name.
        sensor: The sensor.

    Raises:
        InputError: The files are no pair, were trained with steps that look ahead, or the sensor's rate or gain is not
            possible.
    """
    metadata = classifier.metadata
    _check_pair(rhythm, classifier)
    leads, sensor_fs = len(metadata.leads), metadata.fs if sensor.fs is None else sensor.fs
    gains, baselines = (sensor.for_leads(values, leads) for values in (sensor.counts_per_unit, sensor.baselines))
    lead = order_leads(metadata.leads)[0]
    front_end = plan_front_end(metadata.preprocessing, metadata.fs, sensor_fs, gains, baselines)
    peak_end, block = plan_detector(sensor_fs, gains[lead], baselines[lead]), max(1, round(BLOCK_S * sensor_fs))
    if abs(peak_end.delay_s - front_end.delay_s) + block / sensor_fs > LONGEST_LAG_S:
        raise InputError(f"a sensor of {sensor_fs:g} Hz is too slow for beats: set it to a higher rate")
    inputs, rows = ({tensor.name: tensor for tensor in each.inputs} for each in (classifier, rhythm))
    outputs = {tensor.name: tensor for tensor in metadata.outputs}
    intervals = np.arange(LONGEST_RR + 1) / FS
    counts = np.arange(rows["features"].shape[1] + 1, dtype=np.float64)
    ratio = Fraction(str(float(metadata.fs))) / Fraction(int(FS))
    length, relative = inputs["ecg"].shape[1], "own" in inputs
    return BeatPlan(
        lead,
        front_end,
        peak_end,
        scales_windows(metadata),
        plan_decision(dataclasses.replace(metadata, outputs=(outputs["probabilities"],))),
        plan_decision(rhythm.metadata),
        *plan_quantisation(inputs["ecg"]),
        _make_table(outputs["fused"], rows["features"]),
        quantise_for(intervals, inputs["rr"]),
        quantise_for(intervals, rows["rr"]),
        quantise_for((1 / np.maximum(counts, 1)).astype(np.float32) * (counts > 0), rows["weights"]),
        plan_own_beats(inputs["ecg"], inputs["rr"], inputs["own"], metadata.fs, FS) if relative else None,
        ratio,
        "none" not in (each.metadata.task.options.get("labels") for each in (rhythm, classifier)),
        block,
        length,
        rhythm.metadata.window.samples,
        round(HOP_S * metadata.fs),
        length + int((LONGEST_AGE + FS) * ratio) + 1,
    )


def quantise_for(values, tensor: Tensor) -> np.ndarray:
    """Return values as integers of a tensor."""
    return quantise(values, tensor.scale, tensor.zero_point, tensor.dtype)


def _make_table(given: Tensor, taken: Tensor) -> np.ndarray:
    """The integer of a tensor by that of another one, from -128 on."""
    return quantise_for(dequantise(np.arange(-128, 128, dtype=np.int8), given.scale, given.zero_point), taken)


def _check_pair(rhythm: RawModel, classifier: RawModel) -> None:
    """Raise InputError unless the files are a model in integers and the beat classifier that it was exported with."""
    named, metadata = rhythm.metadata.embedder, classifier.metadata
    if named is None or {tensor.name for tensor in rhythm.inputs} != {*ROWS}:
        raise InputError(f"{rhythm.name} takes no features of beats: name an exported rhythm_from_beats file")
    names = {tensor.name for tensor in classifier.inputs}, {tensor.name for tensor in classifier.outputs}
    own = {"own"} if metadata.task.options.get("relative") else set()
    if named.digest != metadata.digest or names != ({"ecg", "rr", "labels", *own}, {"fused", "probabilities"}):
        raise InputError(f"{classifier.name} is not the beat classifier of {rhythm.name}: keep the files of one export")
    if any(tensor.dtype != "int8" for each in (rhythm, classifier) for tensor in (*each.inputs, *each.outputs)):
        raise InputError(f"{rhythm.name} and {classifier.name} are not both in integers of 8 bits: export them again")
    ours, theirs = rhythm.metadata, metadata
    if (ours.fs, ours.leads, ours.preprocessing) != (theirs.fs, theirs.leads, theirs.preprocessing):
        raise InputError(f"{rhythm.name} and {classifier.name} take other rates, leads or filters: train them alike")
