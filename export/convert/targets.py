"""The last step, a float file whose tensors carry ranges → a file for a kind of device."""

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from tensorflow.lite.python.convert import mlir_quantize

from export.quantise.long_softmax import SOFTMAX, STEPS, spread, widen
from export.quantise.ranges import LSTM
from export.tflite import flatbuffer
from export.verify.lint import FLOAT_OPERATORS

LSTM_MATRICES = range(1, 9)  # positions among the operator's inputs
INTEGERS = "int8 activations and weights"
LEAST = -128  # the zero point of a range that begins at zero


def integers(calibrated: schema.ModelT) -> bytes:
    """Integers throughout, inputs and outputs too: what a microcontroller runs."""
    return widen(_quantised(calibrated, tf.int8))


def fast_on_a_processor(calibrated: schema.ModelT) -> bytes:
    """Integers but for the operators that `in_float` names, of which LSTMs have weights of 8 bits. With those in it the
    file takes and gives floats.

    The rule comes from measurements with LiteRT, one thread, on x86-64. Convolutions run 4 times faster in integers
    than in float. An LSTM of integers runs 3.6 times slower, one with weights of 8 bits alone 1.6 times faster. Of a
    transformer over 32 beats the products of two activations run 10 times slower in integers, normalisations 3 times
    and softmax twice, and a RELU by itself takes three times as long as the transposed convolution in front of it, for
    none of which the XNNPACK delegate has integer kernels (benchmarks/rpi_form.py).
    """
    floats = in_float(calibrated)
    if not floats:
        model = flatbuffer.read(integers(calibrated))
    else:
        model = flatbuffer.read(_quantised(calibrated, tf.float32, denylisted_ops=floats))
    for name, operator, graph in flatbuffer.operators(model):
        if name == LSTM:
            for place in LSTM_MATRICES:
                _as_int8(model, graph.tensors[operator.inputs[place]])
    _saturate_for_relus(model)
    return flatbuffer.write(model)


def in_float(calibrated: schema.ModelT) -> list[str]:
    """The kinds of operators that a Raspberry Pi runs faster in float. Softmax alone is not worth the way there."""
    found = {name for name, _, _ in flatbuffer.operators(calibrated)} & FLOAT_OPERATORS
    return sorted(found) if found - {"SOFTMAX"} else []


def parts(calibrated: schema.ModelT, target: str) -> dict[str, str]:
    """What the file for `target` consists of, for the metadata."""
    floats = in_float(calibrated) if target == "rpi" else []
    kinds = {name: "float activations, int8 weights" if name == LSTM else "float" for name in floats}
    if spread(calibrated) and SOFTMAX not in floats:
        kinds[f"{SOFTMAX} of {STEPS} and more, with its products"] = "int16 activations"
    return {**kinds, "others": INTEGERS} if kinds else {"all": INTEGERS}


TARGETS = {"mcu": integers, "rpi": fast_on_a_processor}


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


def _saturate_for_relus(model):
    """Where zero is the least integer, an operator that writes a RELU's output in place of its input has done what the
    RELU does. The converter leaves a RELU alone behind a transposed convolution."""
    (graph,) = model.subgraphs
    named = [(flatbuffer.operator_name(model, operator), operator) for operator in graph.operators]
    makers = {int(operator.outputs[0]): operator for name, operator in named if name == "TRANSPOSE_CONV"}
    asked = [*graph.outputs, *(tensor for operator in graph.operators for tensor in operator.inputs)]
    for name, relu in named:
        before, after = int(relu.inputs[0]), int(relu.outputs[0])
        scaled = flatbuffer.scale_and_zero_point(graph.tensors[after])
        if name == "RELU" and before in makers and asked.count(before) == 1 and scaled and scaled[1] == LEAST:
            makers[before].outputs = [after]
            graph.operators.remove(relu)


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
