"""Queries of a trained Keras model: outputs, their names, parameters."""

from collections.abc import Mapping

import keras
import numpy as np

from export import tf_private
from export.tflite import flatbuffer


def trainable_parameters(model: keras.Model) -> int:
    """The number of trainable parameters."""
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def keras_outputs(model: keras.Model, windows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Runs the float model.

    Args:
        model: The trained model.
        windows: Input name → (n, …) float32.

    Returns:
        Output name → (n, …) float32.
    """
    arrays = [windows[tensor.name] for tensor in model.inputs]
    structure = keras.tree.pack_sequence_as(tf_private.inputs_struct(model), arrays)
    outputs = model.predict(structure, batch_size=16, verbose=0)  # pyright: ignore[reportArgumentType] - the hint is str
    return outputs if isinstance(outputs, dict) else {model.output_names[0]: outputs}


def output_names(model: keras.Model, data: bytes) -> dict[str, str]:
    """Output names in the signature of the file `data` → names in Keras: the converter renames a single output."""
    (signature,) = flatbuffer.read(data).signatureDefs
    names = [entry.name.decode() for entry in signature.outputs]
    return {names[0]: model.output_names[0]} if len(names) == 1 else {name: name for name in names}
