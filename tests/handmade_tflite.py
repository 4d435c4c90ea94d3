""".tflite files built by hand, tensor by tensor."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.tflite import flatbuffer

CODES = {name: code for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
TYPES = {
    np.int8: schema.TensorType.INT8,
    np.int16: schema.TensorType.INT16,
    np.int32: schema.TensorType.INT32,
    np.int64: schema.TensorType.INT64,
}


class TFLiteBuilder:
    """Builds a graph; its tensors are numbered in the order in which they are added."""

    def __init__(self):
        self.tensors, self.buffers, self.operators, self.kinds = [], [schema.BufferT()], [], []

    def tensor(self, shape, dtype, scales=(), zero_point=0, axis=0) -> int:
        """Add a tensor and return its number. scales: one, or one for each of the channels along `axis`."""
        scales = list(np.ravel(scales))
        form = schema.QuantizationParametersT(scale=scales, zeroPoint=[zero_point] * len(scales))
        form.quantizedDimension = axis
        tensor = schema.TensorT(shape=list(shape), type=TYPES[dtype], quantization=form if scales else None)
        tensor.name = f"tensor{len(self.tensors)}".encode()
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def constant(self, values, dtype, scales=(), axis=0) -> int:
        values = np.asarray(values, dtype)
        number = self.tensor(values.shape, dtype, scales, axis=axis)
        self.buffers.append(schema.BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
        self.tensors[number].buffer = len(self.buffers) - 1
        return number

    def operator(self, name, version, inputs, output, options=None) -> int:
        """Add an operator and return its output. options: the schema's object."""
        code = CODES[name]
        self.kinds.append(schema.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=min(code, 127), version=version))
        node = schema.OperatorT(opcodeIndex=len(self.kinds) - 1, inputs=inputs, outputs=[output])
        if options is not None:
            node.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
            node.builtinOptions = options
        self.operators.append(node)
        return output

    def data(self, inputs, outputs) -> bytes:
        graph = schema.SubGraphT(tensors=self.tensors, inputs=inputs, outputs=outputs, operators=self.operators)
        return flatbuffer.write(
            schema.ModelT(version=3, operatorCodes=self.kinds, subgraphs=[graph], buffers=self.buffers)
        )
