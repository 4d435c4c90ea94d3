"""The model that is converted: batch 1, no loops, and every layer in operators that have integer kernels.

A layer of Keras whose operators the converter, or TensorFlow Lite Micro, has no integers for is replaced by one that
has the same variables and computes the same. A replacement is a subclass of the layer with a `call` of its own, so that
its settings and variables are the layer's. Needs the TensorFlow backend.
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from export import tf_private
from export.convert.convertible_normalisations import (
    L2GroupNormalization,
    L2LayerNormalization,
    L2RMSNormalization,
    L2UnitNormalization,
    serializable,
)
from export.convert.fused_lstm import FusedLSTM
from export.convert.layer_forms import Obstacle, recurrent_obstacle
from export.tflite.unrolled_steps import UNROLLED
from firmware_bench.runtime.errors import InputError
from models_keras.layers.lstm import ClippedLSTM

GELU_SLOPE = (
    1.7729  # x σ(1.7729 x) is within 0.014 of GELU, less than a step of 8 bits up to 3.6; with 1.702 within 0.021
)
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


@serializable
class JoinedUpSampling1D(layers.UpSampling1D):
    """Repeats by a concatenation of channels: (1, t, c) → (1, t, size · c) → (1, size · t, c)."""

    def call(self, inputs):
        size = int(self.size)
        return tf.reshape(tf.concat([inputs] * size, -1), (-1, size * inputs.shape[1], inputs.shape[2]))


@serializable
class JoinedUpSampling2D(layers.UpSampling2D):
    """The same along both axes."""

    def call(self, inputs):
        if self.interpolation != "nearest" or self.data_format == "channels_first":
            raise InputError(
                f"layer {self.name!r}: only channels last and interpolation 'nearest' have an integer form"
            )
        (tall, wide), (_, height, width, channels) = self.size, inputs.shape
        x = tf.reshape(tf.concat([inputs] * wide, -1), (-1, height, 1, width * wide * channels))
        return tf.reshape(tf.concat([x] * tall, 2), (-1, height * tall, width * wide, channels))


@serializable
class JoinedRepeatVector(layers.RepeatVector):
    """Repeats by a concatenation."""

    def call(self, inputs):
        return tf.concat([inputs[:, None]] * self.n, 1)


@serializable
class PooledGlobalMaxPooling1D(layers.GlobalMaxPooling1D):
    """A pool over all of the time."""

    def call(self, inputs):
        y = tf.nn.max_pool2d(inputs[:, None], (1, inputs.shape[1]), 1, "VALID")
        return y[:, 0] if self.keepdims else y[:, 0, 0]


@serializable
class PooledGlobalMaxPooling2D(layers.GlobalMaxPooling2D):
    """A pool over both axes."""

    def call(self, inputs):
        y = tf.nn.max_pool2d(inputs, inputs.shape[1:3], 1, "VALID")
        return y if self.keepdims else y[:, 0, 0]


@serializable
class FlatTimeDistributed(layers.TimeDistributed):
    """All times at once, as the batch of the layer inside."""

    def call(self, inputs, training=None, mask=None):
        y = self.layer(tf.reshape(inputs, (inputs.shape[1], *inputs.shape[2:])))
        return tf.reshape(y, (1, *y.shape))


@serializable
class ScaledELU(layers.ELU):
    """With any alpha; the operator's is 1."""

    def call(self, inputs):
        return scaled_elu(inputs, self.alpha)


@serializable
class UnrolledGRU(layers.GRU):
    """Step after step, of shared weights. Keras' loop has no integer form.

    Keras moves the state by z h + (1 - z) candidate. Here it moves by (1 - z) (candidate - h), whose rounding is small
    where the state is kept for long. 1 - z is the same gate of the negated weights.
    """

    def call(self, sequences, initial_state=None, mask=None, training=False):
        cell, units = self.cell, self.units
        signs = np.repeat(np.array([-1, 1, 1], np.float32), units)  # 1 - z, r, candidate
        kernel, recurrent = cell.kernel * signs, cell.recurrent_kernel * signs
        zeros = tf.zeros(3 * units)
        bias = zeros if cell.bias is None else cell.bias * signs
        outer, inner = tf.unstack(bias) if len(bias.shape) == 2 else (bias, zeros)
        gates, last = slice(None, 2 * units), slice(2 * units, None)
        x_gates, x_last = (tf.matmul(sequences, kernel[:, part]) + outer[part] for part in (gates, last))
        hidden, after = tf.zeros((1, units)), []
        for t in steps_of(self, sequences):
            with tf.name_scope(f"{UNROLLED}{t}" if after else "first_step"):
                past = tf.matmul(hidden, recurrent[:, gates]) + inner[gates]
                both = cell.recurrent_activation(x_gates[:, t] + past)
                change, reset = both[:, :units], both[:, units:]
                if cell.reset_after:
                    past = reset * (tf.matmul(hidden, recurrent[:, last]) + inner[last])
                else:
                    past = tf.matmul(reset * hidden, recurrent[:, last])
                hidden = hidden + change * (cell.activation(x_last[:, t] + past) - hidden)
            after.append(hidden)
        return tf.stack(after, 1) if self.return_sequences else hidden


@serializable
class UnrolledSimpleRNN(layers.SimpleRNN):
    """Step after step, of shared weights."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        cell = self.cell
        x = tf.matmul(sequences, tf.convert_to_tensor(cell.kernel))
        x = x if cell.bias is None else x + cell.bias
        hidden, after = tf.zeros((1, self.units)), []
        for t in steps_of(self, sequences):
            with tf.name_scope(f"{UNROLLED}{t}" if after else "first_step"):
                hidden = cell.activation(x[:, t] + tf.matmul(hidden, tf.convert_to_tensor(cell.recurrent_kernel)))
            after.append(hidden)
        return tf.stack(after, 1) if self.return_sequences else hidden


def steps_of(layer: layers.RNN, sequence: Any) -> range:
    """The places of a sequence (1, t, c) in the order in which a layer reads them.

    The converter leaves out what the first step does with a state of zeros, so its tensors are named otherwise.
    """
    count = sequence.shape[1]
    return range(count - 1, -1, -1) if layer.go_backwards else range(count)


@serializable
def sigmoid_gelu(x):
    """GELU, exact or not, in its sigmoid approximation: TensorFlow Lite Micro has no operator for it."""
    return x * tf.sigmoid(GELU_SLOPE * x)


@serializable
def elu_selu(x):
    """SELU as a scaled ELU."""
    return SELU_SCALE * scaled_elu(x, SELU_ALPHA)


@serializable
def relu_hard_sigmoid(x):
    """Hard sigmoid of a ReLU6."""
    return tf.nn.relu6(x + 3.0) * (1 / 6)


@serializable
def divided_elu(x):
    """ELU of a sigmoid: exp(x) is σ(x) / (1 - σ(x)). LiteRT's reference kernels have no ELU."""
    return scaled_elu(x, 1.0)


def scaled_elu(x: Any, alpha: float) -> Any:
    """ELU of any alpha."""
    sigmoid = tf.sigmoid(tf.minimum(x, 0.0))
    return tf.nn.relu(x) + alpha * (sigmoid / (1.0 - sigmoid) - 1.0)


REPLACEMENTS: dict[type, type] = {
    ClippedLSTM: FusedLSTM,
    layers.ELU: ScaledELU,
    layers.GRU: UnrolledGRU,
    layers.GlobalMaxPooling1D: PooledGlobalMaxPooling1D,
    layers.GlobalMaxPooling2D: PooledGlobalMaxPooling2D,
    layers.GroupNormalization: L2GroupNormalization,
    layers.LSTM: FusedLSTM,
    layers.LayerNormalization: L2LayerNormalization,
    layers.RMSNormalization: L2RMSNormalization,
    layers.RepeatVector: JoinedRepeatVector,
    layers.SimpleRNN: UnrolledSimpleRNN,
    layers.TimeDistributed: FlatTimeDistributed,
    layers.UnitNormalization: L2UnitNormalization,
    layers.UpSampling1D: JoinedUpSampling1D,
    layers.UpSampling2D: JoinedUpSampling2D,
}
ACTIVATIONS: dict[Callable, Callable] = {
    keras.activations.elu: divided_elu,
    keras.activations.gelu: sigmoid_gelu,
    keras.activations.hard_sigmoid: relu_hard_sigmoid,
    keras.activations.selu: elu_selu,
}
_BY_NAME = {keras.saving.get_registered_name(layer): replacement for layer, replacement in REPLACEMENTS.items()}


def make_convertible(model: keras.Model) -> keras.Model:
    """Rebuilds a model with batch 1 and every layer of REPLACEMENTS replaced, also inside Bidirectional and others.

    Args:
        model: The trained model.

    Returns:
        A model with the same weights.

    Raises:
        InputError: A recurrent layer has no integer form; the message names it.
    """
    for outer in model.layers:
        for layer in tf_private.flatten_layers(outer):
            if reason := recurrent_obstacle(layer, outer):
                raise InputError(str(Obstacle(outer.name, type(layer).__name__, reason)))
    inputs = keras.tree.map_structure(
        lambda x: keras.Input(batch_shape=(1, *x.shape[1:]), dtype=x.dtype, name=x.name),
        tf_private.inputs_struct(model),
    )
    clone = keras.models.clone_model(model, input_tensors=inputs, clone_function=replace_layer)
    clone.set_weights(model.get_weights())
    return clone


def replace_layer(layer: Any) -> Any:
    """The layer, or operation of keras.ops, that is converted in the place of `layer`, without its weights."""
    return keras.saving.deserialize_keras_object(_replace_names(keras.saving.serialize_keras_object(layer)))


def _replace_names(config):
    """Replaces layers and activations in a layer's serialised form, at any depth."""
    if isinstance(config, list | tuple):
        return type(config)(_replace_names(value) for value in config)
    if not isinstance(config, dict):
        return config
    config = {key: _replace_names(value) for key, value in config.items()}
    if "class_name" in config and isinstance(config.get("config"), dict):
        is_own = str(config.get("module")).split(".")[0] == "keras"  # which Keras states no registered name of
        replacement = _BY_NAME.get(config.get("registered_name") or (config["class_name"] if is_own else None))
        if replacement:
            return config | _names_of(replacement)
    return {key: _replace_activation(value) if key == "activation" else value for key, value in config.items()}


def _replace_activation(value):
    """The serialised activation that stands for another one."""
    if not isinstance(value, str | Mapping):
        return value
    found = ACTIVATIONS.get(keras.activations.deserialize(value))
    return value if found is None else keras.saving.serialize_keras_object(found)


def _names_of(replacement: type) -> dict[str, str]:
    return {
        "class_name": replacement.__name__,
        "registered_name": keras.saving.get_registered_name(replacement),
        "module": replacement.__module__,
    }
