"""The training loop: an epoch, metrics of the validation part, a checkpoint; until the recipe ends or stops it."""

import contextlib
import csv
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np

from ecg_edge.data.examples import Examples
from ecg_edge.signals.augmentation import Augmentation
from ecg_edge.tasks.predictor import KerasPredictor
from ecg_edge.tasks.task import Task
from ecg_edge.training import checkpoint
from ecg_edge.training.batches import Batches
from ecg_edge.training.checkpoint import Progress
from ecg_edge.training.config import TrainingConfig
from ecg_edge.training.optimization import compile_model, scheduled_rate
from firmware_bench.runtime.files import atomic_write
from models_keras.layers.variational import start_epoch


class _BatchCallback(keras.callbacks.Callback):
    def __init__(self, batch_done):
        super().__init__()
        self.batch_done = batch_done

    def on_train_batch_end(self, batch, logs=None):
        self.batch_done()


def train(
    model: keras.Model,
    task: Task,
    training: Examples,
    validation: Examples,
    recipe: TrainingConfig,
    seed: int,
    folder: Path,
    batch_done: Callable[[], None] = lambda: None,
    epoch_done: Callable[[dict], None] = lambda row: None,
    augmentation: Augmentation | None = None,
) -> list[dict]:
    """Train `model` by the recipe.

    Leaves in `folder` model.keras (the epoch that the recipe keeps), history.csv and checkpoint/last.npz, from which a
    later call with the same arguments continues to the same weights.

    Args:
        model: built, not compiled.
        task: weighs examples and computes validation metrics.
        training, validation: examples of the two parts.
        recipe: optimizer, schedule, when to stop.
        seed: decides the order of examples, with the epoch.
        folder: of the run.
        batch_done: called after every batch.
        epoch_done: called with every new row of the history.
        augmentation: changes the training examples.

    Returns:
        One row per epoch: the loss (with regularisation and class weights), the validation loss (without), the
        validation score, further metrics of the task, the learning rate and the duration, s.

    Raises:
        InputError: the checkpoint in `folder` belongs to another model or is damaged.
    """
    state = folder / "checkpoint" / "last.npz"
    compile_model(model, task, recipe, mixed=bool(augmentation and augmentation.config.mixup))
    progress = checkpoint.restore(state, model) if state.exists() else Progress()
    if progress.history:  # what ended the training may have come between the checkpoint and the history
        _write_history(folder / "history.csv", progress.history)
    batches = Batches(task, training, recipe.class_weights, recipe.batch, augmentation)

    while progress.epoch < recipe.epochs and not _is_stopped(progress, recipe):
        start = time.perf_counter()
        batches.shuffle(seed, progress.epoch)
        loss = _train_epoch(model, batches, recipe, progress.epoch, batch_done)
        progress.epoch += 1
        row = {
            "epoch": progress.epoch,
            "loss": loss,
            **task.validate(task.predict(KerasPredictor(model), validation), validation),
            "learning_rate": float(model.optimizer.learning_rate),
            "seconds": round(time.perf_counter() - start, 2),
        }
        progress.history.append(row)
        _update_best(model, progress, recipe, folder / "model.keras")
        checkpoint.save(state, model, progress)
        _write_history(folder / "history.csv", progress.history)
        epoch_done(row)
    return progress.history


def _train_epoch(model, batches: Batches, recipe: TrainingConfig, epoch: int, batch_done) -> float:
    """Train for one epoch, counted from 0; the loss with regularisation and class weights."""
    rate = scheduled_rate(recipe, epoch)
    if rate is not None:
        model.optimizer.learning_rate = rate
    start_epoch(model, epoch + 1)
    # Keras would shuffle the batches once more, from a state that an interrupted run has lost.
    fitted = model.fit(batches, shuffle=False, verbose=0, callbacks=[_BatchCallback(batch_done)])
    # On JAX a weight and its moving average are one array now, which the next prediction would free for both.
    for variable in model.optimizer.variables:
        variable.assign(np.array(variable))
    return float(fitted.history["loss"][0])


def _is_stopped(progress: Progress, recipe: TrainingConfig) -> bool:
    """Whether it is time for an early stop; a cosine schedule runs to its end."""
    return recipe.schedule == "plateau" and progress.epoch - progress.best_epoch >= recipe.stop_after


def _update_best(model, progress: Progress, recipe: TrainingConfig, path: Path) -> None:
    """Save the model if the recipe keeps this epoch's; on a plateau, halve the learning rate."""
    row = progress.history[-1]
    value = row["validation_loss"] if recipe.monitor == "loss" else -row["validation_score"]
    # NaN, of a score that a missing class leaves undefined, is never better; but a run ends with some model.
    is_better = value < progress.best_loss or not progress.best_epoch
    if is_better:
        progress.best_loss, progress.best_epoch = float(np.nan_to_num(value, nan=np.inf)), progress.epoch
    elif (
        recipe.schedule == "plateau"
        and progress.epoch - max(progress.best_epoch, progress.halved_epoch) >= recipe.halve_after
    ):
        model.optimizer.learning_rate = float(np.float32(model.optimizer.learning_rate) * np.float32(0.5))
        progress.halved_epoch = progress.epoch
    if is_better or recipe.keep == "last":
        with atomic_write(path) as temporary, _uncompiled(model):
            model.save(temporary)


@contextlib.contextmanager
def _uncompiled(model: keras.Model) -> Iterator[None]:
    """Hide the optimizer within the block: Keras would save its state, three times the size of the weights."""
    optimizer = model.optimizer
    model.optimizer, model.compiled = None, False
    try:
        yield
    finally:
        model.optimizer, model.compiled = optimizer, True


def _write_history(path: Path, history: list[dict]) -> None:
    with atomic_write(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, history[0])
        writer.writeheader()
        writer.writerows(history)
