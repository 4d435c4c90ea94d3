"""The loop's own rules: when the rate is halved, when it stops, which epoch is kept, what averaging does."""

import keras
import numpy as np
import pytest

from ecg_edge.records.record import Entry
from ecg_edge.tasks.examples import Examples, WindowCache
from ecg_edge.training.config import Training
from ecg_edge.training.loop import train


class Task:
    """A regression whose validation loss follows a script, epoch by epoch."""

    loss = "mse"

    def __init__(self, losses):
        self.losses = iter(losses)

    def targets(self, entries):
        return np.zeros(len(entries), np.int64)

    def class_weights(self, targets, rule):
        return np.ones(1, np.float32)

    def validate(self, outputs, examples):
        return {"validation_loss": next(self.losses)}


def run(folder, losses, **recipe):
    """Trains one weight towards 0 on constant windows; the history and the weight kept as the best."""
    keras.utils.set_random_seed(0)
    ecg = keras.Input((4, 1), name="ecg")
    x = keras.layers.GlobalAveragePooling1D()(ecg)
    model = keras.Model(ecg, keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")(x))
    windows = WindowCache(
        np.ones((8, 4, 1), np.float32), np.arange(8), [Entry(str(i), "", "") for i in range(8)], {}, {}
    )
    examples = Examples(windows, np.arange(8))
    recipe = Training(**{"epochs": len(losses), "batch": 2, "learning_rate": 0.01, **recipe})
    history = train(model, Task(losses), examples, examples, recipe, 0, folder)
    best = keras.models.load_model(folder / "model.keras", compile=False)
    return history, float(best.get_weights()[0][0, 0]), float(model.get_weights()[0][0, 0])


def test_the_rate_of_the_next_epoch_is_halved_where_none_was_better_for_a_while(tmp_path):
    history, _, _ = run(tmp_path, [5, 4, 6, 6, 6, 6, 3, 6, 6], halve_after=2, stop_after=20)
    rates = [row["learning_rate"] / 0.01 for row in history]
    np.testing.assert_allclose(rates, [1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25], rtol=1e-6)


def test_it_stops_after_the_epochs_it_was_given_to_get_better(tmp_path):
    history, _, _ = run(tmp_path, [5, 4, 6, 6, 6, 6, 6, 6], stop_after=3)
    assert len(history) == 5


def test_the_best_epoch_is_kept_not_the_last(tmp_path):
    history, best, last = run(tmp_path, [5, 4, 6, 6])
    assert 1 > best > last
    _, second, _ = run(tmp_path / "two epochs", [5, 4])
    assert best == second
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert (tmp_path / "history.csv").read_text().count("\n") == 5


def test_the_last_epoch_is_kept_where_the_recipe_says_so(tmp_path):
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
