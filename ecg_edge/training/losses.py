"""The losses that training can minimise, by name. Adding one is a function here and a line in LOSSES.

A task names its loss (`Task.loss`); `--set training.loss=NAME` chooses another.
"""

from collections.abc import Callable

import keras

from firmware_bench.runtime.errors import unknown_name
from models_keras.layers.keras_ops import ops


def cross_entropy(label_smoothing: float, mixed: bool = False):
    """For one class per example: targets int (n,), or shares of the classes (n, classes) where they are `mixed`;
    probabilities (n, classes).

    The target is 1 - label_smoothing for the true class, and label_smoothing is spread evenly over all classes
    (Szegedy et al., arXiv 1512.00567).
    """
    if mixed:
        return keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)
    if not label_smoothing:
        return "sparse_categorical_crossentropy"

    def smoothed(targets, probabilities):
        classes = probabilities.shape[-1]
        one_hot = ops.one_hot(ops.cast(ops.reshape(targets, (-1,)), "int32"), classes)  # (n, classes)
        smooth = ops.add(ops.multiply(one_hot, 1 - label_smoothing), label_smoothing / classes)
        return keras.losses.categorical_crossentropy(smooth, probabilities)

    return smoothed


def binary_cross_entropy(label_smoothing: float, mixed: bool = False):
    """For any number of labels per example: targets 0 or 1, between them where they are `mixed`, and probabilities,
    both (n, labels)."""
    return keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing)


# name → a function of the label smoothing and of whether targets are mixed: what keras.Model.compile takes
LOSSES: dict[str, Callable] = {
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
}


def find_loss(name: str | None, label_smoothing: float = 0.0, mixed: bool = False):
    """The loss called `name`, for keras.Model.compile; None for None: the model adds its own.

    Raises:
        InputError: there is no loss of that name.
    """
    if name is None:
        return None
    if name not in LOSSES:
        raise unknown_name("loss", name, LOSSES)
    return LOSSES[name](label_smoothing, mixed)
