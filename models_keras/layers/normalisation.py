"""Layer normalisation in operators that have integer kernels."""

import keras
from keras import ops

EPSILON = 1e-5  # as in PyTorch, where the published models were trained


@keras.saving.register_keras_serializable("ecg_edge")
class LayerNorm(keras.layers.Layer):
    """Every row of (..., c) to zero mean and unit variance, then a learned scale and shift per column: (..., c).

    Values, variables and their order are those of keras.layers.LayerNormalization(epsilon=epsilon), which leaves a
    floating-point operator behind when a model is made integer. Here the row is divided by its length, written such
    that the converter recognises L2_NORMALIZATION: its kernel sums the squares in 32 bits, so that rows whose
    variances lie decades apart keep their resolution, which an 8-bit tensor of variances would take from the smaller.
    """

    def __init__(self, epsilon=EPSILON, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, shape):
        self.gamma = self.add_weight(shape=(shape[-1],), initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=(shape[-1],), initializer="zeros", name="beta")

    def call(self, x):
        share = x.shape[-1] ** -0.5
        row = (x - ops.mean(x, axis=-1, keepdims=True)) * share  # its squares sum to the variance
        unit = row * ops.rsqrt(ops.sum(ops.square(row), axis=-1, keepdims=True) + self.epsilon)
        return unit * (self.gamma / share) + self.beta

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


def layer_norm(x, name=None):
    """`x` through a LayerNorm of its own: (..., c) → (..., c)."""
    return LayerNorm(name=name)(x)
