"""What stands before and behind the network on a device: planned from the metadata of a file and a sensor."""

from __future__ import annotations

import dataclasses

import numpy as np

from firmware_bench.front_end.plan import FRACTION_BITS, FrontEndPlan, plan_front_end
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.front_end.window_score import is_reconstructing, plan_window_score
from firmware_bench.runtime.errors import InputError, ModelError
from firmware_bench.runtime.metadata import ModelMetadata, Tensor
from firmware_bench.runtime.quantisation import dequantise
from firmware_bench.runtime.temperature import ProbabilityTable, tabulate_probabilities


@dataclasses.dataclass(frozen=True)
class Decision:
    """How outputs become labels, in the integers of the output.

    Attributes:
        labels: The labels, in the order of the output.
        thresholds: The least integer of each label that is present; None: the label with the largest output is.
        probabilities: The calibrated probability of each integer; None: the outputs are the threshold and the score of
            a window, see `firmware_bench.front_end.window_score`.
    """

    labels: tuple[str, ...]
    thresholds: tuple[int, ...] | None
    probabilities: ProbabilityTable | None

    def decide(self, values: np.ndarray) -> tuple[str, ...]:
        """Return the labels that are present, of the integers of an output."""
        flat = np.asarray(values, np.int64).ravel()
        if self.thresholds is None:
            return (self.labels[int(flat.argmax())],)
        return tuple(name for name, x, low in zip(self.labels, flat, self.thresholds, strict=True) if x >= low)


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
        raise InputError("the model takes beats, not a signal: alone it has no path from samples to labels")
    if scales_windows(metadata) and metadata.streaming:
        raise InputError(
            "the model is a step of a stream and scales whole windows: train with signal.normalise=running"
        )
    if is_reconstructing(metadata) and (metadata.streaming or scales_windows(metadata)):
        raise InputError("the score of a window is of one that is not scaled: train with signal.normalise=running")
    leads = len(metadata.leads)
    front_end = plan_front_end(
        metadata.preprocessing,
        metadata.fs,
        metadata.fs if sensor.fs is None else sensor.fs,
        sensor.for_leads(sensor.counts_per_unit, leads),
        sensor.for_leads(sensor.baselines, leads),
    )
    return front_end, plan_decision(metadata)


def scales_windows(metadata: ModelMetadata) -> bool:
    """Return whether windows are scaled to zero mean and unit standard deviation.

    Raises:
        InputError: Something else is done with windows.
    """
    names = [step.get("step") for step in metadata.window_preprocessing]
    if names not in ([], ["zscore"]):
        raise InputError(f"no device computes the steps {', '.join(map(str, names))} of a window")
    return bool(names)


def plan_decision(metadata: ModelMetadata) -> Decision:
    """Plan how the first output of a file becomes labels.

    Args:
        metadata: The file's metadata.

    Raises:
        InputError: The output is of floats, or has no value for each label.
    """
    if is_reconstructing(metadata):
        plan_window_score(metadata)
        return Decision(metadata.labels, None, None)
    (output,) = metadata.outputs[:1]
    if np.prod(output.shape[1:]) != len(metadata.labels):
        raise InputError(f"the model's output {output.name} has no value for each label: it is no classifier")
    if not output.scale:
        raise InputError("the model gives floats: export it in integers")
    thresholds = metadata.decision.get("thresholds")
    table = tabulate_probabilities(output, metadata.decision.get("temperature", 1.0), exclusive=not thresholds)
    if not thresholds:
        return Decision(metadata.labels, None, table)
    bounds = np.iinfo(output.dtype)
    integers = np.arange(bounds.min, bounds.max + 1)
    values = dequantise(integers, output.scale, output.zero_point)
    return Decision(metadata.labels, tuple(int(bounds.min + np.sum(values < low)) for low in thresholds), table)


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
    return find_multiplier(1.0 / (tensor.scale * (1 << FRACTION_BITS)))


def find_multiplier(factor: float) -> tuple[int, int]:
    """Return the multiplier, of 30 bits, and the shift that stand for a positive factor in integers."""
    mantissa, exponent = np.frexp(factor)
    return round(float(mantissa) * (1 << 30)), 30 - int(exponent)
