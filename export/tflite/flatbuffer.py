"""A TFLite file as Python objects (ModelT of the TFLite schema): read, look into, write."""

import copy
from collections.abc import Iterator

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import DTypeLike

from firmware_bench.runtime.metadata import ModelMetadata
from firmware_bench.runtime.metadata_format import METADATA_NAME, encode_metadata

FLOAT_TYPES = {
    schema.TensorType.FLOAT16,
    schema.TensorType.FLOAT32,
    schema.TensorType.FLOAT64,
    schema.TensorType.BFLOAT16,
}

BUILTIN_OPERATORS = {name: code for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_OPERATOR_NAMES = {code: name for name, code in BUILTIN_OPERATORS.items()}
_TYPE_CODES = {name: code for name, code in vars(schema.TensorType).items() if not name.startswith("_")}
_TYPE_NAMES = {code: name for name, code in _TYPE_CODES.items()}


class _AlignedBuffer(schema.BufferT):
    """A buffer whose data starts at a multiple of 16 bytes. The schema asks for it; its generated Python code does not
    do it. Cortex-M cores fault on weights that are not aligned to words, or read them slowly.
    """

    def Pack(self, builder):
        data = None
        if self.data is not None:
            payload = np.asarray(self.data, np.uint8).tobytes()
            builder.StartVector(1, len(payload), 16)
            builder.head -= len(payload)
            builder.Bytes[builder.head : builder.head + len(payload)] = payload
            data = builder.EndVector()
        schema.BufferStart(builder)
        if data is not None:
            schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


class _Builder(flatbuffers.Builder):
    """Writes equal vectors of numbers, scales and options once. They are half of a file of many small tensors."""

    def __init__(self):
        super().__init__(1 << 20)
        self.written = {}

    def once(self, content, write):
        if content not in self.written:
            self.written[content] = write()
        return self.written[content]

    def CreateNumpyVector(self, x):
        return self.once((x.dtype.str, x.tobytes()), lambda: flatbuffers.Builder.CreateNumpyVector(self, x))

    def CreateString(self, s, encoding="utf-8", errors="strict"):
        return self.once(s, lambda: flatbuffers.Builder.CreateString(self, s, encoding, errors))


class _Once:
    """A table that is written only where no equal one is."""

    def __init__(self, table):
        self.table = table

    def Pack(self, builder):
        values = {
            name: np.ndarray.tolist(v) if isinstance(v, np.ndarray) else v for name, v in vars(self.table).items()
        }
        return builder.once((type(self.table), repr(values)), lambda: self.table.Pack(builder))


class _Tensor(schema.TensorT):
    def Pack(self, builder):
        return schema.TensorT.Pack(_with_once(self, "quantization"), builder)


class _Operator(schema.OperatorT):
    def Pack(self, builder):
        operator = _with_once(self, "builtinOptions")
        operator.inputs, operator.outputs = (np.asarray(ends, np.int32) for ends in (self.inputs, self.outputs))
        return schema.OperatorT.Pack(operator, builder)


def _with_once(owner, part):
    table, owner = getattr(owner, part), copy.copy(owner)
    setattr(owner, part, table and _Once(table))
    return owner


def read(data: bytes) -> schema.ModelT:
    """Reads the object tree of the TFLite file `data`."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))


def write(model: schema.ModelT) -> bytes:
    """Writes the object tree as a TFLite file. Weights must lie inside the flatbuffer (files under 2 GB do)."""
    for buffer in model.buffers:
        buffer.__class__ = _AlignedBuffer
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.__class__ = _Tensor
        for operator in graph.operators or []:
            operator.__class__ = _Operator
    builder = _Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def operator_name(model: schema.ModelT, operator: schema.OperatorT) -> str:
    """The schema's name of an operator's kind, such as CONV_2D; a custom operator is CUSTOM:<its name>."""
    code = model.operatorCodes[operator.opcodeIndex]
    name = _OPERATOR_NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]
    return f"CUSTOM:{code.customCode.decode()}" if name == "CUSTOM" else name


def operators(model: schema.ModelT) -> Iterator[tuple[str, schema.OperatorT, schema.SubGraphT]]:
    """Iterates over (name, operator, subgraph) of every operator, in order of execution."""
    for graph in model.subgraphs:
        for operator in graph.operators or []:
            yield operator_name(model, operator), operator, graph


def type_name(tensor: schema.TensorT) -> str:
    """The schema's name of the tensor's type, such as INT8."""
    return _TYPE_NAMES[tensor.type]


def tensor_type(dtype: DTypeLike) -> int:
    """The schema's code of a numpy type."""
    return _TYPE_CODES[np.dtype(dtype).name.upper()]


def has_input(operator: schema.OperatorT, position: int) -> bool:
    """Whether `operator` has the optional input at `position`."""
    return position < len(operator.inputs) and operator.inputs[position] >= 0


def constant_values(model: schema.ModelT, tensor: schema.TensorT) -> np.ndarray | None:
    """The numbers of a constant tensor in its shape and type; None for an activation."""
    data = model.buffers[tensor.buffer].data
    if data is None or len(data) == 0:
        return None
    shape = () if tensor.shape is None else tuple(int(n) for n in tensor.shape)
    return np.frombuffer(np.asarray(data, np.uint8).tobytes(), type_name(tensor).lower()).reshape(shape)


def tensor_name(tensor: schema.TensorT) -> str:
    """The tensor's name in the file; empty where it has none."""
    return (tensor.name or b"").decode()


def short_name(tensor: schema.TensorT) -> str:
    """The last of the layers that the converter has merged, without the model's name: the converter's names are a tenth
    of a small file."""
    last = tensor_name(tensor).split(";")[-1]
    return last.partition("/")[2] or last


def scale_and_zero_point(tensor: schema.TensorT) -> tuple[float, int] | None:
    """Scale and zero point of a tensor that is quantised as a whole; None where it is not quantised."""
    quantisation = tensor.quantization
    if quantisation is None or quantisation.scale is None or len(quantisation.scale) == 0:
        return None
    return float(quantisation.scale[0]), int(quantisation.zeroPoint[0])


def set_metadata(data: bytes, metadata: ModelMetadata) -> bytes:
    """Writes metadata into a file, in place of what it carries.

    Args:
        data: A TFLite file.
        metadata: What it states about itself.

    Returns:
        The file.
    """
    return set_metadata_payload(data, encode_metadata(metadata))


def set_metadata_payload(data: bytes, payload: bytes) -> bytes:
    """Writes `payload` as the metadata entry METADATA_NAME, in place of an earlier one.

    Returns:
        The file.
    """
    model, array = read(data), np.frombuffer(payload, np.uint8)
    for entry in model.metadata or []:
        if entry.name == METADATA_NAME.encode():
            model.buffers[entry.buffer].data = array
            return write(model)
    model.buffers.append(schema.BufferT(data=array))
    entry = schema.MetadataT(name=METADATA_NAME.encode(), buffer=len(model.buffers) - 1)
    model.metadata = [*(model.metadata or []), entry]
    return write(model)
