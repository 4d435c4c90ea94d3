"""Compiling a model for training: its loss, its optimizer, and the learning rate epoch by epoch."""

import math

import keras

from ecg_edge.tasks.task import Task
from ecg_edge.training.config import TrainingConfig
from ecg_edge.training.distillation import distil
from ecg_edge.training.losses import find_loss
from firmware_bench.runtime.errors import InputError


def compile_model(model: keras.Model, task: Task, recipe: TrainingConfig, mixed: bool = False) -> None:
    """Compile `model` with the recipe's optimizer and the task's loss, or the recipe's where it names one; `mixed`:
    for targets that are mixed.

    Raises:
        InputError: the recipe names a loss that does not exist, or the model adds its own.
    """
    if recipe.loss and task.loss is None:
        raise InputError(f"training.loss={recipe.loss}: a model of the task {task.name} adds its own loss")
    loss = find_loss(recipe.loss or task.loss, recipe.label_smoothing, mixed or bool(recipe.teachers))
    if recipe.teachers:
        loss = distil(loss, task.output, recipe.teacher_share, recipe.teacher_temperature)
    model.compile(make_optimizer(recipe), loss=loss)


def make_optimizer(recipe: TrainingConfig) -> keras.optimizers.Optimizer:
    """The recipe's optimizer, at the learning rate of the first epoch."""
    # At the end of every fit, here of every epoch, Keras replaces the weights by their moving average.
    settings = {"use_ema": True, "ema_momentum": recipe.averaging} if recipe.averaging else {}
    if recipe.gradient_norm:
        settings["global_clipnorm"] = recipe.gradient_norm
    if recipe.optimizer == "adamw":
        return keras.optimizers.AdamW(recipe.learning_rate, weight_decay=recipe.weight_decay, **settings)
    return keras.optimizers.Adam(recipe.learning_rate, **settings)


def scheduled_rate(recipe: TrainingConfig, epoch: int) -> float | None:
    """The learning rate of `epoch`, counted from 0; None to leave it as it is."""
    if epoch < recipe.warmup_epochs:
        return recipe.learning_rate * (epoch + 1) / (recipe.warmup_epochs + 1)
    if recipe.schedule == "cosine":
        progress = (epoch - recipe.warmup_epochs) / (recipe.epochs - recipe.warmup_epochs)
        return recipe.learning_rate * (1 + math.cos(math.pi * progress)) / 2
    return recipe.learning_rate if epoch == recipe.warmup_epochs > 0 else None
