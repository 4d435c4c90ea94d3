"""Training windows in batches, in an order that depends on the seed and the epoch alone."""

import keras
import numpy as np

from ecg_edge.evaluation.predictors import as_keras_takes
from ecg_edge.tasks.examples import Examples


class Batches(keras.utils.PyDataset):
    """Batches of (inputs, targets, weights) of one epoch, shuffled anew by every call of `shuffle`.

    targets, weights: one per window of `examples`.
    """

    def __init__(self, examples: Examples, targets: np.ndarray, weights: np.ndarray, batch: int):
        super().__init__(workers=2, max_queue_size=4)  # batches are read while a step runs; their order stays
        self.examples = examples
        self.targets = targets
        self.weights = weights
        self.batch = batch
        self.order = np.arange(len(examples))

    def shuffle(self, seed: int, epoch: int) -> None:
        self.order = np.random.default_rng([seed, epoch]).permutation(len(self.examples))

    def __len__(self) -> int:
        return -(-len(self.order) // self.batch)

    def __getitem__(self, index: int):
        chosen = self.order[index * self.batch : (index + 1) * self.batch]
        return as_keras_takes(self.examples.batch(chosen)), self.targets[chosen], self.weights[chosen]
