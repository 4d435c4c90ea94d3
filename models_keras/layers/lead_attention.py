"""Attention between the leads of an ECG, time step by time step."""

import keras
import numpy as np

from models_keras.layers.keras_ops import ops
from models_keras.layers.multi_head_attention import MultiHeadAttention


@keras.saving.register_keras_serializable("ecg_edge")
class LeadAttention(keras.layers.Layer):
    """Self-attention over the leads at each time step (arXiv 2510.05919, lead-wise attention).

    (time, leads) → outputs averaged over leads (time, width), and weights (time, heads, leads, leads), which sum to 1
    over the last axis.

    Equal to `attention` over the embeddings of the leads' values, averaged over leads, but computed without the
    embeddings. A value x becomes query, key and value by affine maps, hence, with two numbers per head,

        score(i, j) = (slope · x_i + offset) · x_j + a term independent of j, to which softmax is invariant

    and the output is one vector per head times the weighted average of the leads, plus a constant. With 12 leads, 4
    heads and a width of 64 a time step takes 928 multiplications instead of 215,808.

    Args:
        heads: number of heads.
        width: of embeddings and output.
        uniform: give every lead the same weight, whatever the parameters.
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
        slope, offset, values, constant = self.fold()
        rows = ops.reshape(x, (-1, 1, leads, 1))  # (batch · time, 1, leads, 1)
        columns = ops.reshape(x, (-1, 1, 1, leads))  # (batch · time, 1, 1, leads)
        scores = (slope * rows + offset) * columns  # (batch · time, heads, leads, leads)
        weights = ops.softmax(0.0 * scores if self.uniform else scores, axis=-1)
        averages = ops.matmul(ops.mean(weights, axis=2), ops.reshape(x, (-1, leads, 1)))  # (batch · time, heads, 1)
        averages = ops.reshape(averages, (-1, time, self.heads))  # (batch, time, heads)
        outputs = ops.conv(averages, values) + constant  # (batch, time, width)
        return outputs, ops.reshape(weights, (-1, time, self.heads, leads, leads))  # (batch, time, heads, leads, leads)

    def fold(self):
        """slope and offset (heads, 1, 1) of the scores; values (1, heads, width), a kernel of size 1, and constant
        (width,) of the output."""
        depth, output = self.width // self.heads, self.attention.mixed
        tokens = self.embedding(np.array([[[0.0], [1.0]]], np.float32))  # (1, 2, width): two points give an affine map
        (q0, q1), (k0, k1), (v0, v1) = (
            ops.unstack(ops.reshape(projection(tokens), (2, self.heads, depth)))
            for projection in (self.attention.query, self.attention.key, self.attention.value)
        )
        slope = ops.sum((q1 - q0) * (k1 - k0), axis=-1) * depth**-0.5
        offset = ops.sum(q0 * (k1 - k0), axis=-1) * depth**-0.5
        values = ops.einsum("hd,hdw->hw", v1 - v0, ops.reshape(output.kernel, (self.heads, depth, self.width)))
        constant = output(ops.reshape(v0, (1, 1, self.width)))[0, 0]
        return slope[:, None, None], offset[:, None, None], values[None], constant

    def compute_output_shape(self, shape):
        return (*shape[:2], self.width), (*shape[:2], self.heads, shape[2], shape[2])

    def get_config(self):
        return {**super().get_config(), "heads": self.heads, "width": self.width, "uniform": self.uniform}
