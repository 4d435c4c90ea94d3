"""Functions of one 8-bit value as tables of 256, and points of the sigmoid for 16-bit ones: LiteRT's reference kernels
themselves say what stands in them."""

import functools

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from export.c99.graph import Operator, Tensor
from export.tflite import flatbuffer

VALUES = np.arange(-128, 128).astype(np.int8)
_CODES = {name: code for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_TYPES = {np.int8: schema.TensorType.INT8, np.int16: schema.TensorType.INT16}
_NEWER = 127  # stands in the old field for an operator's code where the new field has to be looked at


def evaluate(operator: Operator, arguments: list[np.ndarray | None]) -> np.ndarray:
    """What the operator makes of some values: for every input as many `arguments`, or None for a constant scalar.
    A file with this one operator is made for it."""
    (count,) = {argument.size for argument in arguments if argument is not None}
    shape, tensors, buffers, inputs = (1, count), [], [schema.BufferT()], []
    for tensor, argument in zip(operator.inputs, arguments, strict=True):
        if argument is None:
            buffers.append(schema.BufferT(data=np.frombuffer(tensor.data.tobytes(), np.uint8)))
            tensors.append(_tensor(tensor, tensor.shape, len(buffers) - 1))
        else:
            inputs.append(len(tensors))
            tensors.append(_tensor(tensor, shape, 0))
    tensors.append(_tensor(operator.output, shape, 0))
    node = schema.OperatorT(
        opcodeIndex=0,
        inputs=list(range(len(operator.inputs))),
        outputs=[len(tensors) - 1],
        builtinOptionsType=operator.options_type,
        builtinOptions=operator.options,
    )
    code = _CODES[operator.name]
    kind = schema.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=min(code, _NEWER), version=operator.version)
    model = schema.ModelT(
        version=3,
        operatorCodes=[kind],
        subgraphs=[schema.SubGraphT(tensors=tensors, inputs=inputs, outputs=[len(tensors) - 1], operators=[node])],
        buffers=buffers,
    )
    interpreter = Interpreter(
        model_content=flatbuffer.write(model), experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    for detail, argument in zip(interpreter.get_input_details(), (a for a in arguments if a is not None), strict=True):
        interpreter.set_tensor(detail["index"], argument.reshape(shape))
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).ravel()


@functools.cache
def sigmoid_points() -> np.ndarray:
    """The 256 points of the sigmoid between which LiteRT draws lines for 16-bit values: at 0, 1/24, 2/24, … in units of
    2^-16. Its tanh is 2 sigmoid(2 x) - 1 of the same points; in a scale of 1/48/128 every 128th value is one."""
    values = np.arange(0, 2**15, 128)
    values[-1] -= 1  # there the tanh is flat; the value before is all but the point

    def tensor(scale):
        return Tensor(0, values.shape, np.int16, np.array([scale]), 0, None)

    tanh = Operator("TANH", 2, (tensor(1 / 48 / 128),), (tensor(2.0**-15),), None, 0)
    return evaluate(tanh, [values.astype(np.int16)]).astype(np.int64) + 2**15


def _tensor(tensor, shape, buffer):
    quantisation = schema.QuantizationParametersT(scale=list(tensor.scales), zeroPoint=[tensor.zero_point])
    return schema.TensorT(shape=list(shape), type=_TYPES[tensor.dtype], buffer=buffer, quantization=quantisation)
