"""A model as a function of windows: what tasks, training and evaluation call."""

from collections.abc import Mapping
from typing import Protocol, TypeGuard, runtime_checkable

import numpy as np

Outputs = np.ndarray | dict[str, np.ndarray]


class Predictor(Protocol):
    """Inputs by name, (n, …) float32 → outputs (n, …) float32, by name where there are several."""

    def __call__(self, inputs: dict[str, np.ndarray], /) -> Outputs: ...


@runtime_checkable
class StatefulPredictor(Predictor, Protocol):
    """A predictor that may keep the outputs and inputs of earlier calls as inputs of its own.

    Attributes:
        keeps_history: whether this one does: it takes the examples of a recording in order, and only the newest entry
            of each autoregressive input.
    """

    keeps_history: bool

    def begin(self) -> None:
        """Clear the state: the next call is the first of a recording."""
        ...


def keeps_history(predictor: Predictor) -> TypeGuard[StatefulPredictor]:
    """Whether the predictor feeds its earlier outputs back itself."""
    return isinstance(predictor, StatefulPredictor) and predictor.keeps_history


def keras_inputs(inputs: Mapping[str, np.ndarray]):
    """The argument of a Keras model's call: `inputs` by name, or the array alone where there is one input."""
    return inputs if len(inputs) > 1 else next(iter(inputs.values()))


class KerasPredictor:
    """A Keras model as a Predictor."""

    def __init__(self, model):
        self.model = model

    def __call__(self, inputs: dict[str, np.ndarray]):
        """Inputs by name, (n, …) float32 → the outputs (n, …) float32, by name where there are several."""
        outputs = self.model.predict_on_batch(keras_inputs(inputs))
        return {k: np.asarray(v) for k, v in outputs.items()} if isinstance(outputs, dict) else np.asarray(outputs)
