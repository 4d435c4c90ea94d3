"""The one training loop: an epoch, a look at the validation part, a checkpoint; until it stops getting better."""

import csv
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from ecg_edge.data.examples import Examples
from ecg_edge.tasks.predictor import KerasPredictor
from ecg_edge.training import checkpoint
from ecg_edge.training.batches import Batches
from ecg_edge.training.config import TrainingConfig
from ecg_edge.training.objective import loss, optimizer, scheduled_rate
from firmware_bench.runtime.files import atomic_write
from models_keras.layers.variational import start_epoch


class _EachBatch(keras.callbacks.Callback):
    def __init__(self, done):
        super().__init__()
        self.done = done

    def on_train_batch_end(self, batch, logs=None):
        self.done()


def train(
    model,
    task,
    training: Examples,
    validation: Examples,
    recipe: TrainingConfig,
    seed: int,
    folder: Path,
    batch_done: Callable[[], None] = lambda: None,
    epoch_done: Callable[[dict], None] = lambda row: None,
) -> list[dict]:
    """Trains `model` and leaves in `folder` model.keras (the epoch that the recipe keeps), history.csv and
    checkpoint/last.npz, from which a later call with the same arguments continues to the same weights.

    Returns the history: per epoch the loss (with regularisation, class-weighted), the validation loss (neither),
    the validation part's score (the task says which), the learning rate and the seconds it took.
    """
    saved = folder / "checkpoint" / "last.npz"
    model.compile(optimizer(recipe), loss=loss(task.output, recipe.label_smoothing))
    progress = checkpoint.restore(saved, model) if saved.exists() else checkpoint.Progress()
    batches = Batches(task, training, recipe.class_weights, recipe.batch)

    while progress.epoch < recipe.epochs and not _stopped(progress, recipe):
        start = time.perf_counter()
        rate = scheduled_rate(recipe, progress.epoch)
        if rate is not None:
            model.optimizer.learning_rate = rate
        batches.shuffle(seed, progress.epoch)
        start_epoch(model, progress.epoch + 1)
        # Keras would shuffle the batches once more, from a state that an interrupted run has lost.
        fitted = model.fit(batches, shuffle=False, verbose=0, callbacks=[_EachBatch(batch_done)])
        progress.epoch += 1
        row = {
            "epoch": progress.epoch,
            "loss": float(fitted.history["loss"][0]),
            **task.validate(task.predict(KerasPredictor(model), validation), validation),
            "learning_rate": float(model.optimizer.learning_rate),
            "seconds": round(time.perf_counter() - start, 2),
        }
        progress.history.append(row)
        _judge(model, progress, recipe, folder / "model.keras")
        checkpoint.save(saved, model, progress)
        _write_history(folder / "history.csv", progress.history)
        epoch_done(row)
    return progress.history


def _stopped(progress, recipe) -> bool:
    """Whether it has not got better for long enough; a rate that goes down by schedule is let go all the way."""
    return recipe.schedule == "plateau" and progress.epoch - progress.best_epoch >= recipe.stop_after


def _judge(model, progress, recipe, kept: Path):
    """Keeps the model if the recipe wants this epoch's; halves the learning rate if none was better for a while."""
    row = progress.history[-1]
    figure = row["validation_loss"] if recipe.judge == "loss" else -row["validation_score"]
    # A score that is not a number, for want of a class, is no better than any; but a run ends with some model.
    better = figure < progress.best_loss or not kept.exists()
    if better:
        progress.best_loss, progress.best_epoch = float(np.nan_to_num(figure, nan=np.inf)), progress.epoch
    elif (
        recipe.schedule == "plateau"
        and progress.epoch - max(progress.best_epoch, progress.halved_epoch) >= recipe.halve_after
    ):
        model.optimizer.learning_rate = float(np.float32(model.optimizer.learning_rate) * np.float32(0.5))
        progress.halved_epoch = progress.epoch
    if better or recipe.keep == "last":
        with atomic_write(kept) as temporary:
            model.save(temporary, include_optimizer=False)


def _write_history(path: Path, history: list[dict]) -> None:
    with atomic_write(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, history[0])
        writer.writeheader()
        writer.writerows(history)
