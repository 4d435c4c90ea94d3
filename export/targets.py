"""The last step, a float file whose tensors carry ranges → a file for a kind of device. See TARGETS."""

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from tensorflow.lite.python.convert import mlir_quantize

from export import flatbuffer
from export.ranges import LSTM

LSTM_MATRICES = range(1, 9)  # positions among the operator's inputs


def integers(calibrated: schema.ModelT) -> bytes:
    """Integers throughout, inputs and outputs too: what a microcontroller runs."""
    return _quantised(calibrated, tf.int8)


def fast_on_a_processor(calibrated: schema.ModelT) -> bytes:
    """Integers but for LSTMs, which have weights of 8 bits and calculate in float, as do inputs and outputs then.

    The rule comes from measurements with LiteRT, one thread: convolutions run 4 times faster in integers than in
    float; an LSTM of integers has no fast kernel and runs 3.6 times slower, one with weights of 8 bits alone 1.6 times
    faster (benchmarks/rpi_form.py).
    """
    if not any(name == LSTM for name, _, _ in flatbuffer.operators(calibrated)):
        return integers(calibrated)
    model = flatbuffer.read(_quantised(calibrated, tf.float32, denylisted_ops=[LSTM]))
    for name, operator, graph in flatbuffer.operators(model):
        if name == LSTM:
            for place in LSTM_MATRICES:
                _as_int8(model, graph.tensors[operator.inputs[place]])
    return flatbuffer.write(model)


# name → the step, and what its file consists of, for the metadata
TARGETS = {
    "mcu": (integers, {"all": "int8 activations and weights"}),
    "rpi": (fast_on_a_processor, {"LSTM": "float activations, int8 weights", "others": "int8 activations and weights"}),
}


def _quantised(calibrated, outer, **settings):
    quantised = mlir_quantize(
        flatbuffer.write(calibrated),
        input_data_type=outer,
        output_data_type=outer,
        # Kernels for microcontrollers of different ages know one scale for a dense layer's weights, not one per row.
        disable_per_channel_for_dense_layers=True,
        **settings,
    )
    return bytes(quantised)


def _as_int8(model, tensor):
    """A float matrix as symmetric 8-bit integers with one scale; once, where several operators share it."""
    if tensor.type != schema.TensorType.FLOAT32:
        return
    values = np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.float32)
    scale = max(float(np.abs(values).max()), 1e-8) / 127
    rounded = np.clip(np.round(values / scale), -127, 127).astype(np.int8)
    model.buffers.append(schema.BufferT(data=rounded.view(np.uint8)))
    tensor.buffer, tensor.type = len(model.buffers) - 1, schema.TensorType.INT8
    tensor.quantization = schema.QuantizationParametersT(scale=[scale], zeroPoint=[0])
