"""Batches: every example once an epoch, in an order of the seed and the epoch alone, with its answer and weight."""

import dataclasses

import numpy as np
import pytest
from small_recordings import record, recordings, window_spec

from ecg_edge.signals.augmentation import Augmentation, AugmentationConfig
from ecg_edge.tasks.beats import BeatsTask
from ecg_edge.tasks.rhythm import RhythmTask
from ecg_edge.tasks.rhythm_bouts import RhythmBoutsTask
from ecg_edge.training.batches import Batches, sample_balanced

MADE = recordings(
    record("r0", samples=60, labels=("N",), bouts=((0, 30, "N"), (30, 60, "AFIB"))),
    record("r1", samples=30, labels=("A",), bouts=((0, 30, "AFIB"),)),
    record("r2", samples=20, labels=("N",)),
)
NAMES = ["r0", "r1", "r2"]


@pytest.fixture
def batches():
    task = RhythmTask(("N", "A"))
    return Batches(task, task.examples(MADE, NAMES, window_spec(10)), "balanced", batch=4)


def epoch(batches, seed, number):
    batches.shuffle(seed, number)
    return [batches[index] for index in range(len(batches))]


def starts(epoch):
    return np.concatenate([windows[:, 0, 0] for windows, _, _ in epoch]).tolist()


def test_every_example_comes_once_with_its_target_and_weight(batches):
    made = epoch(batches, 0, 0)
    assert [len(targets) for _, targets, _ in made] == [4, 4, 3]
    windows, targets, weights = (np.concatenate(parts) for parts in zip(*made, strict=True))
    assert windows.shape == (11, 10, 1) and windows.dtype == np.float32
    assert sorted(windows[targets == 1, 0, 0]) == [0, 10, 20]
    assert sorted(windows[:, 0, 0]) == sorted([*range(0, 60, 10), 0, 10, 20, 0, 10])
    np.testing.assert_allclose(weights, np.where(targets == 1, 11 / 6, 11 / 16))


def test_the_order_is_of_the_seed_and_the_epoch_alone(batches):
    first = starts(epoch(batches, 3, 5))
    assert starts(epoch(batches, 3, 6)) != first
    assert starts(epoch(batches, 4, 5)) != first
    assert starts(epoch(batches, 3, 5)) == first


def test_an_epoch_s_windows_are_drawn_where_the_task_draws():
    task = RhythmBoutsTask(("NSR", "AFIB"))
    drawing = Batches(task, task.examples(MADE, NAMES, window_spec(10), training=True), "none", batch=2)
    epochs = [starts(epoch(drawing, 0, number)) for number in range(8)]
    assert len({tuple(sorted(own)) for own in epochs}) > 1
    assert starts(epoch(drawing, 0, 3)) == epochs[3]


def test_several_inputs_come_by_name():
    made = recordings(record("r0", samples=600, beats=(100, 200, 310, 400, 520)))
    task = BeatsTask(("N", "A", "V"))
    beats = task.examples(made, ["r0"], window_spec(20))
    ((inputs, targets, _),) = epoch(
        Batches(task, dataclasses.replace(beats, targets=np.arange(5) % 3), "none", 8), 0, 0
    )
    assert {name: values.shape for name, values in inputs.items()} == {
        "ecg": (5, 20, 1),
        "rr": (5, 5),
        "labels": (5, 5, 3),
    }
    assert dict(zip(inputs["ecg"][:, 0, 0], targets, strict=True)) == {90: 0, 190: 1, 300: 2, 390: 0, 510: 1}


def test_augmentation_is_of_the_seed_the_epoch_and_the_batch_whoever_asks_first(batches):
    batches.augmentation = Augmentation(AugmentationConfig(gain=0.5))
    first = epoch(batches, 3, 5)
    batches.shuffle(3, 5)
    for index in reversed(range(len(batches))):
        np.testing.assert_array_equal(batches[index][0], first[index][0])
    assert (epoch(batches, 3, 6)[0][0] != first[0][0]).any()


def test_cropped_windows_start_anew_in_every_epoch():
    task = RhythmTask(("N", "A"))
    examples = task.examples(MADE, NAMES, window_spec(10))
    cropped = Batches(task, examples, "none", 8, Augmentation(AugmentationConfig(crop=True)))
    epochs = [sorted(starts(epoch(cropped, 0, number))) for number in range(4)]
    assert epochs[0] != epochs[1] and max(max(own) for own in epochs) <= 50 and min(min(own) for own in epochs) >= 0


def test_mixed_labels_are_shares_of_the_classes(batches):
    batches.augmentation = Augmentation(AugmentationConfig(mixup=1.0))
    targets = np.concatenate([targets for _, targets, _ in epoch(batches, 0, 0)])
    assert targets.shape == (11, 2)
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    assert ((targets > 0.01) & (targets < 0.99)).any()


def test_sampling_makes_each_class_as_frequent_and_repeats_as_expected():
    targets = np.repeat([0, 1, 2], [900, 90, 10])
    drawn = sample_balanced(targets, np.random.default_rng(1))
    counts = np.bincount(targets[drawn])
    assert len(drawn) == 1000 and counts == pytest.approx([333, 333, 333], abs=35)
    assert np.bincount(drawn)[targets == 2] == pytest.approx(33.3, abs=1)
    assert np.bincount(drawn, minlength=1000)[targets == 0].max() == 1
    assert not np.array_equal(drawn, sample_balanced(targets, np.random.default_rng(2)))
    many = np.eye(3)[targets] + np.eye(3)[[2] * 5 + [0] * 995]  # some of the first have the rarest label too
    rare = np.bincount(sample_balanced(np.minimum(many, 1), np.random.default_rng(1)), minlength=1000)
    assert rare[:5].min() >= 10 > 1 >= rare[5:900].max()


def test_a_sampled_epoch_has_no_weights_and_depends_on_the_seed_and_the_epoch():
    task = RhythmBoutsTask(("NSR", "AFIB"))
    examples = task.examples(MADE, NAMES, window_spec(10), training=True)
    targets = np.repeat([0, 1], [27, 3])
    many = dataclasses.replace(examples.take(np.arange(30) % len(examples)), targets=targets)
    sampled = Batches(task, many, "sampled", batch=30)
    ((_, drawn, weights),) = epoch(sampled, 0, 0)
    assert np.bincount(drawn) == pytest.approx([15, 15], abs=4) and set(weights) == {1.0}
    first, again, second = (starts(epoch(sampled, 0, number)) for number in (1, 1, 2))
    assert first == again != second
