"""A TFLite file as Python objects (ModelT of the TFLite schema): read, look into, edit, write."""

import copy

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from firmware_bench.runtime.metadata import ModelMetadata
from firmware_bench.runtime.metadata_format import METADATA_NAME, encode_metadata

BIASES = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "FULLY_CONNECTED": 2, "TRANSPOSE_CONV": 3}  # operator → which input

FLOATS = {schema.TensorType.FLOAT16, schema.TensorType.FLOAT32, schema.TensorType.FLOAT64, schema.TensorType.BFLOAT16}

_OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_TYPES = {code: name for name, code in vars(schema.TensorType).items() if not name.startswith("_")}


class _AlignedBuffer(schema.BufferT):
    """A buffer whose data starts at a multiple of 16 bytes, which the schema asks for and the generated Python code
    forgets. Cortex-M cores fault on, or crawl through, weights that straddle words.
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
    """Writes what is equal once: vectors of numbers, scales, options. They are half of a file of many small tensors."""

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
    """The file's object tree."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))


def write(model: schema.ModelT) -> bytes:
    """The object tree as a file. Weights must lie inside the flatbuffer (files under 2 GB do)."""
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


def compact(model: schema.ModelT) -> None:
    """Leaves out what no runtime reads: names of constants and integers inside the graph, ranges, constants more than
    once, scales of biases, what the converter says of itself."""
    model.metadata = [entry for entry in model.metadata or [] if entry.name == METADATA_NAME.encode()]
    _share_scales_of_biases(model)
    _tell_shapes_by_options(model)
    _drop_unused_tensors(model)
    for position, graph in enumerate(model.subgraphs):
        entries = [e for s in _signatures(model, position) for e in (*s.inputs, *s.outputs)]
        ends = {**dict.fromkeys([*graph.inputs, *graph.outputs]), **{e.tensorIndex: e.name for e in entries}}
        made = {int(t) for o in graph.operators for t in o.outputs if graph.tensors[t].type in FLOATS}
        for number, tensor in enumerate(graph.tensors):
            named = number in ends or number in made  # those an error may have to name
            tensor.name = ends.get(number) or (short_name(tensor).encode() if named else None)
            tensor.shapeSignature, tensor.hasRank = None, False
            if tensor.quantization is not None:
                tensor.quantization.min = tensor.quantization.max = None
    first = {}
    for tensor in [tensor for graph in model.subgraphs for tensor in graph.tensors]:
        data = model.buffers[tensor.buffer].data
        content = b"" if data is None else np.asarray(data, np.uint8).tobytes()
        tensor.buffer = first.setdefault(content, tensor.buffer) if content else 0  # the first one is always empty
    drop_unused_buffers(model)


def _share_scales_of_biases(model):
    """A bias counts in products of the input's scale and the weights', so no runtime reads a scale of its own from the
    file. XNNPACK asks for one per channel all the same, and gets the weights', which are written already."""
    for name, operator, graph in operators(model):
        place = BIASES.get(name)
        if place and place < len(operator.inputs) and operator.inputs[place] >= 0:
            bias, weights = (graph.tensors[operator.inputs[n]].quantization for n in (place, 1))
            scales = [0 if part is None or part.scale is None else len(part.scale) for part in (bias, weights)]
            if scales[0] == scales[1] > 1:
                bias.scale, bias.zeroPoint = weights.scale, weights.zeroPoint


def _tell_shapes_by_options(model):
    """A RESHAPE may have its shape as a constant tensor or as an option, which is as good as the vector of its output's
    shape, and written already."""
    for name, operator, graph in operators(model):
        shape = graph.tensors[operator.outputs[0]].shape
        if name == "RESHAPE" and shape is not None and len(shape):
            operator.inputs = operator.inputs[:1]
            operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
            operator.builtinOptions = schema.ReshapeOptionsT(newShape=np.asarray(shape, np.int32))


def _signatures(model, subgraph):
    return [signature for signature in model.signatureDefs or [] if signature.subgraphIndex == subgraph]


def _drop_unused_tensors(model):
    for position, graph in enumerate(model.subgraphs):
        entries = [e for s in _signatures(model, position) for e in (*s.inputs, *s.outputs)]
        owners = [(graph, ("inputs", "outputs"))]
        owners += [(operator, ("inputs", "outputs", "intermediates")) for operator in graph.operators]
        named = [getattr(owner, part) for owner, parts in owners for part in parts if getattr(owner, part) is not None]
        used = sorted({int(tensor) for tensors in named for tensor in tensors} - {-1})
        place = {-1: -1, **{old: new for new, old in enumerate(used)}}
        graph.tensors = [graph.tensors[old] for old in used]
        for owner, parts in owners:
            for part in parts:
                if getattr(owner, part) is not None:
                    setattr(owner, part, np.array([place[int(old)] for old in getattr(owner, part)], np.int32))
        for entry in entries:
            entry.tensorIndex = place[entry.tensorIndex]


def drop_unused_buffers(model: schema.ModelT) -> None:
    """Leaves the first buffer, which stands for "no data", and those that tensors or metadata refer to."""
    users = [*(tensor for graph in model.subgraphs for tensor in graph.tensors), *(model.metadata or [])]
    used = sorted({0} | {user.buffer for user in users})
    moved = {old: new for new, old in enumerate(used)}
    model.buffers = [model.buffers[old] for old in used]
    for user in users:
        user.buffer = moved[user.buffer]


def operator_name(model: schema.ModelT, operator: schema.OperatorT) -> str:
    """The schema's name of an operator's kind, such as CONV_2D; a custom operator is CUSTOM:<its name>."""
    code = model.operatorCodes[operator.opcodeIndex]
    name = _OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]
    return f"CUSTOM:{code.customCode.decode()}" if name == "CUSTOM" else name


def operators(model: schema.ModelT):
    """(name, operator, subgraph) of every operator, in order of execution."""
    for graph in model.subgraphs:
        for operator in graph.operators or []:
            yield operator_name(model, operator), operator, graph


def type_name(tensor: schema.TensorT) -> str:
    return _TYPES[tensor.type]


def tensor_name(tensor: schema.TensorT) -> str:
    return (tensor.name or b"").decode()


def short_name(tensor: schema.TensorT) -> str:
    """The layer and what it calculates: of the layers that the converter has merged, the last, without the model's
    name. Converter's names are a tenth of a small file."""
    last = tensor_name(tensor).split(";")[-1]
    return last.partition("/")[2] or last


def scale_and_zero_point(tensor: schema.TensorT) -> tuple[float, int] | None:
    """Of a tensor quantised as a whole; None where it is not quantised."""
    quantisation = tensor.quantization
    if quantisation is None or quantisation.scale is None or len(quantisation.scale) == 0:
        return None
    return float(quantisation.scale[0]), int(quantisation.zeroPoint[0])


def set_metadata(data: bytes, metadata: ModelMetadata) -> bytes:
    """Return the file with `metadata` in place of what it carries."""
    return set_metadata_payload(data, encode_metadata(metadata))


def set_metadata_payload(data: bytes, payload: bytes) -> bytes:
    """Return the file with `payload` as its entry METADATA_NAME, in place of an earlier one."""
    model, array = read(data), np.frombuffer(payload, np.uint8)
    for entry in model.metadata or []:
        if entry.name == METADATA_NAME.encode():
            model.buffers[entry.buffer].data = array
            return write(model)
    model.buffers.append(schema.BufferT(data=array))
    entry = schema.MetadataT(name=METADATA_NAME.encode(), buffer=len(model.buffers) - 1)
    model.metadata = [*(model.metadata or []), entry]
    return write(model)
