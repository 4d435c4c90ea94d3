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
