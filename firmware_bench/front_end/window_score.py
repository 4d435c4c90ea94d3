"""The anomaly score of a window in integers, and the threshold that runs with it, as the generated C program has them.

The score is that of `ecg_edge.tasks.anomaly`, column PAPER: the squared error of the reconstruction, weighted by the
attention where the model has some, mean over the window, plus the mean KL divergence of the latent space.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ModelMetadata, Tensor
from firmware_bench.runtime.quantisation import dequantise

SCORE_BITS = 20  # fractional bits of scores, squares and weights
LARGEST = (1 << 31) - 1  # of a square, a row's weighted sum and a score
ENTRIES = 256  # of the table of log-variances
RECONSTRUCTION = "reconstruction"
MEMORY = 60  # windows that the threshold comes from
WARM_UP = 10  # windows before it runs
DEVIATIONS = 6  # median absolute deviations above the median: four standard deviations of normal scores


@dataclasses.dataclass(frozen=True)
class ValueScale:
    """How integers of a tensor become fixed-point numbers: (integer - zero_point) × multiplier.

    Attributes:
        output: Name of the output, "" for the model's input.
        zero_point: The integer that stands for 0.
        multiplier: What a step of the integers is.
    """

    output: str
    zero_point: int
    multiplier: int

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return the numbers, int64."""
        return (np.asarray(values, np.int64) - self.zero_point) * self.multiplier


@dataclasses.dataclass(frozen=True)
class ScorePlan:
    """The integers of a window's score.

    Attributes:
        samples, leads: Of a window.
        signal, reconstruction: Scales of the model's input and of its reconstruction.
        shift: Bits by which the squared error has more than SCORE_BITS.
        lead_weight, sequence_weight: Scales of the attention to leads and to samples, relative to uniform attention;
            None: the model has none.
        latent_mean: Scale of the means of the latent space, or None: the model outputs no distribution.
        latent_shift: As `shift`, of a squared mean.
        log_variance: Scale of their log-variances, whose multiplier is not used, or None.
        log_variance_shift: Bits of a log-variance that the table leaves out.
        table: exp(v) - 1 - v of the log-variances v, from the least integer on.
        latent_count: Values of the latent space, over all time steps.
        threshold: Of the file's metadata.
    """

    samples: int
    leads: int
    signal: ValueScale
    reconstruction: ValueScale
    shift: int
    lead_weight: ValueScale | None
    sequence_weight: ValueScale | None
    latent_mean: ValueScale | None
    latent_shift: int
    log_variance: ValueScale | None
    log_variance_shift: int
    table: tuple[int, ...]
    latent_count: int
    threshold: int

    def compute(self, window: np.ndarray, outputs: Mapping[str, np.ndarray]) -> int:
        """Return the score of a window, with SCORE_BITS fractional bits, at most LARGEST.

        Args:
            window: The model's input, integers (samples, leads).
            outputs: Its outputs by name, integers.
        """
        shape = (self.samples, self.leads)
        made = outputs[self.reconstruction.output].reshape(shape)
        errors = self.signal(window.reshape(shape)) - self.reconstruction(made)
        rows = _square(errors, self.shift)
        if self.lead_weight and self.sequence_weight:
            rows = _weigh(rows, self.lead_weight, outputs)
            rows = np.minimum(rows.sum(axis=1), LARGEST)
            rows = _weigh(rows, self.sequence_weight, outputs)
        score = int(rows.sum()) // (self.samples * self.leads)
        if self.latent_mean and self.log_variance:
            squares = _square(self.latent_mean(outputs[self.latent_mean.output]), self.latent_shift)
            steps = outputs[self.log_variance.output]
            index = (steps.astype(np.int64) - int(np.iinfo(steps.dtype).min)) >> self.log_variance_shift
            nats = int(squares.sum()) + int(np.array(self.table, np.int64)[index].sum())
            score += nats // (2 * self.latent_count)
        return min(score, LARGEST)


class RunningThreshold:
    """The score above which a window is abnormal: it follows the windows of the recent past.

    It is the median of the last MEMORY scores plus DEVIATIONS times their median absolute deviation, at least half and
    at most twice the file's threshold. In the first WARM_UP windows it is the file's threshold. A median hardly moves
    with some abnormal windows, and the bounds hold where there are many.

    Args:
        start: The file's threshold, with SCORE_BITS fractional bits.
    """

    def __init__(self, start: int):
        self._start = start
        self._scores: list[int] = []

    def judge(self, score: int) -> int:
        """Return the threshold of a window with this score, which follows from the windows before it."""
        threshold = self._start
        if len(self._scores) >= WARM_UP:
            median = _upper_median(self._scores)
            deviation = _upper_median([abs(value - median) for value in self._scores])
            threshold = min(max(median + DEVIATIONS * deviation, self._start // 2), 2 * self._start)
        self._scores = [*self._scores, score][-MEMORY:]
        return threshold


def is_reconstructing(metadata: ModelMetadata) -> bool:
    """Return whether a model reconstructs its input, so that windows are normal or abnormal by a score."""
    return any(output.name == RECONSTRUCTION for output in metadata.outputs)


def plan_window_score(metadata: ModelMetadata) -> ScorePlan:
    """Plan the score of a model that reconstructs its input.

    Args:
        metadata: The file's metadata, with the threshold that the validation part had.

    Returns:
        The plan.

    Raises:
        InputError: The file has no threshold, one of another score, or a tensor that no device computes a score of.
    """
    outputs = {tensor.name: tensor for tensor in metadata.outputs}
    signal, made = metadata.inputs[0], outputs[RECONSTRUCTION]
    threshold = metadata.decision.get("threshold")
    if len(metadata.labels) != 2 or threshold is None or metadata.task.options.get("score", "paper") != "paper":
        raise InputError("the model has no threshold for the score of a window: train with task.score=paper")
    if signal.shape != made.shape or not all(tensor.scale for tensor in (signal, *metadata.outputs)):
        raise InputError("the model does not reconstruct its input in integers: export it in integers")
    samples, leads = int(np.prod(signal.shape)) // signal.shape[-1], signal.shape[-1]
    bits = _find_bits(signal, made)
    attention = "lead_attention" in outputs
    latent = "latent_mean" in outputs
    mean, variance = outputs.get("latent_mean", made), outputs.get("latent_log_variance", made)
    mean_bits = _find_bits(mean)
    shift = max(0, 8 * np.dtype(variance.dtype).itemsize - 8)
    start = int(np.iinfo(variance.dtype).min)
    middle = start + (np.arange(ENTRIES) << shift) + ((1 << shift) - 1) / 2
    values = dequantise(middle, variance.scale, variance.zero_point).astype(np.float64)
    table = np.minimum(np.rint((np.exp(np.minimum(values, 20.0)) - 1 - values) * (1 << SCORE_BITS)), LARGEST)
    return ScorePlan(
        samples,
        leads,
        _scale(signal, bits, 1, ""),
        _scale(made, bits, 1),
        2 * bits - SCORE_BITS,
        _weight(outputs["lead_attention"], leads) if attention else None,
        _weight(outputs["sequence_attention"], samples) if attention else None,
        _scale(mean, mean_bits, 1) if latent else None,
        2 * mean_bits - SCORE_BITS,
        _scale(variance, 0, 1) if latent else None,
        shift,
        tuple(table.astype(int).tolist()) if latent else (0,),
        int(np.prod(mean.shape)) if latent else 0,
        min(max(round(threshold * (1 << SCORE_BITS)), 2), LARGEST // 2),
    )


def _square(values: np.ndarray, shift: int) -> np.ndarray:
    return np.minimum((values * values) >> shift, LARGEST)


def _weigh(values: np.ndarray, scale: ValueScale, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    weights = np.maximum(scale(outputs[scale.output].reshape(values.shape)), 0)
    return (values * weights) >> SCORE_BITS


def _upper_median(values: list[int]) -> int:
    return sorted(values)[len(values) // 2]


def _find_bits(*tensors: Tensor) -> int:
    """The most fractional bits with which a difference of the tensors' values stays below 2**30."""
    largest = sum(tensor.scale * (1 << (8 * np.dtype(tensor.dtype).itemsize)) for tensor in tensors)
    bits = 30 - int(np.ceil(np.log2(largest)))
    if not SCORE_BITS // 2 <= bits <= 40:
        raise InputError(f"the model's outputs go up to {largest:g}: no device computes a score of them")
    return bits


def _scale(tensor: Tensor, bits: int, factor: float, name: str | None = None) -> ValueScale:
    multiplier = round(tensor.scale * factor * 2.0**bits)
    return ValueScale(tensor.name if name is None else name, tensor.zero_point, multiplier)


def _weight(tensor: Tensor, count: int) -> ValueScale:
    scale = _scale(tensor, SCORE_BITS, count)
    if scale.multiplier << (8 * np.dtype(tensor.dtype).itemsize) > LARGEST:
        raise InputError(f"the attention {tensor.name} is too large for a device's score")
    return scale
