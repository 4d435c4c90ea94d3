"""An LSTM with a clipped cell state, as TensorFlow Lite's integer operator computes it."""

import keras

from models_keras.layers.keras_ops import ops

CELL_CLIP = 10.0  # the integer LSTM of TensorFlow Lite clips its cell state here: training must see the same


@keras.saving.register_keras_serializable("ecg_edge")
class ClippedLSTMCell(keras.layers.LSTMCell):
    """One step: input (batch, c), states [hidden, memory], each (batch, units) → hidden, [hidden, memory]."""

    def call(self, inputs, states, training=False):
        hidden, memory = states
        gates = ops.matmul(inputs, self.kernel) + ops.matmul(hidden, self.recurrent_kernel) + self.bias
        i, f, g, o = ops.split(gates, 4, axis=-1)  # input, forget, candidate, output: (batch, units) each
        memory = ops.sigmoid(f) * memory + ops.sigmoid(i) * ops.tanh(g)
        memory = ops.clip(memory, -CELL_CLIP, CELL_CLIP)
        hidden = ops.sigmoid(o) * ops.tanh(memory)
        return hidden, [hidden, memory]


@keras.saving.register_keras_serializable("ecg_edge", name="LSTM")  # the name in saved models
class ClippedLSTM(keras.layers.LSTM):
    """keras.layers.LSTM with its cell state clipped to ±CELL_CLIP: (batch, time, c) → (batch, time, units), or
    (batch, units) without `return_sequences`.

    Args:
        units: width of the hidden state.
        **kwargs: those of keras.layers.LSTM. Variables and their number are the same.
    """

    def __init__(self, units, **kwargs):
        super().__init__(units, **kwargs)
        self.cell = ClippedLSTMCell(units, dtype=self.dtype_policy, name="lstm_cell")

    def inner_loop(self, sequences, initial_state, mask, training=False):
        # Not keras.layers.LSTM's own loop, which may choose a fused kernel that does not clip.
        return keras.layers.RNN.inner_loop(self, sequences, initial_state, mask, training=training)
