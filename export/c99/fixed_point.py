"""The fixed-point arithmetic of TensorFlow Lite's integer kernels, as far as it happens before a model runs."""

import math

import numpy as np


def quantised(factor: float) -> tuple[int, int]:
    """(multiplier, shift) with factor ≈ multiplier · 2^(shift - 31) and 2^30 ≤ multiplier < 2^31; too small is zero."""
    if factor == 0:
        return 0, 0
    fraction, shift = math.frexp(factor)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return (multiplier, shift) if shift >= -31 else (0, 0)


def quantised_of_sums(factor: float, wide: bool) -> tuple[int, int]:
    """(multiplier, shift) by which sums of products become values: as `quantised` for sums of 32 bits; those of 64,
    `wide`, take factor ≈ multiplier / 2^shift with a multiplier of 15."""
    multiplier, shift = quantised(factor)
    if not wide:
        return multiplier, shift
    return min((multiplier + 2**15) >> 16, 2**15 - 1), 15 - shift


def rounded_once(factor: float, lowest: int, highest: int) -> tuple[int, int]:
    """(multiplier, shift) with round(x · factor) = round(x · multiplier / 2^shift) for every integer x of which the
    left side, taken in double precision as LiteRT's dense layers do, is between `lowest` and `highest`.

    It is enough to look at the integers on either side of each step. Raises ArithmeticError where none is found.
    """
    multiplier, left = quantised(factor)
    shift = 31 - left
    steps = (np.arange(lowest, highest) + 0.5) / factor
    x = np.unique(np.floor(steps)[:, None] + np.arange(-1, 3)).astype(np.int64)
    expected = np.copysign(np.floor(np.abs(x * factor) + 0.5), x).astype(np.int64)
    for candidate in (multiplier, multiplier - 1, multiplier + 1):
        found = (np.abs(x) * candidate + (1 << (shift - 1))) >> shift
        if np.array_equal(np.where(x < 0, -found, found), expected):
            return candidate, shift
    raise ArithmeticError(f"no 31-bit multiplier rounds like {factor!r}")


def multiply_high(a: int, b: int) -> int:
    """a · b / 2^31, to nearest."""
    return (a * b + 2**30) >> 31


def shift_right(x: int, shift: int) -> int:
    """x / 2^shift, to nearest, halves away from zero."""
    mask = (1 << shift) - 1
    return (x >> shift) + ((x & mask) > (mask >> 1) + (x < 0))


def mean_factor(factor: float, count: int) -> tuple[int, int]:
    """(multiplier, shift) that also divides by `count`, with the bits that LiteRT keeps of the quotient."""
    multiplier, shift = quantised(factor)
    left = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << left) // count, shift - left


def exponentials(scale: float) -> np.ndarray:
    """exp(-d · scale) for d = 0, 1, … in 31 fractional bits, as the softmax takes them; int32, up to 256 values.

    The softmax multiplies a difference by `scale` in 26 fractional bits and leaves out those beyond its range.
    """
    multiplier, shift = quantised(min(scale * 2**26, 2**31 - 1.0))
    beyond = math.floor((2**5 - 1) * 2 ** (31 - 5) / 2**shift)  # differences larger than this are not looked at
    count = min(beyond + 1, 256)
    return np.array([_exponential(multiply_high(-d << shift, multiplier)) for d in range(count)], np.int64)


def wide_exponentials(scale: float, differences: np.ndarray) -> np.ndarray:
    """exp(-d · scale) of integers d in 15 fractional bits, as the softmax of 16-bit values takes them: from a table of
    exp between -10 and 0, and not less than exp(-10)."""
    multiplier, shift = quantised(scale / (10 / 65535))
    scaled = shift_right(multiply_high(-differences << max(shift, 0), multiplier), max(-shift, 0))
    points, place = _points(math.exp, -10), np.maximum(scaled + 2**16 - 1, 0)
    at, part = place >> 7, place & 127
    return points[at] + ((points[at + 1] - points[at]) * part + 64 >> 7)


def points_of_reciprocals() -> np.ndarray:
    """1 / (1 + x) for x = 0, 1/512, … 1 in 15 fractional bits, between which that softmax draws lines."""
    return _points(lambda x: 1 / (1 + x), 0)


def _points(function, low):
    """The 513 points of a table of a function from `low` to 0, or from 0 to 1. Each is moved by half of what the line
    to the next misses in the middle."""
    step = (-low or 1) / 512
    here, middle = ([2**15 * function(low + (n + part) * step) for n in range(513)] for part in (0, 0.5))
    points = [_nearest(x) for x in here]
    for n in range(512):
        line = _nearest((here[n + 1] + points[n]) / 2)
        points[n] -= _nearest((line - _nearest(middle[n])) / 2)
    return np.minimum(points, 2**15 - 1)


def _nearest(x: float) -> int:
    """To nearest, halves away from zero."""
    return int(math.copysign(math.floor(abs(x) + 0.5), x))


def _exponential(x: int) -> int:
    """exp(x) for x ≤ 0 of 26 fractional bits, in 31: a Taylor polynomial around -1/8 for what is beyond a multiple of
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
