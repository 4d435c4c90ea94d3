"""Layer normalisation in operators that have integer kernels (Ba et al., arXiv 1607.06450)."""

import keras

from models_keras.layers.keras_ops import ops

EPSILON = 1e-5  # as in PyTorch, where the published models were trained


@keras.saving.register_keras_serializable("ecg_edge")
class LayerNorm(keras.layers.Layer):
    """Layer normalisation over the last axis: (..., c) → (..., c).

    Values, variables and their order are those of keras.layers.LayerNormalization(epsilon=epsilon), which leaves a
    floating-point operator in an integer model. Here the centred row is divided by its L2 norm, written such that the
    converter recognises L2_NORMALIZATION: its kernel sums the squares in 32 bits, so that rows whose variances lie
    decades apart keep their resolution, which an 8-bit tensor of variances would not.

    Args:
        epsilon: added to the variance.
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
    """Apply a new LayerNorm to `x`: (..., c) → (..., c)."""
    return LayerNorm(name=name)(x)
