"""Rates epoch by epoch, losses by hand, optimizers as asked for."""

import math

import keras
import numpy as np
import pytest

from ecg_edge.tasks.task import Task
from ecg_edge.training.config import TrainingConfig
from ecg_edge.training.losses import LOSSES, cross_entropy, find_loss
from ecg_edge.training.optimization import compile_model, make_optimizer, scheduled_rate
from firmware_bench.runtime.errors import InputError

PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], np.float32)


def rates(**recipe):
    recipe = TrainingConfig(learning_rate=0.8, **recipe)
    return [scheduled_rate(recipe, epoch) for epoch in range(recipe.epochs)]


def test_a_cosine_goes_down_from_the_rate_towards_0():
    expected = [0.8 * (1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in range(4)]
    assert rates(epochs=4, schedule="cosine") == pytest.approx(expected)
    assert expected[0] == 0.8 and expected[2] == pytest.approx(0.4)


def test_ahead_of_it_the_rate_rises_in_equal_steps():
    found = rates(epochs=7, schedule="cosine", warmup_epochs=3)
    assert found[:3] == pytest.approx([0.2, 0.4, 0.6])
    assert found[3:] == pytest.approx([0.8 * (1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in range(4)])


def test_on_a_plateau_the_rate_is_the_loop_s_own_after_the_warm_up():
    assert rates(epochs=4) == [None] * 4
    found = rates(epochs=5, warmup_epochs=1)
    assert found[:2] == pytest.approx([0.4, 0.8]) and found[2:] == [None] * 3


def test_training_may_end_within_the_warm_up():
    assert rates(epochs=2, schedule="cosine", warmup_epochs=3) == pytest.approx([0.2, 0.4])


def test_adam_or_adamw_as_the_recipe_says():
    adam = make_optimizer(TrainingConfig(learning_rate=0.02))
    assert type(adam) is keras.optimizers.Adam and float(adam.learning_rate) == pytest.approx(0.02)
    assert adam.weight_decay is None and adam.global_clipnorm is None and not adam.use_ema
    adamw = make_optimizer(TrainingConfig(optimizer="adamw", weight_decay=0.05, gradient_norm=1.5, averaging=0.9))
    assert type(adamw) is keras.optimizers.AdamW and adamw.weight_decay == 0.05
    assert adamw.global_clipnorm == 1.5 and adamw.use_ema and adamw.ema_momentum == 0.9


def test_weight_decay_takes_its_share_off_at_every_step():
    weight = keras.Variable([2.0])
    made = make_optimizer(TrainingConfig(optimizer="adamw", learning_rate=0.1, weight_decay=0.5))
    made.apply([keras.ops.convert_to_tensor([0.0])], [weight])
    assert keras.ops.convert_to_numpy(weight)[0] == pytest.approx(2.0 * (1 - 0.1 * 0.5))


def test_smoothed_cross_entropy_by_hand():
    # of each target 0.85 is the true class's own and 0.15 goes to all three evenly
    by_hand = [
        -(0.9 * math.log(0.2) + 0.05 * math.log(0.7) + 0.05 * math.log(0.1)),
        -(0.9 * math.log(0.8) + 0.05 * math.log(0.1) + 0.05 * math.log(0.1)),
    ]
    for targets in ([1, 2], [[1], [2]], [1.0, 2.0]):
        values = cross_entropy(0.15)(np.array(targets), keras.ops.convert_to_tensor(PROBABILITIES))
        np.testing.assert_allclose(keras.ops.convert_to_numpy(values), by_hand, rtol=1e-5)


def evaluate_loss(name, smoothing, targets, weights=None):
    """The loss as a compiled model computes it, for outputs that are PROBABILITIES."""
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Identity()(inputs))
    model.compile(loss=find_loss(name, smoothing))
    return model.evaluate(PROBABILITIES, targets, sample_weight=weights, verbose=0)


def test_a_classifier_s_loss_with_and_without_smoothing():
    plain = -np.log([0.2, 0.8])
    assert evaluate_loss("cross_entropy", 0.0, np.array([1, 2])) == pytest.approx(plain.mean(), rel=1e-5)
    smoothed = 0.85 * plain - 0.05 * np.log(PROBABILITIES).sum(axis=1)
    assert evaluate_loss("cross_entropy", 0.15, np.array([1, 2])) == pytest.approx(smoothed.mean(), rel=1e-5)


def test_examples_weigh_in_the_loss():
    weights = np.array([3.0, 1.0])
    for smoothing in (0.0, 0.15):
        own = 1 - smoothing
        losses = -own * np.log([0.2, 0.8]) - smoothing / 3 * np.log(PROBABILITIES).sum(axis=1)
        found = evaluate_loss("cross_entropy", smoothing, np.array([1, 2]), weights)
        assert found == pytest.approx((losses * weights).mean(), rel=1e-5)


def test_the_loss_of_labels_with_and_without_smoothing():
    targets = np.array([[1, 0, 0], [0, 1, 1]], np.float32)
    for smoothing in (0.0, 0.2):
        soft = targets * (1 - smoothing) + smoothing / 2
        by_hand = -(soft * np.log(PROBABILITIES) + (1 - soft) * np.log(1 - PROBABILITIES)).mean()
        assert evaluate_loss("binary_cross_entropy", smoothing, targets) == pytest.approx(by_hand, rel=1e-4)


class Classifier(Task):
    name = "classifier"


def compiled_loss(monkeypatch, task, **recipe):
    """The loss that `compile_model` passes to Keras."""
    passed = []
    monkeypatch.setitem(LOSSES, "squared", lambda label_smoothing, mixed: "mean_squared_error")
    monkeypatch.setattr(keras.Model, "compile", lambda self, optimizer, loss: passed.append(loss))
    compile_model(keras.Sequential([keras.Input((3,)), keras.layers.Softmax()]), task, TrainingConfig(**recipe))
    return passed[0]


def test_the_loss_is_the_task_s_or_the_recipe_s(monkeypatch):
    task = Classifier("ab")
    assert compiled_loss(monkeypatch, task) == "sparse_categorical_crossentropy"
    assert compiled_loss(monkeypatch, task, loss="squared") == "mean_squared_error"


def test_a_loss_that_cannot_be_used_is_named(monkeypatch):
    task = Classifier("ab")
    with pytest.raises(InputError, match="no loss 'focal'"):
        compiled_loss(monkeypatch, task, loss="focal")
    task.loss = None
    assert compiled_loss(monkeypatch, task) is None
    with pytest.raises(InputError, match="adds its own loss"):
        compiled_loss(monkeypatch, task, loss="squared")


def test_shares_of_the_classes_as_targets():
    shares, probabilities = np.float32([[0.25, 0.75]]), np.float32([[0.5, 0.5]])
    for name in ("cross_entropy", "binary_cross_entropy"):
        loss = find_loss(name, mixed=True)
        assert float(loss(shares, probabilities)) == pytest.approx(np.log(2), rel=1e-5)
