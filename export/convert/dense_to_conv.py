"""Dense layers as convolutions of one tap, which all runtimes compute alike.

LiteRT's kernels round the product of a dense layer once on its way to 8 bits, TensorFlow Lite Micro's twice, so that
one value in some hundred thousand differs by a step; of a convolution both give the same bytes. It also has a scale
per output, where kernels for microcontrollers know one for a dense layer's matrix.
"""

import math

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.tflite import flatbuffer

DENSE = "FULLY_CONNECTED"


def as_convolutions(model: schema.ModelT) -> None:
    """Replaces every dense layer of constant weights in the float file's only subgraph: (…, c) is reshaped to
    (1, 1, n, c), convolved, and reshaped to what it was. The tensors that it reads and writes stay what they are."""
    (graph,) = model.subgraphs
    operators = []
    for name, operator, _ in flatbuffer.operators(model):
        weights = graph.tensors[operator.inputs[1]] if name == DENSE else None
        constant = weights is not None and model.buffers[weights.buffer].data is not None
        operators += _convolution(model, operator) if constant else [operator]
    graph.operators = operators


def _convolution(model, operator):
    (graph,) = model.subgraphs
    x, weights, *bias = (int(tensor) for tensor in operator.inputs)
    (y,) = operator.outputs
    outputs, channels = (int(n) for n in graph.tensors[weights].shape)
    count = math.prod(int(n) for n in graph.tensors[x].shape) // channels
    kernel = _tensor(model, b"kernel", (outputs, 1, 1, channels), model.buffers[graph.tensors[weights].buffer].data)
    if not bias or bias[0] < 0:
        bias = [_tensor(model, b"bias", (outputs,), np.zeros(4 * outputs, np.uint8))]
    flat, convolved = (_tensor(model, b"dense", (1, 1, count, n)) for n in (channels, outputs))
    options = schema.Conv2DOptionsT(
        padding=schema.Padding.VALID,
        strideH=1,
        strideW=1,
        dilationHFactor=1,
        dilationWFactor=1,
        fusedActivationFunction=operator.builtinOptions.fusedActivationFunction,
    )
    convolution = schema.OperatorT(
        opcodeIndex=_code(model, schema.BuiltinOperator.CONV_2D),
        inputs=[flat, kernel, bias[0]],
        outputs=[convolved],
        builtinOptionsType=schema.BuiltinOptions.Conv2DOptions,
        builtinOptions=options,
    )
    return [_reshape(model, x, flat), convolution, _reshape(model, convolved, int(y))]


def _reshape(model, source, target):
    shape = np.array(model.subgraphs[0].tensors[target].shape, np.int32)
    constant = _tensor(
        model, b"shape", (len(shape),), np.frombuffer(shape.tobytes(), np.uint8), schema.TensorType.INT32
    )
    return schema.OperatorT(
        opcodeIndex=_code(model, schema.BuiltinOperator.RESHAPE),
        inputs=[source, constant],
        outputs=[target],
        builtinOptionsType=schema.BuiltinOptions.ReshapeOptions,
        builtinOptions=schema.ReshapeOptionsT(newShape=shape.tolist()),
    )


def _tensor(model, name, shape, data=None, kind=schema.TensorType.FLOAT32):
    """The position of a new tensor; `data`, uint8, makes it a constant."""
    (graph,) = model.subgraphs
    model.buffers.append(schema.BufferT(data=data))
    tensor = schema.TensorT(
        name=b"%s/%d" % (name, len(graph.tensors)), shape=list(shape), type=kind, buffer=len(model.buffers) - 1
    )
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _code(model, builtin):
    """The position of an operator's code, which is added where it is missing."""
    for position, code in enumerate(model.operatorCodes):
        if max(code.builtinCode, code.deprecatedBuiltinCode) == builtin:
            return position
    model.operatorCodes.append(schema.OperatorCodeT(builtinCode=builtin, deprecatedBuiltinCode=builtin, version=1))
    return len(model.operatorCodes) - 1
