"""Per-layer SQNR of a fake-quantised model: where it loses accuracy."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from export.tflite import flatbuffer
from export.verify.sqnr import sqnr_db

if TYPE_CHECKING:  # the process that reads the errors does not load TensorFlow
    from export.quantise.qat import FakeQuantised


@dataclasses.dataclass(frozen=True)
class LayerError:
    """The quantisation error of one operator.

    Attributes:
        operator: Its kind, such as CONV_2D.
        tensor: The name of its output, which contains that of the layer.
        low, high: The range of its output.
        sqnr_db: SQNR of its output, dB, with everything before it quantised.
        sqnr_alone_db: SQNR, dB, if only this output were rounded.
        clipped: Share of its values outside of its range.
    """

    operator: str
    tensor: str
    low: float
    high: float
    sqnr_db: float
    sqnr_alone_db: float
    clipped: float = 0.0


def layer_errors(model: "FakeQuantised", windows: Mapping[str, np.ndarray]) -> list[LayerError]:
    """The errors of all operators whose output is rounded, the lowest SQNR first.

    Args:
        model: The fake-quantised model.
        windows: Input name → (n, …).
    """
    import tensorflow as tf

    graph = model.graph
    inputs = {name: tf.constant(np.asarray(x, np.float32)) for name, x in windows.items()}
    exact, rounded = graph.run(inputs), model.activations(inputs)
    errors = []
    for name, operator in graph.operators:
        tensor = int(operator.outputs[0])
        if tensor not in model.first:
            continue
        low, high = (float(end) for end in np.asarray(model.ends(tensor)))
        alone = model.round_activation(tensor, exact[tensor])
        errors.append(
            LayerError(
                operator=name,
                tensor=flatbuffer.short_name(graph.tensor(tensor)),
                low=low,
                high=high,
                sqnr_db=round(sqnr_db(exact[tensor].numpy(), rounded[tensor].numpy()), 2),
                sqnr_alone_db=round(sqnr_db(exact[tensor].numpy(), alone.numpy()), 2),
                clipped=round(float(np.mean((exact[tensor].numpy() < low) | (exact[tensor].numpy() > high))), 5),
            )
        )
    return sorted(errors, key=lambda error: error.sqnr_db)
