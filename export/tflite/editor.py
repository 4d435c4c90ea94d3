"""Tensors and operators added by hand to a TFLite file."""

from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.tflite import flatbuffer

# The version that knows integers, and the options.
OPERATORS = {
    "CONCATENATION": (2, schema.ConcatenationOptionsT),
    "STRIDED_SLICE": (2, schema.StridedSliceOptionsT),
    "FULLY_CONNECTED": (4, schema.FullyConnectedOptionsT),
    "QUANTIZE": (2, schema.QuantizeOptionsT),
    "RESHAPE": (1, schema.ReshapeOptionsT),
    "SOFTMAX": (3, schema.SoftmaxOptionsT),
}


class Editor:
    """Adds tensors, by their numbers, and operators to the one graph of a file's object tree."""

    def __init__(self, model: schema.ModelT):
        self.model = model
        (self.graph,) = model.subgraphs

    def shape(self, tensor: int) -> tuple[int, ...]:
        return tuple(int(n) for n in self.graph.tensors[tensor].shape)

    def scale(self, tensor: int) -> tuple[float, int]:
        return flatbuffer.scale_and_zero_point(self.graph.tensors[tensor])

    def tensor(self, shape: Sequence[int], like: int | None = None, scale: float = 1.0, zero_point: int = 0) -> int:
        """An 8-bit tensor in the scale of another one, or in its own."""
        return self._add(
            shape, schema.TensorType.INT8, *(self.scale(like) if like is not None else (scale, zero_point))
        )

    def wide(self, shape: Sequence[int], scale: float) -> int:
        """A 16-bit tensor; its zero point is 0, the only one that kernels know."""
        return self._add(shape, schema.TensorType.INT16, scale, 0)

    def constant(self, values: np.ndarray, scale: float | None = None, zero_point: int = 0) -> int:
        """Numbers of 8, 16 or 32 bits in a `scale`, or without one."""
        kind = getattr(schema.TensorType, values.dtype.name.upper())
        tensor = self._add(values.shape, kind, scale, zero_point)
        self.graph.tensors[tensor].buffer = len(self.model.buffers)
        self.model.buffers.append(schema.BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
        return tensor

    def _add(self, shape, kind, scale, zero_point):
        form = None if scale is None else schema.QuantizationParametersT(scale=[scale], zeroPoint=[zero_point])
        self.graph.tensors.append(schema.TensorT(shape=[*shape], type=kind, buffer=0, quantization=form))
        return len(self.graph.tensors) - 1

    def operator(self, name: str, inputs: Sequence[int], output: int, at: int | None = None, **options) -> int:
        """In the order of execution behind all others, or as number `at`; its output."""
        code, (version, kind) = getattr(schema.BuiltinOperator, name), OPERATORS[name]
        known = [max(entry.builtinCode, entry.deprecatedBuiltinCode) for entry in self.model.operatorCodes]
        if code not in known:
            made = schema.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=version)
            self.model.operatorCodes.append(made)
            known.append(code)
        operator = schema.OperatorT(
            opcodeIndex=known.index(code),
            inputs=[*inputs],
            outputs=[output],
            builtinOptionsType=getattr(schema.BuiltinOptions, kind.__name__.removesuffix("T")),
            builtinOptions=kind(**options),
        )
        self.graph.operators.insert(len(self.graph.operators) if at is None else at, operator)
        return output

    def reshaped(self, tensor: int, shape: Sequence[int]) -> int:
        wanted = self.constant(np.array(shape, np.int32))
        return self.operator("RESHAPE", [tensor, wanted], self.tensor(shape, like=tensor), newShape=[*shape])
