"""The fixed-point arithmetic of TensorFlow Lite's integer kernels, as far as it happens before a model runs."""

import math
from typing import Any

import numpy as np


def quantize_multiplier(factor: float) -> tuple[int, int]:
    """A factor in fixed point.

    Args:
        factor: The factor.

    Returns:
        (multiplier, shift) with factor ≈ multiplier · 2^(shift - 31) and 2^30 ≤ multiplier < 2^31; (0, 0) for a factor
        below 2^-32.
    """
    if factor == 0:
        return 0, 0
    fraction, shift = math.frexp(factor)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return (multiplier, shift) if shift >= -31 else (0, 0)


def quantize_sum_multiplier(factor: float, is_wide: bool) -> tuple[int, int]:
    """The factor by which sums of products become values.

    Args:
        factor: The factor.
        is_wide: Whether sums have 64 bits.

    Returns:
        (multiplier, shift) as `quantize_multiplier` for sums of 32 bits; for 64 bits factor ≈ multiplier / 2^shift with
        a multiplier of 15 bits.
    """
    multiplier, shift = quantize_multiplier(factor)
    if not is_wide:
        return multiplier, shift
    return min((multiplier + 2**15) >> 16, 2**15 - 1), 15 - shift


def single_rounding_multiplier(factor: float, lowest: int, highest: int) -> tuple[int, int]:
    """The factor of a kernel that rounds once, where LiteRT's dense layer multiplies in double precision.

    It is enough to check the integers on either side of each step.

    Args:
        factor: The factor.
        lowest: The lowest result that has to be right.
        highest: The highest.

    Returns:
        (multiplier, shift) with round(x · factor) = round(x · multiplier / 2^shift) for every integer x whose result is
        between `lowest` and `highest`.

    Raises:
        ArithmeticError: There is no such multiplier of 31 bits.
    """
    multiplier, left = quantize_multiplier(factor)
    shift = 31 - left
    steps = (np.arange(lowest, highest) + 0.5) / factor
    x = np.unique(np.floor(steps)[:, None] + np.arange(-1, 3)).astype(np.int64)
    expected = np.copysign(np.floor(np.abs(x * factor) + 0.5), x).astype(np.int64)
    for candidate in (multiplier, multiplier - 1, multiplier + 1):
        found = (np.abs(x) * candidate + (1 << (shift - 1))) >> shift
        if np.array_equal(np.where(x < 0, -found, found), expected):
            return candidate, shift
    raise ArithmeticError(f"no 31-bit multiplier rounds like {factor!r}")


def multiply_high(a: Any, b: int) -> Any:
    """a · b / 2^31, rounded to nearest; integers or arrays of them."""
    return (a * b + 2**30) >> 31


def shift_right(x: Any, shift: int) -> Any:
    """x / 2^shift, rounded to nearest, halves away from zero; an integer or an array."""
    mask = (1 << shift) - 1
    return (x >> shift) + ((x & mask) > (mask >> 1) + (x < 0))


def mean_multiplier(factor: float, count: int) -> tuple[int, int]:
    """(multiplier, shift) that also divides by `count`, with the bits that LiteRT keeps of the quotient."""
    multiplier, shift = quantize_multiplier(factor)
    left = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << left) // count, shift - left


def softmax_exponentials(scale: float) -> np.ndarray:
    """The exponentials of the softmax of 8-bit values.

    LiteRT's softmax multiplies a difference by `scale` in 26 fractional bits and leaves out those beyond its range.

    Args:
        scale: Of the input, times beta.

    Returns:
        exp(-d · scale) for d = 0, 1, … in 31 fractional bits, up to 256 values.
    """
    multiplier, shift = quantize_multiplier(min(scale * 2**26, 2**31 - 1.0))
    beyond = math.floor((2**5 - 1) * 2 ** (31 - 5) / 2**shift)  # larger differences count as zero
    count = min(beyond + 1, 256)
    return np.array([_exponential(multiply_high(-d << shift, multiplier)) for d in range(count)], np.int64)


def long_softmax_exponentials(scale: float, differences: np.ndarray) -> np.ndarray:
    """The exponentials of the softmax of 16-bit values: from a table of exp between -10 and 0, not below exp(-10).

    Args:
        scale: Of the input, times beta.
        differences: Integers.

    Returns:
        exp(-difference · scale) in 15 fractional bits.
    """
    multiplier, shift = long_softmax_exponent_multiplier(scale)
    scaled = shift_right(multiply_high(-differences << max(shift, 0), multiplier), max(-shift, 0))
    points, place = long_softmax_points(), np.maximum(scaled + 2**16 - 1, 0)
    at, part = place >> 7, place & 127
    return points[at] + ((points[at + 1] - points[at]) * part + 64 >> 7)


def long_softmax_exponent_multiplier(scale: float) -> tuple[int, int]:
    """(multiplier, shift) that make 65535ths of 10 of a difference of two inputs of the softmax of 16-bit values."""
    return quantize_multiplier(scale / (10 / 65535))


def long_softmax_points() -> np.ndarray:
    """exp(x) for x = -10, …, 0 in 512 steps, in 15 fractional bits, points of the softmax of 16-bit values."""
    return _points(math.exp, -10)


def reciprocal_points() -> np.ndarray:
    """1 / (1 + x) for x = 0, 1/512, … 1 in 15 fractional bits, points of the softmax of 16-bit values."""
    return _points(lambda x: 1 / (1 + x), 0)


def _points(function, low):
    """The 513 points of a table of a function from `low` to 0, or from 0 to 1. Each is moved by half of the error of
    linear interpolation in the middle."""
    step = (-low or 1) / 512
    left, middle = ([2**15 * function(low + (n + part) * step) for n in range(513)] for part in (0, 0.5))
    points = [_nearest(x) for x in left]
    for n in range(512):
        line = _nearest((left[n + 1] + points[n]) / 2)
        points[n] -= _nearest((line - _nearest(middle[n])) / 2)
    return np.minimum(points, 2**15 - 1)


def _nearest(x: float) -> int:
    """To nearest, halves away from zero."""
    return int(math.copysign(math.floor(abs(x) + 0.5), x))


def _exponential(x: int) -> int:
    """exp(x) for x ≤ 0 of 26 fractional bits, in 31: a Taylor polynomial around -1/8 for the remainder of a multiple of
    1/4, times a power of e for every binary digit of that multiple."""
    if x == 0:
        return 2**31 - 1
    quarter = 1 << 24
    part = (x & (quarter - 1)) - quarter
    a = (part << 5) + (1 << 28)
    a2 = multiply_high(a, a)
    a3, a4 = multiply_high(a2, a), multiply_high(a2, a2)
    tail = shift_right(multiply_high(shift_right(a4, 2) + a3, _fixed(1 / 3)) + a2, 1)
    eighth = _fixed(math.exp(-1 / 8))
    result = eighth + multiply_high(eighth, a + tail)
    for place in range(7):
        if (part - x) & (quarter << place):
            result = multiply_high(result, _fixed(math.exp(-(2.0 ** (place - 2)))))
    return result


def _fixed(x: float) -> int:
    return round(x * 2**31)
