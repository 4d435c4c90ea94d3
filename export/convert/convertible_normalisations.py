"""Layers of normalisation in operators that have integer kernels; see export.convert.convertible_layers."""

import math
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from firmware_bench.runtime.errors import InputError

serializable = keras.saving.register_keras_serializable("ecg_edge_export")


def normalise_rows(rows: Any, epsilon: float = 0.0) -> Any:
    """Divides every row (…, c) by its L2 norm over sqrt(c), or by the root of the mean of its squares and `epsilon`.

    The converter recognises L2_NORMALIZATION, whose kernel sums the squares in 32 bits, so that rows whose powers lie
    decades apart keep their resolution. It has no epsilon: a further value of each row is its root.
    """
    width = rows.shape[-1]
    share = width**-0.5
    row = rows * share
    if epsilon:
        rank = len(rows.shape)
        row = tf.pad(row, [[0, 0]] * (rank - 1) + [[0, 1]], constant_values=epsilon**0.5)
    return tf.math.l2_normalize(row, axis=-1, epsilon=1e-12)[..., :width] / share


def centre_rows(rows: Any) -> Any:
    """Rows (…, c) less their means."""
    return rows - tf.reduce_mean(rows, -1, keepdims=True)


@serializable
class L2LayerNormalization(layers.LayerNormalization):
    """Over the last axes, such as all axes of a window or its channels."""

    def call(self, inputs):
        axes = sorted(axis % len(inputs.shape) for axis in ([self.axis] if isinstance(self.axis, int) else self.axis))
        rank, shape = len(inputs.shape), inputs.shape
        if axes != [*range(axes[0], rank)]:
            raise InputError(f"layer {self.name!r} normalises axes {axes}, of which the last is not {rank - 1}")
        rows = tf.reshape(inputs, (*shape[: axes[0]], math.prod(shape[axes[0] :])))
        y = tf.reshape(normalise_rows(centre_rows(rows), self.epsilon), shape)
        y = y if self.gamma is None else y * self.gamma
        return y if self.beta is None else y + self.beta


@serializable
class L2RMSNormalization(layers.RMSNormalization):
    """Over the last axis."""

    def call(self, inputs):
        return normalise_rows(inputs, self.epsilon) * self.scale


@serializable
class L2GroupNormalization(layers.GroupNormalization):
    """Of channels in the last axis."""

    def call(self, inputs):
        if self.axis % len(inputs.shape) != len(inputs.shape) - 1:
            raise InputError(f"layer {self.name!r} does not group the channels of the last axis")
        channels = inputs.shape[-1]
        groups = channels if self.groups == -1 else self.groups
        count = math.prod(inputs.shape[1:-1])
        rows = tf.reshape(inputs, (count, groups, channels // groups))
        rows = tf.reshape(tf.transpose(rows, (1, 0, 2)), (groups, count * channels // groups))
        y = tf.reshape(normalise_rows(centre_rows(rows), self.epsilon), (groups, count, channels // groups))
        y = tf.reshape(tf.transpose(y, (1, 0, 2)), inputs.shape)
        y = y if self.gamma is None else y * self.gamma
        return y if self.beta is None else y + self.beta


@serializable
class L2UnitNormalization(layers.UnitNormalization):
    """Over the last axis."""

    def call(self, inputs):
        if self.axis not in (-1, len(inputs.shape) - 1):
            raise InputError(f"layer {self.name!r} does not normalise the last axis")
        return tf.math.l2_normalize(inputs, axis=-1, epsilon=1e-12)
