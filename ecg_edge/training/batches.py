"""Training examples in batches, in an order that depends on the seed and the epoch alone."""

import dataclasses

import keras
import numpy as np

from ecg_edge.data.examples import Examples
from ecg_edge.signals.augmentation import Augmentation, AugmentationConfig, mix_examples
from ecg_edge.tasks.predictor import keras_inputs
from ecg_edge.tasks.task import Task
from ecg_edge.training.distillation import join_targets


class Batches(keras.utils.PyDataset):
    """Batches of (inputs, targets, weights) of one epoch; every call of `shuffle` draws the next epoch.

    Args:
        task: weighs the examples.
        examples: of the training part.
        weights: the rule by which they are weighed, see ecg_edge.tasks.task.class_weights; None: all alike, whichever
            classes there are.
        batch: examples in a batch; the last one may be smaller.
        augmentation: changes them.
    """

    def __init__(
        self, task: Task, examples: Examples, weights: str | None, batch: int, augmentation: Augmentation | None = None
    ):
        super().__init__(workers=2, max_queue_size=4)  # batches are read while a step runs; their order stays
        self.task = task
        self.augmentation = augmentation or Augmentation(AugmentationConfig())
        self.examples = dataclasses.replace(examples, random=True) if self.augmentation.config.crop else examples
        self.rule = weights
        self.batch = batch

    def shuffle(self, seed: int, epoch: int) -> None:
        """Draw the examples of `epoch`, and their order."""
        self.seed = seed, epoch
        self.epoch = self.examples.draw_epoch(seed, epoch)
        if self.rule == "sampled":
            drawn = sample_balanced(self.epoch.targets, np.random.default_rng([seed, epoch, len(self.epoch)]))
            self.epoch = self.epoch.take(drawn).draw_starts(seed, epoch)  # an example that repeats, at other starts
        alike = np.ones(len(self.epoch), np.float32)
        self.weights = self.task.example_weights(self.epoch, self.rule) if self.rule else alike
        self.order = np.random.default_rng([seed, epoch]).permutation(len(self.epoch))

    def __len__(self) -> int:
        return -(-len(self.order) // self.batch)

    def __getitem__(self, index: int):
        positions = self.order[index * self.batch : (index + 1) * self.batch]
        # Batches are made in parallel: each draws from its own number, so that the order of making does not matter.
        random = np.random.default_rng([*self.seed, index])
        batch, targets, weights = self.epoch.batch(positions), self.epoch.targets[positions], self.weights[positions]
        if "ecg" in batch:
            batch["ecg"] = self.augmentation.augment(batch["ecg"], random)
        inputs = keras_inputs(batch)
        if self.epoch.teaching is not None:
            targets = join_targets(targets, self.epoch.teaching[positions])
        if not self.augmentation.config.mixup:
            return inputs, targets, weights
        if targets.ndim == 1:
            targets = np.eye(len(self.task.classes), dtype=np.float32)[targets]
        return mix_examples(inputs, targets, weights, self.augmentation.config.mixup, random)


def sample_balanced(targets: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Sample examples such that each class is as frequent.

    An example's chance is inverse to the count of its class, or of the rarest of its labels. It comes its expected
    number of times, rounded up or down at random (systematic sampling).

    Args:
        targets: int (n,) classes, or float (n, labels).
        random: source of the order and of what is rounded up.

    Returns:
        n positions, int64.
    """
    if targets.ndim == 1:
        chances = 1 / np.bincount(targets)[targets]
    else:
        labels = np.column_stack([targets > 0.5, ~(targets > 0.5).any(axis=1)])  # the last: without any label
        chances = (labels / np.maximum(labels.sum(axis=0), 1)).max(axis=1)
    order = random.permutation(len(targets))
    ends = np.cumsum(chances[order])
    points = (np.arange(len(targets)) + random.random()) / len(targets) * ends[-1]
    return order[np.searchsorted(ends, points)]
