"""An LSTM whose cell state is clipped, so that it can become an integer operator."""

import keras
from keras import ops

CELL_CLIP = 10.0  # the integer LSTM of TensorFlow Lite clips its cell at this value: training must see the same


@keras.saving.register_keras_serializable("ecg_edge")
class ClippedLSTMCell(keras.layers.LSTMCell):
    """One step: input (batch, c), state [hidden, memory] of (batch, units) each → hidden, [hidden, memory]."""

    def call(self, inputs, states, training=False):
        hidden, memory = states
        z = ops.matmul(inputs, self.kernel) + ops.matmul(hidden, self.recurrent_kernel) + self.bias
        i, f, g, o = ops.split(z, 4, axis=-1)
        memory = ops.sigmoid(f) * memory + ops.sigmoid(i) * ops.tanh(g)
        memory = ops.clip(memory, -CELL_CLIP, CELL_CLIP)
        hidden = ops.sigmoid(o) * ops.tanh(memory)
        return hidden, [hidden, memory]


@keras.saving.register_keras_serializable("ecg_edge")
class LSTM(keras.layers.LSTM):
    """keras.layers.LSTM with the cell state clipped to ±CELL_CLIP: (batch, time, c) → (batch, time, units) or
    (batch, units). Arguments, variables and counts are those of keras.layers.LSTM in its standard form.
    """

    def __init__(self, units, **kwargs):
        super().__init__(units, **kwargs)
        self.cell = ClippedLSTMCell(units, dtype=self.dtype_policy, name="lstm_cell")

    def inner_loop(self, sequences, initial_state, mask, training=False):
        # Past keras.layers.LSTM's own loop, which may choose a fused kernel that does not clip.
        return keras.layers.RNN.inner_loop(self, sequences, initial_state, mask, training=training)
