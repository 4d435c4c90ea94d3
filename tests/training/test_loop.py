"""The loop's own rules: when the rate changes, when it stops, which epoch is kept, what averaging does, going on."""

import contextlib
import csv
import json
import os
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from small_recordings import record, recordings, window_spec

from ecg_edge.data.examples import consecutive_windows
from ecg_edge.signals.augmentation import Augmentation, AugmentationConfig
from ecg_edge.tasks.rhythm_bouts import RhythmBoutsTask
from ecg_edge.tasks.task import Task
from ecg_edge.training.config import TrainingConfig
from ecg_edge.training.loop import train


class Scripted(Task):
    """A classifier of two classes whose validation figures follow a script, epoch by epoch."""

    def __init__(self, losses, scores=None):
        super().__init__(("a", "b"))
        self.rows = iter([(loss, score) for loss, score in zip(losses, scores or losses, strict=True)])

    def example_weights(self, examples, rule):
        return np.ones(len(examples), np.float32)

    def validate(self, summaries, examples):
        loss, score = next(self.rows)
        return {"validation_loss": loss, "validation_score": score}


def one_weight():
    """softmax of (0, w · mean): all targets are the first class, so that w goes down from 1 by the rate a step."""
    ecg = keras.Input((4, 1), name="ecg")
    x = keras.layers.GlobalAveragePooling1D()(ecg)
    x = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")(x)
    x = keras.layers.Concatenate()([keras.layers.Rescaling(0.0)(x), x])
    return keras.Model(ecg, keras.layers.Softmax()(x))


def run(folder, losses, scores=None, task=None, **recipe):
    """Trains one weight in four steps an epoch; the history, the weight that was kept, and the last epoch's."""
    keras.utils.set_random_seed(0)
    model = one_weight()
    made = recordings(*(record(f"r{i}", samples=4) for i in range(8)))
    made.signals[:] = 1.0
    examples = consecutive_windows(made, [entry.name for entry in made.entries], window_spec(4), np.zeros(8, np.int64))
    recipe = TrainingConfig(**{"epochs": len(losses), "batch": 2, "learning_rate": 0.01, **recipe})
    history = train(model, task or Scripted(losses, scores), examples, examples, recipe, 0, folder)
    kept = keras.models.load_model(folder / "model.keras", compile=False)
    return history, float(kept.get_weights()[0][0, 0]), float(model.get_weights()[0][0, 0])


def test_the_rate_of_the_next_epoch_is_halved_where_none_was_better_for_a_while(tmp_path):
    history, _, _ = run(tmp_path, [5, 4, 6, 6, 6, 6, 3, 6, 6], halve_after=2, stop_after=20)
    rates = [row["learning_rate"] / 0.01 for row in history]
    np.testing.assert_allclose(rates, [1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25], rtol=1e-6)


def test_it_stops_after_the_epochs_it_was_given_to_get_better(tmp_path):
    history, _, _ = run(tmp_path, [5, 4, 6, 6, 6, 6, 6, 6], stop_after=3)
    assert len(history) == 5


def test_a_scheduled_rate_goes_all_the_way(tmp_path):
    history, _, _ = run(tmp_path, [1, 2, 3, 4, 5], schedule="cosine", warmup_epochs=1, halve_after=1, stop_after=2)
    rates = [row["learning_rate"] / 0.01 for row in history]
    cosine = (1 + np.cos(np.pi * np.arange(4) / 4)) / 2
    np.testing.assert_allclose(rates, [0.5, *cosine], rtol=1e-6)


def test_the_rate_is_that_of_the_steps(tmp_path):
    _, _, last = run(tmp_path, [1, 1, 1], schedule="cosine")
    # Adam's steps are of the size of the rate while the gradient keeps its sign and size.
    expected = 1 - 4 * 0.01 * (1 + 0.75 + 0.25)
    assert last == pytest.approx(expected, abs=2e-3)


def test_the_best_epoch_is_kept_not_the_last(tmp_path):
    history, best, last = run(tmp_path, [5, 4, 6, 6])
    assert 1 > best > last
    _, second, _ = run(tmp_path / "two epochs", [5, 4])
    assert best == second
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert (tmp_path / "history.csv").read_text().count("\n") == 5


def test_the_recipe_can_monitor_the_score(tmp_path):
    losses, scores = [5, 4, 3, 2], [0.1, 0.7, 0.6, 0.7]
    _, best, _ = run(tmp_path / "all", losses, scores, monitor="score")
    _, second, _ = run(tmp_path / "two epochs", losses[:2], scores[:2])
    assert best == second
    history, _, _ = run(tmp_path / "stopped", losses, scores, monitor="score", stop_after=1)
    assert len(history) == 3
    history, _, _ = run(tmp_path / "halved", losses, scores, monitor="score", halve_after=1)
    assert [round(row["learning_rate"], 6) for row in history] == [0.01, 0.01, 0.01, 0.005]


def test_the_recipe_can_keep_the_last_epoch(tmp_path):
    _, kept, last = run(tmp_path, [5, 4, 6, 6], keep="last")
    assert kept == last


def test_averaged_weights_lag_behind(tmp_path):
    _, _, plain = run(tmp_path / "plain", [1])
    _, _, averaged = run(tmp_path / "averaged", [1], averaging=0.9)
    # Adam's first steps move by the rate: 1 → 0.96 in four; the average starts at the first step's weight.
    assert plain == pytest.approx(0.96, abs=1e-3)
    weights, average = [0.99, 0.98, 0.97, 0.96], 0.99
    for weight in weights[1:]:
        average = 0.9 * average + 0.1 * weight
    assert averaged == pytest.approx(average, abs=1e-3)


def test_scheduled_layers_get_the_epoch_counted_from_one(tmp_path, monkeypatch):
    epochs = []
    monkeypatch.setattr("ecg_edge.training.loop.start_epoch", lambda model, epoch: epochs.append(epoch))
    run(tmp_path, [3, 2, 1])
    assert epochs == [1, 2, 3]


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_model_that_is_kept_holds_no_optimizer(tmp_path, keep):
    run(tmp_path, [5, 4], keep=keep)
    with zipfile.ZipFile(tmp_path / "model.keras") as kept:
        weights = kept.read("model.weights.h5")
    assert b"layers" in weights and b"optimizer" not in weights
    assert not keras.models.load_model(tmp_path / "model.keras").compiled


@pytest.mark.slow
@pytest.mark.parametrize("written", range(6))
@pytest.mark.parametrize("script", [([5, 4], None), ([1, 1], [float("nan"), float("nan")])])
def test_a_crash_at_any_renaming_changes_nothing_once_resumed(tmp_path, monkeypatch, script, written):
    """Two epochs rename six files at most: model.keras, the checkpoint and history.csv of each."""
    losses, scores = script
    recipe = {"monitor": "score"} if scores else {}

    def timeless(history):
        return [{**row, "seconds": 0} for row in history]

    whole, kept, weight = run(tmp_path / "whole", losses, scores, **recipe)
    renamed, replace = 0, os.replace

    def crash(source, target):
        nonlocal renamed
        if Path(target).suffix in (".keras", ".npz", ".csv") and (renamed := renamed + 1) > written:
            raise Interrupted
        replace(source, target)

    folder = tmp_path / "crashed"
    with monkeypatch.context() as patch, contextlib.suppress(Interrupted):
        patch.setattr(os, "replace", crash)
        run(folder, losses, scores, **recipe)
    state = folder / "checkpoint" / "last.npz"
    done = int(json.loads(str(np.load(state)["progress"]))["epoch"]) if state.exists() else 0
    resumed = run(folder, losses[done:], scores and scores[done:], epochs=2, **recipe)
    np.testing.assert_equal((timeless(resumed[0]), *resumed[1:]), (timeless(whole), kept, weight))
    rows = list(csv.DictReader((folder / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert [float(row["loss"]) for row in rows] == [row["loss"] for row in resumed[0]]


class Interrupted(Exception):
    """Stands for whatever ends a training in the middle of an epoch."""


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [
    {"schedule": "cosine", "warmup_epochs": 1, "optimizer": "adamw", "weight_decay": 0.01, "monitor": "score"},
    {"halve_after": 1, "averaging": 0.8, "label_smoothing": 0.1, "gradient_norm": 0.5},
])  # fmt: skip
def test_interrupted_and_resumed_it_ends_with_the_same_weights(tmp_path, recipe):
    """With windows that are drawn anew in every epoch, augmentation, and dropout, whose random state goes on too."""
    changes = AugmentationConfig(gain=0.2, stretch=0.1, noise=0.5, mixup=0.3)
    noise = [np.random.default_rng(3).normal(size=(500, 1)).astype(np.float32)]
    task = RhythmBoutsTask(("NSR", "AFIB"))
    made = recordings(*(record(f"r{i}", samples=400, bouts=((0, 200, "N"), (200, 400, "AFIB"))) for i in range(4)))
    made.signals[:] = np.random.default_rng(0).normal(size=made.signals.shape) + np.arange(1600)[:, None] % 400 / 200
    training = task.examples(made, ["r0", "r1", "r2"], window_spec(50), training=True)
    validation = task.examples(made, ["r3"], window_spec(50))
    recipe = TrainingConfig(epochs=4, batch=2, learning_rate=0.01, class_weights="sqrt", **recipe)

    def attempt(folder, batch_done=lambda: None):
        keras.utils.set_random_seed(1)
        ecg = keras.Input((50, 1), name="ecg")
        x = keras.layers.Dropout(0.3)(keras.layers.Conv1D(4, 7, activation="relu")(ecg))
        x = keras.layers.BatchNormalization()(keras.layers.GlobalAveragePooling1D()(x))
        model = keras.Model(ecg, keras.layers.Dense(2, activation="softmax")(x))
        augmentation = Augmentation(changes, noise)
        history = train(model, task, training, validation, recipe, 5, folder, batch_done, augmentation=augmentation)
        return history, keras.models.load_model(folder / "model.keras", compile=False).get_weights()

    def interrupt():
        nonlocal steps
        steps += 1
        if steps == 8:  # of three an epoch: in the middle of the third
            raise Interrupted

    whole, expected = attempt(tmp_path / "whole")
    steps = 0
    with pytest.raises(Interrupted):
        attempt(tmp_path / "resumed", interrupt)
    history, found = attempt(tmp_path / "resumed")
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert [{**row, "seconds": 0} for row in history] == [{**row, "seconds": 0} for row in whole]


def test_a_score_that_is_no_number_is_worse_than_any_and_still_leaves_a_model(tmp_path):
    nan = float("nan")
    history, kept, last = run(tmp_path / "never", [1.0, 1.0], [nan, nan], monitor="score")
    assert len(history) == 2 and kept > last  # the first epoch's, as no other was better
    _, kept, last = run(tmp_path / "later", [1.0, 1.0], [nan, 0.1], monitor="score")
    assert kept == last
