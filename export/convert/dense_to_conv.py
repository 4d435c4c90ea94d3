"""Dense layers as convolutions with kernel size 1, which all runtimes compute alike.

LiteRT's kernels round the product of a dense layer once on its way to 8 or 16 bits, TensorFlow Lite Micro's twice, so
that some values differ by a step; of a convolution both give the same bytes. It also has a scale
per output, where kernels for microcontrollers know one for a dense layer's matrix.
"""

import math

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.tflite import flatbuffer
from export.tflite.compaction import drop_unused_operator_codes
from export.tflite.editor import Editor


def convert_dense_layers(model: schema.ModelT) -> None:
    """Replaces every dense layer of constant weights in a float file, in place.

    (…, c) is reshaped to (1, 1, n, c), convolved, and reshaped back. Indices of existing tensors do not change.
    """
    editor = Editor(model)
    for name, operator, _ in [*flatbuffer.operators(model)]:
        if name == "FULLY_CONNECTED" and editor.is_constant(operator.inputs[1]):
            _replace(editor, operator)
    drop_unused_operator_codes(model)


def _replace(editor, operator):
    x, weights, *bias = (int(tensor) for tensor in operator.inputs)
    (y,) = operator.outputs
    outputs, channels = editor.shape(weights)
    count = math.prod(editor.shape(x)) // channels
    kernel = editor.constant(editor.values(weights).reshape(outputs, 1, 1, channels))
    if not bias or bias[0] < 0:
        bias = [editor.constant(np.zeros(outputs, np.float32))]
    flat, convolved = (
        editor.tensor((1, 1, count, n), np.float32, name=f"{flatbuffer.tensor_name(editor.graph.tensors[y])}/{kind}")
        for kind, n in (("flat", channels), ("dense", outputs))
    )
    at = editor.position(operator)
    editor.graph.operators.remove(operator)
    editor.reshape_to(x, flat, at=at)
    editor.operator(
        "CONV_2D",
        [flat, kernel, bias[0]],
        convolved,
        at=at + 1,
        padding=schema.Padding.VALID,
        strideH=1,
        strideW=1,
        dilationHFactor=1,
        dilationWFactor=1,
        fusedActivationFunction=operator.builtinOptions.fusedActivationFunction,
    )
    editor.reshape_to(convolved, int(y), at=at + 2)
