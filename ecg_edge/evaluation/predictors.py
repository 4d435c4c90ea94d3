"""A trained model as a function of windows, be it Keras or TensorFlow Lite: evaluation does not know which."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ecg_edge.tasks.examples import Examples

BATCH = 64  # windows read and predicted at a time


def as_keras_takes(inputs: dict[str, np.ndarray]):
    """Inputs by name → what a Keras model is called with: the array alone where there is one input."""
    return inputs if len(inputs) > 1 else next(iter(inputs.values()))


class KerasPredictor:
    """Calls a Keras model on a batch."""

    def __init__(self, model):
        self.model = model

    def __call__(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """Inputs by name, (n, …) float32 → outputs (n, classes) float32."""
        return np.asarray(self.model.predict_on_batch(as_keras_takes(inputs)))


class TFLitePredictor:
    """Calls an exported model on one window after the other, its state reset before each."""

    def __init__(self, path: Path | str):
        from firmware_bench.bench_rpi import TFLiteModel

        self.model = TFLiteModel(path)
        self.metadata = self.model.metadata

    def __call__(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """Inputs by name, (n, …) float32 → outputs (n, classes) float32."""
        count = len(next(iter(inputs.values())))
        return np.stack([self.model.run({name: x[i] for name, x in inputs.items()}) for i in range(count)])


def predict(
    predictor: Callable, examples: Examples, advance: Callable[[int], None] = lambda windows: None
) -> np.ndarray:
    """The outputs for every window of `examples`: (n, classes) float32. `advance(n)` is called as windows are done."""
    outputs = []
    for start in range(0, len(examples), BATCH):
        positions = np.arange(start, min(start + BATCH, len(examples)))
        outputs.append(predictor(examples.batch(positions)))
        advance(len(positions))
    return np.concatenate(outputs)
