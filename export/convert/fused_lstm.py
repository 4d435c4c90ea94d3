"""An LSTM that becomes one operator.

Keras 3's LSTM converts to a WHILE loop, and a WHILE loop has no integer form. The converter recognises an LSTM by an
attribute of a traced function, so a layer with the same variables wraps the same recurrence in such a function, and
the result is UNIDIRECTIONAL_SEQUENCE_LSTM. Needs the TensorFlow backend.
"""

import uuid

import keras
import tensorflow as tf

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
