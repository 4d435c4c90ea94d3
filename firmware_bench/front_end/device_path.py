"""The whole path of a device, from counts of a sensor to labels, as the generated C program computes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np

from firmware_bench.front_end.integer_front_end import IntegerFrontEnd, scale_window
from firmware_bench.front_end.plan import FRACTION_BITS, MISSING, FrontEndPlan, plan_front_end
from firmware_bench.runtime.errors import InputError, ModelError
from firmware_bench.runtime.metadata import ModelMetadata, Tensor
from firmware_bench.runtime.quantisation import dequantise
from firmware_bench.runtime.streaming_model import RawModel, StreamingModel

FEED = 8  # values of a scaled window that the network takes with every new one
QUALITY = {"missing": 1, "saturated": 2, "flat": 4, "lost": 8, "warm-up": 16}  # flags of an answer


@dataclasses.dataclass(frozen=True)
class Sensor:
    """What samples the signal.

    Attributes:
        fs: Its rate, Hz; None: that of the model.
        counts_per_unit: Counts in a unit of the model, such as 1 mV, for each lead, or one for all.
        baselines: Counts that stand for 0, for each lead, or one for all.
        lowest, highest: Counts at which it saturates.
    """

    fs: float | None
    counts_per_unit: tuple[float, ...]
    baselines: tuple[int, ...] = (0,)
    lowest: int = -32767
    highest: int = 32767

    def __post_init__(self):
        if not -32768 < self.lowest < self.highest <= 32767:
            raise InputError(f"a sensor from {self.lowest} to {self.highest} counts is none of 16 bits")
        for baseline in self.baselines:
            if not -32768 < baseline <= 32767:
                raise InputError(f"a baseline of {baseline} counts is not within 16 bits")

    def for_leads(self, values: tuple, leads: int) -> tuple:
        """Return one value for each lead. Raises InputError: there are several values, but not one for each lead."""
        if len(values) not in (1, leads):
            raise InputError(f"the sensor has {len(values)} gains or baselines, the model {leads} leads")
        return values * leads if len(values) == 1 else values


def parse_sensor(rate: float | None, counts_per_unit: str | None, baseline: str, adc_range: str) -> Sensor | None:
    """Return the sensor that texts such as "200" or "200,150" describe, None where no counts per unit are given.

    Raises:
        InputError: A text is none, or the others are given alone.
    """
    if counts_per_unit is None:
        if rate is not None:
            raise InputError("a sensor has counts in a unit: add --counts-per-unit, such as 200 for 200 counts in 1 mV")
        return None
    gains = _parse_numbers("--counts-per-unit", counts_per_unit, float)
    limits = _parse_numbers("--adc-range", adc_range, int)
    if len(limits) != 2:
        raise InputError(f"--adc-range is {adc_range!r}, not two numbers such as 0,4095")
    return Sensor(rate, gains, _parse_numbers("--baseline", baseline, int), *limits)


def _parse_numbers(name: str, text: str, kind: Callable[[str], Any]) -> tuple:
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"{name} is {text!r}, not numbers such as 200 or 200,150") from None


@dataclasses.dataclass(frozen=True)
class Decision:
    """How outputs become labels, in the integers of the output.

    Attributes:
        labels: The labels, in the order of the output.
        thresholds: The least integer of each label that is present; None: the label with the largest output is.
    """

    labels: tuple[str, ...]
    thresholds: tuple[int, ...] | None

    def decide(self, values: np.ndarray) -> tuple[str, ...]:
        """Return the labels that are present, of the integers of an output."""
        flat = np.asarray(values, np.int64).ravel()
        if self.thresholds is None:
            return (self.labels[int(flat.argmax())],)
        return tuple(name for name, x, low in zip(self.labels, flat, self.thresholds, strict=True) if x >= low)


@dataclasses.dataclass(frozen=True)
class DeviceAnswer:
    """What a device says.

    Attributes:
        sample: Samples of the sensor up to the moment when it says so.
        labels: The labels that are present.
        outputs: The integers of the output.
        probabilities: Their real values.
        quality: Names in QUALITY of what was wrong with the samples that the answer is about.
    """

    sample: int
    labels: tuple[str, ...]
    outputs: np.ndarray
    probabilities: np.ndarray
    quality: tuple[str, ...]


def plan_device(metadata: ModelMetadata, sensor: Sensor) -> tuple[FrontEndPlan, Decision]:
    """Plan what stands before and behind the network of a file.

    Args:
        metadata: The file's metadata.
        sensor: The sensor.

    Returns:
        The front end, and how outputs become labels.

    Raises:
        InputError: The model takes more than a signal, was trained with steps that look ahead, or names no labels.
    """
    metadata.require("leads", "fs", "labels", "inputs", "outputs")
    states = {"valid", "share", *metadata.streaming.states} if metadata.streaming else set()
    signals = [tensor for tensor in metadata.inputs if tensor.name not in states]
    if metadata.history or len(signals) != 1:
        raise InputError("the model takes beats, not a signal: there is no path from samples to its labels yet")
    if scales_windows(metadata) and metadata.streaming:
        raise InputError(
            "the model is a step of a stream and scales whole windows: train with signal.normalise=running"
        )
    leads = len(metadata.leads)
    front_end = plan_front_end(
        metadata.preprocessing,
        metadata.fs,
        metadata.fs if sensor.fs is None else sensor.fs,
        sensor.for_leads(sensor.counts_per_unit, leads),
        sensor.for_leads(sensor.baselines, leads),
    )
    return front_end, _plan_decision(metadata)


def scales_windows(metadata: ModelMetadata) -> bool:
    """Return whether windows are scaled to zero mean and unit standard deviation.

    Raises:
        InputError: Something else is done with windows.
    """
    names = [step.get("step") for step in metadata.window_preprocessing]
    if names not in ([], ["zscore"]):
        raise InputError(f"no device computes the steps {', '.join(map(str, names))} of a window")
    return bool(names)


def _plan_decision(metadata: ModelMetadata) -> Decision:
    (output,) = metadata.outputs[:1]
    if np.prod(output.shape[1:]) != len(metadata.labels):
        raise InputError(f"the model's output {output.name} has no value for each label: it is no classifier")
    thresholds = metadata.decision.get("thresholds")
    if not thresholds:
        return Decision(metadata.labels, None)
    bounds = np.iinfo(output.dtype)
    integers = np.arange(bounds.min, bounds.max + 1)
    values = dequantise(integers, output.scale, output.zero_point)
    return Decision(metadata.labels, tuple(int(bounds.min + np.sum(values < low)) for low in thresholds))


def plan_quantisation(tensor: Tensor) -> tuple[int, int]:
    """Return the multiplier and the shift from a front end's values to a tensor's integers.

    Args:
        tensor: The input of the network.

    Returns:
        The integer is (value × multiplier) >> shift, rounded to nearest, plus the zero point.

    Raises:
        ModelError: The tensor is not quantised.
    """
    if not tensor.scale:
        raise ModelError("the model takes floats: export it in integers")
    mantissa, exponent = np.frexp(1.0 / (tensor.scale * (1 << FRACTION_BITS)))
    return round(float(mantissa) * (1 << 30)), 30 - int(exponent)


class SampleModel(Protocol):
    """A network that takes samples one after another and answers now and then."""

    @property
    def signal(self) -> Tensor:
        """The input that takes the samples."""
        ...

    @property
    def output(self) -> Tensor:
        """The output that names the labels."""
        ...

    @property
    def span(self) -> int:
        """Samples that an answer is about."""
        ...

    @property
    def remaining(self) -> int:
        """Samples until the network runs again."""
        ...

    def reset(self) -> None:
        """Begin a recording."""
        ...

    def push(self, samples: np.ndarray) -> np.ndarray | None:
        """Take samples, integers (n, leads), at most `remaining`; return the output where there is one."""
        ...


class WindowFeeder:
    """A model for whole windows as a SampleModel: it answers at the end of each."""

    def __init__(self, model: RawModel):
        self.model, self.signal, self.output = model, model.inputs[0], model.outputs[0]
        self.span = model.metadata.window.samples
        self.reset()

    def reset(self) -> None:
        self._samples = np.zeros((0, self.signal.shape[-1]), self.signal.dtype)

    @property
    def remaining(self) -> int:
        return self.span - len(self._samples)

    def push(self, samples: np.ndarray) -> np.ndarray | None:
        self._samples = np.concatenate([self._samples, samples])
        if self.remaining:
            return None
        window, self._samples = self._samples, self._samples[:0]
        return self._run(window)

    def _run(self, window):
        return self.model.run_raw([window.reshape(self.signal.shape)])[0]


class ScaledWindowFeeder(WindowFeeder):
    """A model for whole windows that are scaled to zero mean and unit standard deviation.

    A device keeps the values of a window, finds their scale when it is complete, and then hands FEED of them to the
    network with every new one, which takes the place of one that was handed over: the answer comes an eighth of a
    window late.
    """

    def __init__(self, model: RawModel, quantise: Callable[[np.ndarray], np.ndarray]):
        self._quantise = quantise
        super().__init__(model)
        self._length, self._late = self.span, -(-self.span // FEED)
        self.span = self._length + self._late
        self.reset()

    def reset(self) -> None:
        self._samples = np.zeros((0, self.signal.shape[-1]), np.int64)
        self._complete: np.ndarray | None = None

    @property
    def remaining(self) -> int:
        return (self._length if self._complete is None else self._late) - len(self._samples)

    def push(self, samples: np.ndarray) -> np.ndarray | None:
        """Take values of the front end, at most `remaining`, instead of the network's integers."""
        self._samples = np.concatenate([self._samples, samples])
        if self.remaining:
            return None
        if self._complete is not None:
            window, self._complete = self._complete, None
            return self._run(self._quantise(scale_window(window)))
        self._complete, self._samples = self._samples, self._samples[:0]
        return None


class StepFeeder(WindowFeeder):
    """A streaming model as a SampleModel: it answers after each block, as soon as its delay has passed."""

    def __init__(self, model: RawModel):
        self._stream = StreamingModel(model)
        super().__init__(model)
        self.signal, self.output, self.span = self._stream.signal, self._stream.outputs[0], self._stream.window

    def reset(self) -> None:
        self._stream.reset()
        self._samples = np.zeros((0, self._stream.signal.shape[-1]), self._stream.signal.dtype)

    @property
    def remaining(self) -> int:
        return self._stream.step - len(self._samples)

    def _run(self, window):
        outputs = self._stream.feed_raw(dequantise(window, self.signal.scale, self.signal.zero_point))
        return outputs[self.output.name] if self._stream.blocks > self._stream.delay else None


class DevicePath:
    """The path from counts to answers, in integers.

    Args:
        model: An integer model that takes whole windows, or blocks of a stream.
        sensor: The sensor.
        network: The network as a SampleModel; None: `model`, window by window or block by block.

    Raises:
        InputError: There is no such path for the model, see `plan_device`.
    """

    def __init__(self, model: RawModel, sensor: Sensor, network: SampleModel | None = None):
        self.sensor = sensor
        self.plan, self.decision = plan_device(model.metadata, sensor)
        self._prepare = self._quantise
        if network is not None:
            self.network = network
        elif model.metadata.streaming:
            self.network = StepFeeder(model)
        elif scales_windows(model.metadata):
            self.network, self._prepare = ScaledWindowFeeder(model, self._quantise), lambda values: values
        else:
            self.network = WindowFeeder(model)
        self._multiplier, self._shift = plan_quantisation(self.network.signal)
        self.reset()

    def reset(self) -> None:
        """Begin a recording."""
        self._front_end = IntegerFrontEnd(self.plan)
        self._taken = self._made = 0  # samples of the sensor, values for the model
        self._quality = _Quality(self.sensor, self.plan)
        self.network.reset()

    def push(self, counts: np.ndarray) -> Iterator[DeviceAnswer]:
        """Take samples of the sensor.

        Args:
            counts: int16 (samples, leads); -32768 where no sample was taken.

        Yields:
            The answers, as soon as the device has them.
        """
        counts = np.asarray(counts, np.int16).reshape(-1, self.plan.leads)
        while len(counts):
            # Up to the sample with which the network runs again.
            last_value = self._made + self.network.remaining - 1
            needed = last_value * self.plan.down // self.plan.up + self.plan.half_length + 1 - self._taken
            part, counts = counts[: max(needed, 1)], counts[max(needed, 1) :]
            self._quality.add(part, self._taken)
            self._taken += len(part)
            values = self._prepare(self._front_end.push(part).astype(np.int64))
            while len(values):
                samples, values = values[: self.network.remaining], values[self.network.remaining :]
                outputs = self.network.push(samples)
                self._made += len(samples)
                if outputs is not None:
                    yield self._answer(outputs)

    def _quantise(self, values):
        tensor, bounds = self.network.signal, np.iinfo(self.network.signal.dtype)
        rounded = (values * self._multiplier + (1 << (self._shift - 1))) >> self._shift
        return np.clip(rounded + tensor.zero_point, bounds.min, bounds.max).astype(tensor.dtype)

    def _answer(self, outputs: np.ndarray) -> DeviceAnswer:
        tensor = self.network.output
        return DeviceAnswer(
            self._taken,
            self.decision.decide(outputs),
            outputs.ravel(),
            dequantise(outputs, tensor.scale, tensor.zero_point).ravel(),
            self._quality.find_faults(self._made, self.network.span),
        )


class _Quality:
    """What was wrong with samples, and how many values for the model were made before."""

    def __init__(self, sensor: Sensor, plan: FrontEndPlan):
        self.sensor, self.plan = sensor, plan
        self.block = plan.quality_block
        self.faults: dict[str, int] = {}  # values made before the last sample with that fault
        self._held = np.array(plan.baselines, np.int64)
        self._begin_block()

    def _begin_block(self):
        self._low, self._high = np.full(self.plan.leads, 1 << 16), np.full(self.plan.leads, -(1 << 16))

    def add(self, counts: np.ndarray, first: int) -> None:
        """Judge samples, of which `first` is the number of the first one."""
        while len(counts):
            length = self.block - first % self.block
            part, counts = counts[:length].astype(np.int64), counts[length:]
            missing = part == MISSING
            self._note("missing", missing, first)
            saturated = (part <= self.sensor.lowest) | (part >= self.sensor.highest)
            self._note("saturated", saturated & ~missing, first)
            for lead in range(self.plan.leads):
                self._hold(part[:, lead], missing[:, lead], lead)
            first += len(part)
            if first % self.block == 0:
                self._note("flat", (self._low >= self._high)[None], first - 1)
                self._begin_block()

    def _hold(self, column, missing, lead):
        known = column[~missing]
        seen = np.append(known, self._held[lead]) if missing[0] else known
        self._low[lead], self._high[lead] = min(self._low[lead], seen.min()), max(self._high[lead], seen.max())
        self._held[lead] = known[-1] if len(known) else self._held[lead]

    def _note(self, name, found, first):
        if found.any():
            number = first + int(np.flatnonzero(found.any(axis=1))[-1])
            self.faults[name] = self.plan.count_ready(number)

    def find_faults(self, made: int, span: int) -> tuple[str, ...]:
        """Return the names of the faults among the last `span` of `made` values."""
        faults = {name for name, moment in self.faults.items() if made - moment <= span}
        if self.plan.scale and made < span + self.plan.scale.block:
            faults.add("warm-up")
        return tuple(name for name in QUALITY if name in faults)
