"""LiteRT's reference kernels: they compute the outputs that programs are compared with, and the look-up tables."""

import functools
from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from export.c99.ir import GraphOperator, GraphTensor
from export.tflite import flatbuffer

INT8_VALUES = np.arange(-128, 128).astype(np.int8)
_CODES = {name: code for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_TYPES = {np.int8: schema.TensorType.INT8, np.int16: schema.TensorType.INT16}
_EXTENDED_CODE = 127  # in the old field for an operator's code: the new field has it


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
    shape, tensors, buffers, inputs = (1, count), [], [schema.BufferT()], []
    for tensor, argument in zip(operator.operands, arguments, strict=True):
        if argument is None:
            buffers.append(schema.BufferT(data=np.frombuffer(tensor.values.tobytes(), np.uint8)))
            tensors.append(_tensor(tensor, tensor.shape, len(buffers) - 1))
        else:
            inputs.append(len(tensors))
            tensors.append(_tensor(tensor, shape, 0))
    tensors.append(_tensor(operator.output, shape, 0))
    node = schema.OperatorT(
        opcodeIndex=0,
        inputs=list(range(len(operator.operands))),
        outputs=[len(tensors) - 1],
        builtinOptionsType=operator.options_type,
        builtinOptions=operator.options,
    )
    code = _CODES[operator.name]
    kind = schema.OperatorCodeT(
        builtinCode=code, deprecatedBuiltinCode=min(code, _EXTENDED_CODE), version=operator.version
    )
    model = schema.ModelT(
        version=3,
        operatorCodes=[kind],
        subgraphs=[schema.SubGraphT(tensors=tensors, inputs=inputs, outputs=[len(tensors) - 1], operators=[node])],
        buffers=buffers,
    )
    values = [argument.reshape(shape) for argument in arguments if argument is not None]
    return run_reference_kernels(flatbuffer.write(model), values)[0].ravel()


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


def _tensor(tensor, shape, buffer):
    quantisation = schema.QuantizationParametersT(scale=list(tensor.scales), zeroPoint=[tensor.zero_point])
    return schema.TensorT(shape=list(shape), type=_TYPES[tensor.dtype], buffer=buffer, quantization=quantisation)
