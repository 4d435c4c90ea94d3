"""Rules for the normalisations of a step (export.convert.step_rules): over the channels of each frame."""

from typing import Any

import numpy as np
from keras import ops

from export.convert.layer_walk import constant

# Of the piecewise linear approximation of the inverse root: knots per decade, and the decades of variances.
KNOTS, DECADES = 12, (-2, 2)


def layer_norm(walk, layer, x):
    """With an inverse root that integers can compute, where the walk asks for it."""
    return x.replace_values(scale_and_shift(layer, normalise_rows(walk, x.values, layer.epsilon)), layer.name)


def rms_norm(walk, layer, x):
    """Without the mean."""
    y = x.values * root_of_power(walk, x.values, layer.epsilon)
    return x.replace_values(y * constant(layer.scale), layer.name)


def unit_norm(walk, layer, x):
    """Of length one."""
    share = x.values.shape[3] ** -0.5
    return x.replace_values(x.values * (share * root_of_power(walk, x.values, 1e-12)), layer.name)


def group_norm(walk, layer, x):
    """Over a whole window, of groups of channels in the last axis."""
    shape = x.values.shape
    channels, groups = shape[-1], shape[-1] if layer.groups == -1 else layer.groups
    count = x.values.shape[1] * x.values.shape[2]
    rows = ops.transpose(ops.reshape(x.values, (1, count, groups, channels // groups)), (0, 2, 1, 3))
    rows = normalise_rows(walk, ops.reshape(rows, (1, 1, groups, -1)), layer.epsilon)
    rows = ops.transpose(ops.reshape(rows, (1, groups, count, channels // groups)), (0, 2, 1, 3))
    return x.replace_values(scale_and_shift(layer, ops.reshape(rows, shape)), layer.name)


def window_norm(walk, layer, x):
    """Over a whole window, all its frames and channels."""
    row = normalise_rows(walk, ops.reshape(x.values, (1, 1, 1, -1)), layer.epsilon)
    return x.replace_values(scale_and_shift(layer, ops.reshape(row, x.values.shape)), layer.name)


def normalise_rows(walk, rows, epsilon):
    """Rows (1, 1, rows, numbers) less their means, divided by the roots of their variances."""
    rows = rows - ops.mean(rows, axis=3, keepdims=True)
    return rows * root_of_power(walk, rows, epsilon)


def scale_and_shift(layer, values: Any) -> Any:
    """With the layer's gamma and beta, where it has them."""
    values = values if layer.gamma is None else values * constant(layer.gamma)
    return values if layer.beta is None else values + constant(layer.beta)


def root_of_power(walk, row, epsilon):
    """1 / sqrt(mean of the squares + epsilon) of the channels, (1, 1, frames, 1)."""
    power = ops.mean(row * row, axis=3, keepdims=True)
    return inverse_root(walk, power, epsilon) if walk.integer else ops.rsqrt(power + epsilon)


def inverse_root(walk, variance, epsilon):
    """1 / sqrt(variance + epsilon) of (1, 1, frames, 1), piecewise linear with KNOTS points per decade."""
    low, high = DECADES
    knots = np.logspace(low, high, (high - low) * KNOTS + 1)
    return piecewise_linear(walk, variance, knots, (knots + epsilon) ** -0.5)


def piecewise_linear(walk, x, knots: np.ndarray, values: np.ndarray):
    """A convex, falling function of x (1, 1, frames, 1), linear between knots and constant beyond the last.

    It is a sum of ramps, one from each knot down to zero. Each is scaled to what it adds to the function, so that
    integers of one scale can hold all of them, and 8-bit weights, one per ramp, are exact.
    """
    slopes = np.diff(values) / np.diff(knots)
    bends = np.diff(slopes, append=0.0)  # of the line at its knots but the first; the ramps begin there
    ramps = ops.relu(walk.conv(x, -bends[None, None], bends * knots[1:]))
    return walk.conv(ramps, np.ones((1, len(bends), 1)), values[-1:])
