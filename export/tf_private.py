"""Every private function and attribute of TensorFlow and Keras that the export uses, in one place.

They have no public counterpart and may change with any release: the versions of both are pinned in setup.cfg, and
tests/export/test_tf_private.py fails where another file uses a private name.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np


def flatten_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """All layers of `model`, also those inside wrappers such as Bidirectional."""
    return list(model._flatten_layers())


def inputs_struct(model: keras.Model):
    """The nested structure of the model's inputs, as it was built."""
    return model._inputs_struct


def operation_type(name: str) -> type:
    """The class of an operation of keras.ops in a functional model, such as "Add" or "Relu"."""
    from keras.src.ops import nn, numpy

    return getattr(numpy if hasattr(numpy, name) else nn, name)


def run_through_graph(model: keras.Model, inputs: Sequence, call_fn: Callable):
    """Walks the layers of a functional model in order.

    Args:
        model: A functional model.
        inputs: What stands for the model's inputs.
        call_fn: `call_fn(layer, *values, **keywords)` returns what stands for the layer's output.

    Returns:
        The structure of what stands for the model's outputs.
    """
    return model._run_through_graph(list(inputs), call_fn=call_fn)


def convert_calibrated_float(converter) -> bytes:
    """Converts with a `tf.lite.TFLiteConverter` up to calibration: a float file whose tensors carry their ranges."""
    converter._experimental_calibrate_only = True
    return bytes(converter.convert())


def quantise_int8(calibrated: bytes, float_io: bool, float_operators: Sequence[str] = ()) -> bytes:
    """Quantises a calibrated float file to int8.

    Args:
        calibrated: A float TFLite file whose tensors carry ranges.
        float_io: Whether the inputs and outputs stay in float.
        float_operators: Names of the operators that stay in float.

    Returns:
        The quantised TFLite file.
    """
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize

    outer = tf.float32 if float_io else tf.int8
    quantise: Any = mlir_quantize  # its type hints are those of TensorFlow's own modules
    quantised = quantise(
        calibrated,
        input_data_type=outer,
        output_data_type=outer,
        # Kernels for microcontrollers of different ages know one scale for a dense layer's weights, not one per row.
        disable_per_channel_for_dense_layers=True,
        **({"denylisted_ops": list(float_operators)} if float_operators else {}),
    )
    return bytes(quantised)


def quantise_int16(calibrated: bytes) -> bytes:
    """Quantises a calibrated float file to 16-bit activations, 8-bit weights and 64-bit biases.

    Args:
        calibrated: A float TFLite file whose tensors carry ranges.

    Returns:
        The quantised TFLite file, int16 inputs and outputs included.
    """
    from tensorflow.lite.python.optimize.calibrator import Calibrator

    calibrator = Calibrator(calibrated, [], [])  # without data: it keeps the ranges that it finds
    int16, int64 = np.dtype(np.int16).num, np.dtype(np.int64).num
    quantised = calibrator._calibrator.QuantizeModel(
        int16,  # inputs
        int16,  # outputs
        False,  # no float operator
        int16,  # activations, and constants that are added or multiplied; the newer quantiser makes those int8
        int64,  # biases
        False,  # per-channel scales
        False,
    )
    return bytes(quantised)
