"""What training minimises: the optimizer, its rate epoch by epoch, and the loss that goes with a model's outputs."""

import math

import keras
from keras import ops

from ecg_edge.training.config import TrainingConfig


def optimizer(recipe: TrainingConfig) -> keras.optimizers.Optimizer:
    """As the recipe says; the rate of the first epoch."""
    # At the end of every fit, here of every epoch, Keras replaces the weights by their moving average.
    settings = {"use_ema": True, "ema_momentum": recipe.averaging} if recipe.averaging else {}
    if recipe.gradient_norm:
        settings["global_clipnorm"] = recipe.gradient_norm
    if recipe.optimizer == "adamw":
        return keras.optimizers.AdamW(recipe.learning_rate, weight_decay=recipe.weight_decay, **settings)
    return keras.optimizers.Adam(recipe.learning_rate, **settings)


def scheduled_rate(recipe: TrainingConfig, epoch: int) -> float | None:
    """The learning rate of `epoch`, counted from 0; None where it stays what it is."""
    if epoch < recipe.warmup_epochs:
        return recipe.learning_rate * (epoch + 1) / (recipe.warmup_epochs + 1)
    if recipe.schedule == "cosine":
        done = (epoch - recipe.warmup_epochs) / (recipe.epochs - recipe.warmup_epochs)
        return recipe.learning_rate * (1 + math.cos(math.pi * done)) / 2
    return recipe.learning_rate if epoch == recipe.warmup_epochs > 0 else None


def loss(output: str, label_smoothing: float):
    """The loss for a model whose output is "classes" (probabilities, targets are positions) or "labels" (probabilities,
    targets 0 or 1 of each class); a "reconstruction" brings its loss along as layers of the model, so: None."""
    if output == "reconstruction":
        return None
    if output == "labels":
        return keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing)
    return smoothed_cross_entropy(label_smoothing) if label_smoothing else "sparse_categorical_crossentropy"


def smoothed_cross_entropy(share: float):
    """Cross-entropy with a target of 1 − share for the true class, and `share` spread over all classes (Szegedy et al.,
    arXiv 1512.00567)."""

    def smoothed(true, probabilities):
        classes = probabilities.shape[-1]
        targets = ops.one_hot(ops.cast(ops.reshape(true, (-1,)), "int32"), classes)
        return keras.losses.categorical_crossentropy(targets * (1 - share) + share / classes, probabilities)

    return smoothed
