"""A trained model as a function of windows, be it Keras or TensorFlow Lite: evaluation does not know which."""

from pathlib import Path

import numpy as np


class TFLitePredictor:
    """Calls an exported model, a file or its bytes, on one window after the other, its state reset before each.
    keeps_history: it is one of beats that keeps what was before, and takes them in order; see `begin`."""

    def __init__(self, path: Path | str | bytes):
        from firmware_bench.runtime.streaming_model import HistoryModel, StreamingModel
        from firmware_bench.runtime.tflite_model import TFLiteModel

        model = TFLiteModel(path)
        self.metadata = model.metadata
        self.keeps_history = self.metadata.history is not None
        kind = StreamingModel if self.metadata.streaming else HistoryModel if self.keeps_history else None
        self.model = kind(model) if kind else model

    def begin(self) -> None:
        """Another recording, of which a model that keeps a history knows nothing."""
        self.model.reset()

    def __call__(self, inputs: dict[str, np.ndarray]):
        """Inputs by name, (n, …) float32 → what the Keras model gives: probabilities (n, classes) float32, or, from
        any other model, the outputs by name."""
        count, names = len(next(iter(inputs.values()))), [tensor.name for tensor in self.model.outputs]
        outputs = [self.model.run({name: x[i] for name, x in inputs.items()}) for i in range(count)]
        if names == ["probabilities"]:
            return np.stack(outputs)
        return {name: np.stack([o[name] if len(names) > 1 else o for o in outputs]) for name in names}
