"""Activations in operators that have 16-bit kernels in LiteRT and in TensorFlow Lite Micro.

Both have sigmoid, tanh, softmax, rectifiers, sums and products. Neither has ELU or GELU in 16 bits.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from models_keras.layers.keras_ops import ops

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
GELU_LIMIT = 1.4  # times 3: beyond ±4.2 the exact GELU is within 6e-5 of x and of 0
GELU_SLOPE, GELU_CUBE = math.sqrt(2 / math.pi), 0.044715  # of its approximation by tanh, within 5e-4 (arXiv 1606.08415)
# ln 2 - ln(1 + s) for s from 0 to 1, within 1e-5.
SOFTPLUS_POWERS = (
    np.polynomial.Chebyshev.interpolate(lambda s: np.log(2) - np.log1p(s), 5, domain=[0, 1])
    .convert(kind=np.polynomial.Polynomial)
    .coef
)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """ELU: exp(z) - 1 is 2 t / (1 - t) with t = tanh(z / 2)."""
    positive = ops.relu(x)
    t: Any = ops.tanh(0.5 * (x - positive))
    return positive + (2 * alpha) * (t * reciprocal(1.0 - t))


def reciprocal(x: Any) -> Any:
    """1 / x for x from 1 to 2, within 2e-5: Newton's iteration from the line that is within 1/17."""
    found = 24 / 17 - 8 / 17 * x
    for _ in range(2):
        found = found * (2.0 - x * found)
    return found


def selu(x: Any) -> Any:
    """SELU, a scaled ELU."""
    return SELU_SCALE * elu(x, SELU_ALPHA)


def gelu(x: Any) -> Any:
    """GELU by tanh, of a limited argument: the cube of a large one would take the bits of small ones."""
    z: Any = ops.relu6(x * (1 / GELU_LIMIT) + 3.0) - 3.0
    slope, cube = GELU_SLOPE * GELU_LIMIT, GELU_CUBE * GELU_LIMIT**2
    return x * (0.5 + 0.5 * ops.tanh(z * (slope + (slope * cube) * (z * z))))


def hard_sigmoid(x: Any) -> Any:
    """A ReLU6."""
    return ops.relu6(x + 3.0) * (1 / 6)


def hard_silu(x: Any) -> Any:
    """x times the hard sigmoid, in an order in which the converter does not make HARD_SWISH of it."""
    return (x * (1 / 6)) * ops.relu6(x + 3.0)


def softplus(x: Any) -> Any:
    """ReLU plus ln(1 + exp(-|x|)), a polynomial of tanh(|x| / 2)."""
    positive: Any = ops.relu(x)
    s = ops.tanh(positive - 0.5 * x)
    *powers, total = (float(c) for c in SOFTPLUS_POWERS)
    for power in reversed(powers):
        total = total * s + power
    return positive + total


def mish(x: Any) -> Any:
    """x tanh(softplus(x))."""
    return x * ops.tanh(softplus(x))


ACTIVATIONS: dict[Callable, Callable] = {
    keras.activations.elu: elu,
    keras.activations.gelu: gelu,
    keras.activations.hard_sigmoid: hard_sigmoid,
    keras.activations.hard_silu: hard_silu,
    keras.activations.mish: mish,
    keras.activations.selu: selu,
    keras.activations.softplus: softplus,
}
