"""Where a quantised model loses what it loses: an error for every operator, worst first."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from export.quantise.qat import FakeQuantised
from export.tflite import flatbuffer
from export.verify.sqnr import decibels


def errors(model: FakeQuantised, windows: Mapping[str, np.ndarray]) -> list[dict]:
    """Per operator whose result is rounded, over `windows`, input name → (n, …): "operator", "tensor" (the name tells
    the layer), "low", "high" of its range, "decibels", the agreement of its result with the float model's, and
    "alone", what it would be if only this result were rounded; the worst first, by "decibels"."""
    graph = model.graph
    inputs = {name: tf.constant(np.asarray(x, np.float32)) for name, x in windows.items()}
    exact, rounded = graph.run(inputs), model.activations(inputs)
    rows = []
    for name, operator in graph.operators:
        tensor = int(operator.outputs[0])
        if tensor not in model.first:
            continue
        low, high = (float(end) for end in np.asarray(model.ends(tensor)))
        rows.append(
            {
                "operator": name,
                "tensor": flatbuffer.short_name(graph.tensor(tensor)),
                "low": low,
                "high": high,
                "decibels": round(decibels(exact[tensor].numpy(), rounded[tensor].numpy()), 2),
                "alone": round(decibels(exact[tensor].numpy(), model.rounded(tensor, exact[tensor]).numpy()), 2),
            }
        )
    return sorted(rows, key=lambda row: row["decibels"])
