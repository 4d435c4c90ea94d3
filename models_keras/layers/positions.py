"""Where in the sequence a step stands, told by sines."""

import keras
import numpy as np

PERIODS = 10_000.0  # the longest wave has about 2π · PERIODS steps, as in "Attention Is All You Need", arXiv 1706.03762


def sinusoids(steps, width):
    """Sines in the even and cosines in the odd columns, of waves from 2π to 2π · PERIODS steps: (steps, width)."""
    columns = np.arange(width)
    angles = np.arange(steps)[:, None] * PERIODS ** (-(columns - columns % 2) / width)
    return np.where(columns % 2, np.cos(angles), np.sin(angles)).astype(np.float32)


@keras.saving.register_keras_serializable("ecg_edge")
class SinusoidalPositions(keras.layers.Layer):
    """Adds `sinusoids` to every sequence: (batch, time, width) → (batch, time, width). It has no weights."""

    def call(self, x):
        return x + sinusoids(*x.shape[1:])

    def compute_output_shape(self, shape):
        return shape
