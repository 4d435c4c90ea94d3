"""A live signal and its labels: what a device would say, as the samples arrive."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ecg_edge.reporter import Reporter
from ecg_edge.signals.heart_rate import RunningHeartRate
from ecg_edge.zoo import find_model
from firmware_bench.front_end.device_path import DeviceAnswer, DevicePath
from firmware_bench.front_end.device_plan import plan_device
from firmware_bench.front_end.sample_models import SampleModel
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.front_end.window_score import SCORE_BITS
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ModelMetadata
from firmware_bench.runtime.temperature import ONE

BATCH_S = 0.02  # of signal that is processed at once: fifty steps a second cost little, and 20 ms of delay as little


@dataclasses.dataclass(frozen=True)
class LiveSignal:
    """A signal that arrives.

    Attributes:
        sensor: What its counts mean.
        fs: Its rate, Hz.
        blocks: int16 (samples, leads of the model), as they arrive; -32768 where no sample was taken.
        seconds: Its length, s; None: nobody knows.
    """

    sensor: Sensor
    fs: float
    blocks: Iterator[np.ndarray]
    seconds: float | None = None


class LiveSource(Protocol):
    """Where a live signal comes from: a `CountStream` or a `Replay`."""

    def open(self, metadata: ModelMetadata, reporter: Reporter) -> LiveSignal:
        """Begin the signal.

        Args:
            metadata: The model's metadata, which name the leads that it takes.
            reporter: Receives what is wrong with the signal.

        Raises:
            InputError: It cannot be read, or lacks a lead.
        """
        ...


@dataclasses.dataclass(frozen=True)
class LiveAnswer:
    """What the model says at a moment.

    Attributes:
        seconds: The moment, s of signal since the beginning.
        sample: The same in samples of the sensor.
        labels: The labels that are present.
        probabilities: Label → probability; empty for a detector of anomalies.
        quality: What was wrong with the samples that the answer is about: names of
            `firmware_bench.front_end.sample_faults.QUALITY`. Empty: nothing.
        heart_rate_bpm: Beats a minute, the median of the last ten seconds; None where too few beats are certain.
        score, threshold: Of a detector of anomalies: the window's score, and the threshold that runs with the signal.
    """

    seconds: float
    sample: int
    labels: tuple[str, ...]
    probabilities: dict[str, float]
    quality: tuple[str, ...]
    heart_rate_bpm: float | None = None
    score: float | None = None
    threshold: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain data; score and threshold where it has them."""
        plain = dataclasses.asdict(self)
        return {key: plain[key] for key in plain if plain[key] is not None or key == "heart_rate_bpm"}


def watch(
    model: Path | str, source: LiveSource, reporter: Reporter | None = None, hop_s: float | None = None
) -> Iterator[LiveAnswer]:
    """Label a signal while it arrives, by the integers that the generated C program of the model computes.

    Args:
        model: A .tflite file exported by ecg-edge in integers, of a model with causal preprocessing, or the name of a
            shipped one.
        source: Where the signal comes from.
        reporter: Receives messages about the signal, and as progress of "signal" its seconds so far.
        hop_s: Time from answer to answer, s, as for `generate_c99`: None: 1 s where the network can keep what it made
            of past samples, otherwise a window or the step of a stream; 0: a window.

    Returns:
        The answers, each as soon as a device would have it, until the signal ends.

    Raises:
        InputError: The file cannot be read, there is no path from samples to its labels, or the source cannot be
            opened. While the signal runs: the source disappeared.

    Examples:
        >>> for answer in ecg_edge.watch("model.tflite", ecg_edge.Replay("data/mitdb/100", speed="max")):
        ...     print(answer.seconds, answer.labels, answer.quality)
    """
    from firmware_bench.model_trial import try_model
    from firmware_bench.runtime.tflite_model import TFLiteModel
    from firmware_bench.runtime.tflite_reader import read_model_file

    model = find_model(model)
    if model.is_dir():
        raise InputError(f"{model} is a folder: name an exported .tflite file, as ecg-edge export writes it")
    data, reporter = read_model_file(model), reporter or Reporter()
    try_model(data, str(model))
    with _naming(model):  # before anything is opened
        loaded, any_sensor = TFLiteModel(data), Sensor(None, (1.0,))
        plan_device(loaded.metadata, any_sensor)
        network = _answer_every_hop(data, hop_s, any_sensor)
    signal = source.open(loaded.metadata, reporter)
    with _naming(model):
        path = DevicePath(loaded, signal.sensor, network)
    try:
        heart_rate = RunningHeartRate(signal.sensor, signal.fs, loaded.metadata.leads)
    except InputError as error:  # the rate suits the model, but not the detector
        reporter.message(f"no heart rate: {error}")
        heart_rate = None
    return _answer(path, heart_rate, signal, reporter)


def _answer_every_hop(data: bytes, hop_s: float | None, sensor: Sensor) -> SampleModel | None:
    """Return the network that answers every hop, None: it answers window by window, or step by step."""
    from ecg_edge.api.c99_generation import choose_hop
    from export.c99.continuous_model import ContinuousModel

    try:
        chosen = choose_hop(data, sensor, hop_s)
        return ContinuousModel(data, chosen) if chosen else None
    except InputError:
        if hop_s is None:  # a layer has no C kernel: LiteRT computes it all the same
            return None
        raise


@contextlib.contextmanager
def _naming(model):
    try:
        yield
    except InputError as error:
        raise InputError(f"{model}: {error}") from None


def _answer(
    path: DevicePath, heart_rate: RunningHeartRate | None, signal: LiveSignal, reporter: Reporter
) -> Iterator[LiveAnswer]:
    total, done, answers = round(signal.seconds or 0), 0, 0
    for block in _batch(signal.blocks, max(1, round(BATCH_S * signal.fs))):
        counted = 0  # samples of the block that the heart rate knows: at an answer those up to its moment
        for answer in path.push(block):
            answers += 1
            if heart_rate:
                heart_rate.push(block[counted : answer.sample - done])
            counted = answer.sample - done
            yield _describe(answer, path, signal.fs, heart_rate.bpm if heart_rate else None)
        if heart_rate:
            heart_rate.push(block[counted:])
        done += len(block)
        reporter.progress("signal", int(done / signal.fs), total)
    if not answers:
        reporter.message(f"the signal ended after {done / signal.fs:.3g} s, before the first answer")


def _batch(blocks: Iterator[np.ndarray], least: int) -> Iterator[np.ndarray]:
    """Join short blocks to such of at least `least` samples; the last one may be shorter."""
    waiting, samples = [], 0
    for block in blocks:
        waiting.append(block)
        samples += len(block)
        if samples >= least:
            yield np.concatenate(waiting)
            waiting, samples = [], 0
    if samples:
        yield np.concatenate(waiting)


def _describe(answer: DeviceAnswer, path: DevicePath, fs: float, bpm: float | None) -> LiveAnswer:
    about = (round(answer.sample / fs, 3), answer.sample, answer.labels)
    if path.decision.probabilities is None:
        threshold, score = (answer.outputs / (1 << SCORE_BITS)).round(6).tolist()
        return LiveAnswer(*about, {}, answer.quality, bpm, score, threshold)
    values = (answer.probabilities / ONE).round(6).tolist()
    return LiveAnswer(*about, dict(zip(path.decision.labels, values, strict=True)), answer.quality, bpm)
