"""LiteRT's reference kernels: they compute the outputs that programs are compared with, and the look-up tables."""

import functools
from collections.abc import Callable, Sequence

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from export.c99.ir import GraphOperator, GraphTensor
from export.tflite import flatbuffer
from export.tflite.editor import Editor
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.tflite_model import TFLiteModel

INT8_VALUES = np.arange(-128, 128).astype(np.int8)


class ReferenceModel(TFLiteModel):
    """A file in LiteRT's reference kernels, which keeps every tensor of the last run.

    Args:
        data: The file.

    Attributes:
        after_run: Called after each run.
    """

    def __init__(self, data: bytes):
        super().__init__(data, kernels="reference", keep_tensors=True)
        self.after_run: Callable[[], None] = lambda: None

    def run_raw(self, arrays) -> list[np.ndarray]:
        outputs = super().run_raw(arrays)
        self.after_run()
        return outputs


def check_shapes(data: bytes) -> None:
    """Check that operators make tensors of the shapes that the file states: a generated program relies on them.

    LiteRT computes the shapes itself and ignores the file's.

    Raises:
        InputError: A tensor has another shape in LiteRT than in the file.
    """
    computed = ReferenceModel(data).tensor_shapes()
    (graph,) = flatbuffer.read(data).subgraphs
    made = {int(index) for operator in graph.operators for index in operator.outputs}
    for index in sorted(made):
        stated = () if graph.tensors[index].shape is None else tuple(int(n) for n in graph.tensors[index].shape)
        if computed[index] != stated:
            raise InputError(
                f"the file is damaged: tensor {index} is stated as {list(stated)}, its operator makes "
                f"{list(computed[index])}"
            )


def run_reference_kernels(data: bytes, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The outputs of a .tflite file, computed by LiteRT's reference kernels.

    Args:
        data: The file.
        arrays: Its inputs in order, integers of its shapes.

    Returns:
        Its outputs in order.
    """
    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    interpreter.reset_all_variables()
    for detail, array in zip(interpreter.get_input_details(), arrays, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]).copy() for detail in interpreter.get_output_details()]


def evaluate_operator(operator: GraphOperator, arguments: Sequence[np.ndarray | None]) -> np.ndarray:
    """An element-wise operator applied to some values, by a file that has this one operator.

    Args:
        operator: The operator.
        arguments: For every input the same number of values, or None for a constant scalar.

    Returns:
        The results, of the output's type.
    """
    (count,) = {argument.size for argument in arguments if argument is not None}
    shape, editor = (1, count), Editor(Editor.new_model())
    tensors = [
        editor.constant(tensor.values, tensor.scales, tensor.zero_point)
        if argument is None
        else editor.tensor(shape, np.dtype(tensor.dtype), tensor.scales, tensor.zero_point)
        for tensor, argument in zip(operator.operands, arguments, strict=True)
    ]
    result = operator.output
    output = editor.tensor(shape, np.dtype(result.dtype), result.scales, result.zero_point)
    editor.operator(operator.name, tensors, output, version=operator.version, options=operator.options)
    editor.graph.inputs = [tensor for tensor, given in zip(tensors, arguments, strict=True) if given is not None]
    editor.graph.outputs = [output]
    values = [argument.reshape(shape) for argument in arguments if argument is not None]
    return run_reference_kernels(flatbuffer.write(editor.model), values)[0].ravel()


@functools.cache
def sigmoid_points() -> np.ndarray:
    """The 256 points of the sigmoid between which LiteRT interpolates for 16-bit values: at 0, 1/24, 2/24, … in units
    of 2^-16. Its tanh is 2 sigmoid(2 x) - 1 of the same points; in a scale of 1/48/128 every 128th value is one."""
    values = np.arange(0, 2**15, 128)
    values[-1] -= 1  # there the tanh is flat; the value before is all but the point

    def tensor(scale):
        return GraphTensor(0, values.shape, np.int16, np.array([scale]), 0, None)

    tanh = GraphOperator("TANH", 2, (tensor(1 / 48 / 128),), (tensor(2.0**-15),), None, 0)
    return evaluate_operator(tanh, [values.astype(np.int16)]).astype(np.int64) + 2**15
