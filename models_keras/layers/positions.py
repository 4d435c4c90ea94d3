"""Position embeddings, sinusoidal and learned."""

import keras
import numpy as np

BASE = 10_000.0  # the longest wave has about 2π · BASE steps, as in "Attention Is All You Need", arXiv 1706.03762


def sinusoids(steps, width):
    """Sines in the even and cosines in the odd columns, of periods from 2π to 2π · BASE steps: (steps, width)."""
    columns = np.arange(width)
    angles = np.arange(steps)[:, None] * BASE ** (-(columns - columns % 2) / width)
    return np.where(columns % 2, np.cos(angles), np.sin(angles)).astype(np.float32)


@keras.saving.register_keras_serializable("ecg_edge")
class SinusoidalPositions(keras.layers.Layer):
    """Adds `sinusoids` to every sequence: (batch, time, width) → (batch, time, width). No weights."""

    def call(self, x):
        return x + sinusoids(*x.shape[1:])

    def compute_output_shape(self, shape):
        return shape


@keras.saving.register_keras_serializable("ecg_edge")
class LearnedPositions(keras.layers.Layer):
    """Adds a learned position embedding to each token: (batch, tokens, c) → (batch, tokens, c).

    Args:
        longest: rows of the table (longest, c).

    Raises:
        ValueError: at build, the sequence is longer.
    """

    def __init__(self, longest, **kwargs):
        super().__init__(**kwargs)
        self.longest = longest

    def build(self, shape):
        if shape[1] > self.longest:
            raise ValueError(f"{shape[1]} tokens, but positions for {self.longest}: shorten the sequence")
        self.table = self.add_weight(
            shape=(self.longest, shape[2]), initializer=keras.initializers.RandomNormal(stddev=0.02), name="table"
        )

    def call(self, x):
        return x + self.table[: x.shape[1]]

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "longest": self.longest}
