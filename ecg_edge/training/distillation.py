"""The loss of a model that learns from labels and from the probabilities of other models.

Hinton, Vinyals & Dean, "Distilling the Knowledge in a Neural Network", arXiv 1503.02531, section 2.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from models_keras.layers.keras_ops import ops

SMALLEST = 1e-7  # probability, in a logarithm


def join_targets(targets: np.ndarray, teaching: np.ndarray) -> np.ndarray:
    """Join the targets of a batch and what teachers say of it.

    Args:
        targets: int (n,), positions of classes, or (n, classes), 0 or 1 or shares.
        teaching: (n, classes), the teachers' mean probabilities.

    Returns:
        float32 (n, 2 · classes): the targets by class, then the probabilities.
    """
    if targets.ndim == 1:
        targets = np.eye(teaching.shape[1], dtype=np.float32)[targets]
    return np.concatenate([targets, teaching], axis=1, dtype=np.float32)


def distil(loss: Any, output: str, share: float, temperature: float) -> Callable:
    """Make the loss of a student: (1 - share) · loss of the labels + share · T² · KL(teachers || student).

    Both distributions of the divergence are those of the logits divided by the temperature T. Outputs are
    probabilities, whose logarithms are the logits but for a constant that cancels. Where labels are independent of each
    other, the divergence is the mean over labels of those of two outcomes.

    Args:
        loss: Of the labels, as keras.Model.compile takes it, for targets by class (n, classes).
        output: Of the task: "classes" or "labels".
        share: Of the divergence.
        temperature: T.

    Returns:
        Targets as `join_targets` makes them and probabilities (n, classes) → loss (n,).
    """
    label_loss: Any = keras.losses.get(loss)
    exclusive = output == "classes"

    def student_loss(targets, probabilities):
        classes = probabilities.shape[-1]
        labels, teaching = targets[:, :classes], targets[:, classes:]
        of_labels = label_loss.call if isinstance(label_loss, keras.losses.Loss) else label_loss
        divergence = temper_divergence(teaching, probabilities, temperature, exclusive)
        return (1 - share) * of_labels(labels, probabilities) + share * temperature**2 * divergence

    return student_loss


def temper_divergence(teaching, probabilities, temperature: float, exclusive: bool):
    """The Kullback-Leibler divergence of a student from its teachers at a temperature: (n,), nats."""
    teacher, student = (_temper(p, temperature, exclusive) for p in (teaching, probabilities))
    terms = sum(ops.exp(t) * (t - s) for t, s in zip(teacher, student, strict=True))
    return ops.sum(terms, axis=-1) if exclusive else ops.mean(terms, axis=-1)


def _temper(probabilities, temperature: float, exclusive: bool) -> list:
    """The logarithms of the tempered probabilities (n, classes): of each class, or of a label and of its absence."""
    p = ops.clip(probabilities, SMALLEST, 1 - SMALLEST)
    if exclusive:
        return [ops.log_softmax(ops.log(p) / temperature, axis=-1)]
    logits = (ops.log(p) - ops.log(1 - p)) / temperature
    return [ops.log_sigmoid(logits), ops.log_sigmoid(-logits)]
