"""The whole path of a device, from counts of a sensor to labels, as the generated C program computes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from firmware_bench.front_end.device_plan import plan_device, plan_quantisation, scales_windows
from firmware_bench.front_end.integer_front_end import IntegerFrontEnd
from firmware_bench.front_end.sample_faults import SampleFaults
from firmware_bench.front_end.sample_models import (
    SampleModel,
    ScaledWindowFeeder,
    ScoredWindowFeeder,
    StepFeeder,
    WindowFeeder,
)
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.front_end.window_score import is_reconstructing
from firmware_bench.runtime.streaming_model import RawModel


@dataclasses.dataclass(frozen=True)
class DeviceAnswer:
    """What a device says.

    Attributes:
        sample: Samples of the sensor up to the moment when it says so.
        labels: The labels that are present.
        outputs: The integers of the output; of a model that reconstructs its input, the threshold and the score of the
            window, see `firmware_bench.front_end.window_score`.
        probabilities: The calibrated probabilities, of which firmware_bench.runtime.temperature.ONE is 1; empty for a
            model that reconstructs its input.
        quality: Names in QUALITY of what was wrong with the samples that the answer is about.
    """

    sample: int
    labels: tuple[str, ...]
    outputs: np.ndarray
    probabilities: np.ndarray
    quality: tuple[str, ...]


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
        elif is_reconstructing(model.metadata):
            self.network = ScoredWindowFeeder(model)
        else:
            self.network = WindowFeeder(model)
        self._multiplier, self._shift = plan_quantisation(self.network.signal)
        self.reset()

    def reset(self) -> None:
        """Begin a recording."""
        self._front_end = IntegerFrontEnd(self.plan)
        self._taken = self._made = 0  # samples of the sensor, values for the model
        self._quality = SampleFaults(self.sensor, self.plan)
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
        table = self.decision.probabilities
        return DeviceAnswer(
            self._taken,
            self.decision.decide(outputs),
            outputs.ravel(),
            table.look_up(outputs.ravel()) if table else np.zeros(0, np.int64),
            self._quality.find_faults(self._made, self.network.span),
        )
