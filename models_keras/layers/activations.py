"""Activations that have integer kernels."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ecg_edge")
def gelu(x):
    """GELU as its authors abbreviate it, x · sigmoid(1.702 x) (Hendrycks & Gimpel, arXiv 1606.08415): at most 0.021
    from the exact one, which TensorFlow Lite Micro has no operator for."""
    return x * ops.sigmoid(1.702 * x)
