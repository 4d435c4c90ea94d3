"""Calibrated probabilities: what a model gives, made softer or sharper by one number, the temperature T.

C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, On Calibration of Modern Neural Networks, ICML 2017, section 4.2,
divide the logits by T. The outputs hold the logits but for a constant that cancels, so no file needs another output:

    softmax(z / T) = p^(1/T) / sum of p^(1/T)        sigmoid(z / T) = p^(1/T) / (p^(1/T) + (1 - p)^(1/T))

The order of the classes stays, and a sigmoid stays on its side of 0.5: a temperature changes no label.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from firmware_bench.runtime.metadata import Tensor
from firmware_bench.runtime.quantisation import dequantise

SMALLEST = 1 / 1024  # what an output of 0 stands for: the middle of what the 8 bits of a probability round to 0
ONE = 1 << 15  # a probability of 1 in integers
WEIGHT_ONE = (1 << 16) - 1
ENTRIES = 256


def apply_temperature(probabilities: np.ndarray, temperature: float, exclusive: bool) -> np.ndarray:
    """Divide the logits of probabilities by a temperature.

    Args:
        probabilities: (…, classes), outputs of a softmax or of sigmoids.
        temperature: T.
        exclusive: Whether one class is present (softmax), not any number of labels (sigmoids).

    Returns:
        Calibrated probabilities, float64 (…, classes).
    """
    p = np.clip(np.asarray(probabilities, np.float64), SMALLEST, 1.0 if exclusive else 1 - SMALLEST)
    powers = p ** (1 / temperature)
    whole = powers.sum(axis=-1, keepdims=True) if exclusive else powers + (1 - p) ** (1 / temperature)
    return powers / whole


@dataclasses.dataclass(frozen=True)
class ProbabilityTable:
    """Calibrated probabilities in integers, as the generated C program computes them.

    Attributes:
        zero_point: The integer of the output that stands for 0.
        shift: Bits of the output that are left out, so that what is left has 8.
        entries: What the 8 bits stand for: with `exclusive` the weight p^(1/T), of which WEIGHT_ONE is 1, otherwise the
            probability, of which ONE is 1.
        exclusive: As for `apply_temperature`.
    """

    zero_point: int
    shift: int
    entries: tuple[int, ...]
    exclusive: bool

    def look_up(self, outputs: np.ndarray) -> np.ndarray:
        """Return the probabilities, int64 of which ONE is 1, of the integers of an output, (classes,)."""
        index = np.maximum(np.asarray(outputs, np.int64) - self.zero_point, 0) >> self.shift
        found = np.array(self.entries)[np.minimum(index, ENTRIES - 1)]
        if not self.exclusive:
            return found
        whole = found.sum()
        return (found * ONE + whole // 2) // whole


def tabulate_probabilities(output: Tensor, temperature: float, exclusive: bool) -> ProbabilityTable:
    """Make the table of an output's probabilities.

    Args:
        output: The output, in integers.
        temperature: T; 1 for the output's own probabilities.
        exclusive: As for `apply_temperature`.
    """
    above = int(np.iinfo(output.dtype).max) - output.zero_point
    shift = max(0, above.bit_length() - 8)
    middle = output.zero_point + (np.arange(ENTRIES) << shift) + ((1 << shift) - 1) / 2
    p = np.clip(dequantise(middle, output.scale, output.zero_point).astype(np.float64), SMALLEST, 1 - SMALLEST)
    powers = p ** (1 / temperature)
    values = powers * WEIGHT_ONE if exclusive else powers / (powers + (1 - p) ** (1 / temperature)) * ONE
    return ProbabilityTable(
        output.zero_point, shift, tuple(np.maximum(np.rint(values), 1).astype(int).tolist()), exclusive
    )
