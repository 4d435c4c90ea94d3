"""The model that is converted: batch 1, no loops, and LSTM layers that become one operator each.

Keras 3's LSTM converts to a WHILE loop, and a WHILE loop has no integer form. The converter recognises an LSTM by an
attribute of a traced function, so a layer with the same variables wraps the same recurrence in such a function, and
the result is UNIDIRECTIONAL_SEQUENCE_LSTM. Needs the TensorFlow backend.
"""

import uuid

import keras
import tensorflow as tf

from export import tf_private
from firmware_bench.runtime.errors import InputError
from models_keras.layers.lstm import CELL_CLIP, ClippedLSTM


def _recurrence(inputs, hidden, memory, kernel, recurrent_kernel, bias, time_major, go_backwards):
    """An LSTM over (1, time, c), with the signature and the five results that the converter looks for."""

    def step(state, x):
        hidden, memory = state
        z = tf.matmul(x, kernel) + tf.matmul(hidden, recurrent_kernel) + bias
        i, f, g, o = tf.split(z, 4, axis=-1)
        memory = tf.sigmoid(f) * memory + tf.sigmoid(i) * tf.tanh(g)
        memory = tf.clip_by_value(memory, -CELL_CLIP, CELL_CLIP)
        return tf.sigmoid(o) * tf.tanh(memory), memory

    hidden, memory = tf.scan(step, tf.transpose(inputs, [1, 0, 2]), initializer=(hidden, memory))  # (time, 1, units)
    return hidden[-1], tf.transpose(hidden, [1, 0, 2]), hidden[-1], memory[-1], tf.constant(0.0)


@keras.saving.register_keras_serializable("ecg_edge")
class FusedLSTM(ClippedLSTM):
    """models_keras.layers.lstm.ClippedLSTM, variable for variable, for batch 1 and without an initial state."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        if self.go_backwards:
            sequences = tf.reverse(sequences, [1])
        recurrence = tf.function(
            _recurrence,
            autograph=False,
            experimental_attributes={
                "api_implements": f"lstm_{uuid.uuid4()}",
                "api_preferred_device": "CPU",
                "time_major": False,
                "go_backwards": False,
            },
        )
        zeros = tf.zeros((sequences.shape[0], self.units), sequences.dtype)
        weights = [tf.convert_to_tensor(w) for w in (self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias)]
        _, outputs, *_ = recurrence(sequences, zeros, zeros, *weights, time_major=False, go_backwards=False)
        # The function's own last output would keep the loop alive beside the operator.
        return outputs if self.return_sequences else outputs[:, -1, :]


def fuse_lstms(model: keras.Model) -> keras.Model:
    """Rebuilds a model with batch 1 and fused LSTMs, also those inside Bidirectional and other wrappers.

    Args:
        model: The trained model.

    Returns:
        A model with the same weights.

    Raises:
        InputError: A recurrent layer is of another kind.
    """
    for layer in tf_private.flatten_layers(model):
        if isinstance(layer, keras.layers.RNN) and not isinstance(layer, ClippedLSTM):
            raise InputError(
                f"layer {layer.name!r} is a {type(layer).__name__}, which has no integer form: "
                "build the model with models_keras.layers.lstm.ClippedLSTM"
            )
    inputs = keras.tree.map_structure(
        lambda x: keras.Input(batch_shape=(1, *x.shape[1:]), dtype=x.dtype, name=x.name),
        tf_private.inputs_struct(model),
    )
    clone = keras.models.clone_model(model, input_tensors=inputs, clone_function=_fuse_layer)
    clone.set_weights(model.get_weights())
    return clone


def _fuse_layer(layer):
    return keras.saving.deserialize_keras_object(_replace_lstm_names(keras.saving.serialize_keras_object(layer)))


def _replace_lstm_names(config):
    """Replaces LSTM by FusedLSTM in a layer's serialised form, at any depth."""
    if isinstance(config, list | tuple):
        return type(config)(_replace_lstm_names(value) for value in config)
    if not isinstance(config, dict):
        return config
    config = {key: _replace_lstm_names(value) for key, value in config.items()}
    if config.get("registered_name") == keras.saving.get_registered_name(ClippedLSTM):
        config |= {
            "class_name": FusedLSTM.__name__,
            "registered_name": keras.saving.get_registered_name(FusedLSTM),
            "module": FusedLSTM.__module__,
        }
    return config
