"""An exported model as a function of windows: evaluation and prediction use it like a Keras model."""

from pathlib import Path
from typing import TYPE_CHECKING, Union

import numpy as np

from ecg_edge.tasks.predictor import Outputs

if TYPE_CHECKING:
    from firmware_bench.runtime.tflite_model import TFLiteModel


class TFLitePredictor:
    """An exported model as a Predictor: it runs one window after the other, its state reset before each.

    Args:
        source: The .tflite file, its bytes, or the model that is loaded from them.

    Attributes:
        metadata: The metadata in the file.
        keeps_history: Whether it is a step of a beat classifier that keeps its own history: it takes the beats of a
            recording in order, and `begin` starts another recording.

    Raises:
        InputError: The file cannot be read or executed.
    """

    def __init__(self, source: Union[Path, str, bytes, "TFLiteModel"]):
        from firmware_bench.model_trial import try_model
        from firmware_bench.runtime.streaming_model import HistoryModel, StreamingModel
        from firmware_bench.runtime.tflite_model import TFLiteModel
        from firmware_bench.runtime.tflite_reader import read_model_file

        if isinstance(source, (Path, str)):  # what this process made itself is given otherwise
            try_model(read_model_file(source), str(source))
        model = source if isinstance(source, TFLiteModel) else TFLiteModel(source)
        self.metadata = model.metadata
        self.keeps_history = self.metadata.history is not None
        self._step = HistoryModel(model) if self.keeps_history else None
        self.model = self._step or (StreamingModel(model) if self.metadata.streaming else model)

    def begin(self) -> None:
        """Start another recording: forget the history."""
        if self._step:
            self._step.reset()

    def __call__(self, inputs: dict[str, np.ndarray]) -> Outputs:
        """Run the model on n windows.

        Args:
            inputs: float32 (n, …) by input name.

        Returns:
            What the Keras model returns: probabilities (n, classes) float32, or, from any other model, the outputs
            (n, …) by name.
        """
        count, names = len(next(iter(inputs.values()))), [tensor.name for tensor in self.model.outputs]
        rows = []
        for position in range(count):
            outputs = self.model.run({name: values[position] for name, values in inputs.items()})
            rows.append(outputs if isinstance(outputs, dict) else {names[0]: outputs})
        stacked = {name: np.stack([row[name] for row in rows]) for name in names}
        return stacked["probabilities"] if names == ["probabilities"] else stacked
