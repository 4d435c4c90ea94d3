"""Attention between the leads of an ECG, time step by time step."""

import keras
import numpy as np
from keras import ops

from models_keras.layers.attention import MultiHeadAttention


@keras.saving.register_keras_serializable("ecg_edge")
class LeadAttention(keras.layers.Layer):
    """At each time step the leads' values are tokens that attend to one another: (time, leads) → the mean of what they
    become (time, width), and the weights (time, heads, leads, leads), which sum to one over the last axis.

    It equals `attention` of the values' embeddings, averaged over leads, and is computed without the embeddings. A
    value x becomes query, key and value by affine maps, hence, with two numbers per head,

        score that lead i gives lead j = (slope · x_i + offset) · x_j + what is the same for all j, which softmax drops

    and what comes out is one vector per head times the leads' weighted average, plus a constant. With 12 leads, 4 heads
    and a width of 64 a time step takes 928 products instead of 215,808.

    `uniform`: every lead gets the same weight, whatever the parameters.
    """

    def __init__(self, heads, width, uniform=False, **kwargs):
        super().__init__(**kwargs)
        self.heads, self.width, self.uniform = heads, width, uniform
        self.embedding = keras.layers.Dense(width, name="embedding")
        self.attention = MultiHeadAttention(heads, width, return_weights=True, name="attention")

    def build(self, shape):
        self.embedding.build((*shape, 1))
        self.attention.build((*shape, self.width), (*shape, self.width))

    def call(self, x):
        time, leads = x.shape[1:]
        slope, offset, values, constant = self.folded()
        rows, columns = ops.reshape(x, (-1, 1, leads, 1)), ops.reshape(x, (-1, 1, 1, leads))
        scores = (slope * rows + offset) * columns  # (batch · time, heads, leads, leads)
        weights = ops.softmax(0.0 * scores if self.uniform else scores, axis=-1)
        averages = ops.matmul(ops.mean(weights, axis=2), ops.reshape(x, (-1, leads, 1)))  # (batch · time, heads, 1)
        mixed = ops.conv(ops.reshape(averages, (-1, time, self.heads)), values) + constant  # (batch, time, width)
        return mixed, ops.reshape(weights, (-1, time, self.heads, leads, leads))

    def folded(self):
        """slope and offset (heads, 1, 1) of the scores; values (1, heads, width), a convolution of one tap, and
        constant (width,) of the output."""
        depth, mixed = self.width // self.heads, self.attention.mixed
        tokens = self.embedding(np.array([[[0.0], [1.0]]], np.float32))  # (1, 2, width): two points fix an affine map
        (q0, q1), (k0, k1), (v0, v1) = (
            ops.unstack(ops.reshape(projection(tokens), (2, self.heads, depth)))
            for projection in (self.attention.query, self.attention.key, self.attention.value)
        )
        slope = ops.sum((q1 - q0) * (k1 - k0), axis=-1) * depth**-0.5
        offset = ops.sum(q0 * (k1 - k0), axis=-1) * depth**-0.5
        values = ops.einsum("hd,hdw->hw", v1 - v0, ops.reshape(mixed.kernel, (self.heads, depth, self.width)))
        constant = mixed(ops.reshape(v0, (1, 1, self.width)))[0, 0]
        return slope[:, None, None], offset[:, None, None], values[None], constant

    def compute_output_shape(self, shape):
        return (*shape[:2], self.width), (*shape[:2], self.heads, shape[2], shape[2])

    def get_config(self):
        return {**super().get_config(), "heads": self.heads, "width": self.width, "uniform": self.uniform}
