"""Programs compared with LiteRT's reference kernels, and .tflite files made by hand for it."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.c99.reference_kernels import run_reference_kernels
from export.tflite import flatbuffer

CODES = {name: code for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
TYPES = {
    np.int8: schema.TensorType.INT8,
    np.int16: schema.TensorType.INT16,
    np.int32: schema.TensorType.INT32,
    np.int64: schema.TensorType.INT64,
}


def windows(data, count=6):
    """Integer inputs of a file: noise over all of the range, constants at its ends, slow waves of several heights."""
    (graph,) = flatbuffer.read(data).subgraphs
    tensors = [graph.tensors[index] for index in graph.inputs]
    shapes = [tuple(int(n) for n in tensor.shape) for tensor in tensors]
    dtype = np.dtype(flatbuffer.type_name(tensors[0]).lower())
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    random = np.random.default_rng(5)
    for n in range(count):
        if n < 2:
            yield [random.integers(low, high + 1, shape).astype(dtype) for shape in shapes]
        elif n < 4:
            yield [np.full(shape, high if n == 2 else low, dtype) for shape in shapes]
        else:
            waves = [high / 3.2 * n * np.sin(np.arange(np.prod(shape)) / (3 + n)).reshape(shape) for shape in shapes]
            noise = [random.normal(size=wave.shape) * high / 14 for wave in waves]
            yield [np.clip(a + b, low, high).astype(dtype) for a, b in zip(waves, noise, strict=True)]


def assert_same(program):
    assert program.sanitised().startswith("0 of ")
    distinct = set()
    for arrays in windows(program.data):
        expected = run_reference_kernels(program.data, arrays)
        found = program.answers(arrays, [np.empty_like(array) for array in expected])
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        distinct.add(b"".join(array.tobytes() for array in expected))
    assert len(distinct) > 1, "a model that always answers the same proves nothing"


class File:
    """A graph whose tensors are numbered as they are made."""

    def __init__(self):
        self.tensors, self.buffers, self.operators, self.kinds = [], [schema.BufferT()], [], []

    def tensor(self, shape, dtype, scales=(), zero_point=0, axis=0) -> int:
        """scales: one, or one for each of the channels along `axis`."""
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
        """The output. options: the schema's object."""
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
