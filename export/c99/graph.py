"""A fully integer .tflite file as operators and tensors, in the form that the generator works on."""

import dataclasses
import math

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.c99.fused import ATTENTION, fused
from export.tflite import flatbuffer
from export.tflite.operator_facts import INT16_STEPS_PER_INT8_CONSTANT
from firmware_bench.runtime.errors import InputError, ModelError
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.streaming_model import NEXT

_DTYPES = {
    schema.TensorType.INT8: np.int8,
    schema.TensorType.INT16: np.int16,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
}


@dataclasses.dataclass(frozen=True, eq=False)
class Tensor:
    """`data`: the values of a constant, else None. `scales`: one, one per channel, or none."""

    index: int
    shape: tuple[int, ...]
    dtype: type | None
    scales: np.ndarray
    zero_point: int
    data: np.ndarray | None

    @property
    def scale(self) -> float:
        return float(self.scales[0])

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def width(self) -> int:
        """Values of a row: the last axis."""
        return self.shape[-1] if self.shape else 1

    @property
    def rows(self) -> int:
        return self.size // self.width


@dataclasses.dataclass(frozen=True, eq=False)
class Operator:
    """`inputs` holds None for an input that is left out. `options`: the schema's object, of the schema's type
    `options_type`."""

    name: str
    version: int
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    options: object
    options_type: int
    intermediates: tuple[Tensor, ...] = ()

    @property
    def output(self) -> Tensor:
        return self.outputs[0]


@dataclasses.dataclass(frozen=True)
class Blocks:
    """How the file of one step takes a recording (export.convert.streaming_step): `step` samples at a time, its outputs
    late by `delay` steps, means over `window` samples. `states`: what goes in and the output that goes in next. Any of
    the rest of the inputs may be missing."""

    step: int
    delay: int
    window: int
    states: tuple[tuple[Tensor, Tensor], ...]
    valid: Tensor | None
    share: Tensor | None


@dataclasses.dataclass(frozen=True)
class Graph:
    """`names`: of the inputs and then of the outputs, as C identifiers. `dtype`: of all activations, int8 or int16.
    `blocks`: of a file of one step, else None."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    names: tuple[str, ...]
    operators: tuple[Operator, ...]
    dtype: type
    blocks: Blocks | None

    @property
    def multiplications(self) -> int:
        """Of values with weights, or with values in a matrix product, in one run; padding counts."""
        return sum(_multiplications(operator) for operator in self.operators)


def _multiplications(operator):
    if operator.name == ATTENTION:
        return sum(_multiplications(part) for part in operator.options.operators)
    values, output = operator.inputs[0], operator.output
    if operator.name == "UNIDIRECTIONAL_SEQUENCE_LSTM":
        matrices = [t for t in operator.inputs[1:9] if t is not None]  # of the input and the state, for each gate
        return values.rows * sum(matrix.size for matrix in matrices)
    if operator.name in ("CONV_2D", "FULLY_CONNECTED"):
        return output.size * operator.inputs[1].size // operator.inputs[1].shape[0]
    if operator.name == "TRANSPOSE_CONV":
        return operator.inputs[2].rows * operator.inputs[1].size
    if operator.name == "DEPTHWISE_CONV_2D":
        return output.size * operator.inputs[1].rows
    return output.size * values.width if operator.name == "BATCH_MATMUL" else 0


def read(data: bytes) -> Graph:
    """The graph of a .tflite file. InputError for what is no such file, and for one that computes in floats."""
    try:
        model = flatbuffer.read(data)
        (graph,) = model.subgraphs
        tensors = [_tensor(model, tensor, index) for index, tensor in enumerate(graph.tensors)]
        stored = [operator for operator in graph.operators if not _widened(model, operator, tensors)]
        operators = tuple(_operator(model, operator, tensors) for operator in stored)
        operators = fused(operators, {int(index) for index in graph.outputs})
        inputs, outputs = (tuple(tensors[index] for index in ends) for ends in (graph.inputs, graph.outputs))
        known = _signature(model)
        names = _names(known, graph)
        blocks = _blocks(data, known, tensors)
    except Exception as error:  # a damaged FlatBuffer fails anywhere, and in any way
        raise InputError(f"this is not a TensorFlow Lite file, or a damaged one ({error!r}): export it again") from None
    return Graph(inputs, outputs, names, operators, _value_type(operators), blocks)


def _tensor(model, tensor, index):
    quantisation = tensor.quantization
    scales = [] if quantisation is None or quantisation.scale is None else quantisation.scale
    zero_points = [] if quantisation is None or quantisation.zeroPoint is None else quantisation.zeroPoint
    shape = tuple(int(n) for n in tensor.shape) if tensor.shape is not None else ()
    dtype = _DTYPES.get(tensor.type)
    raw = model.buffers[tensor.buffer].data
    constant = raw is not None and len(raw) > 0 and dtype is not None
    return Tensor(
        index=index,
        shape=shape,
        dtype=dtype,
        scales=np.asarray(scales, np.float32).astype(np.float64),
        zero_point=int(zero_points[0]) if len(zero_points) else 0,
        # The converter may keep zeros once for tensors of several lengths: a buffer can be longer than its tensor.
        data=np.frombuffer(bytes(bytearray(raw)), dtype)[: math.prod(shape)].reshape(shape) if constant else None,
    )


def _widened(model, operator, tensors) -> bool:
    """Whether the operator only widens a constant of 8 bits (export.convert.int16_weights). If so the program has it as
    wide as it is needed, in flash; TensorFlow Lite Micro takes memory for it."""
    if flatbuffer.operator_name(model, operator) != "QUANTIZE" or tensors[operator.inputs[0]].data is None:
        return False
    narrow, wide = tensors[operator.inputs[0]], tensors[operator.outputs[0]]
    if (narrow.dtype, wide.dtype, narrow.scale) != (np.int8, np.int16, INT16_STEPS_PER_INT8_CONSTANT * wide.scale):
        return False
    values = (narrow.data.astype(np.int16) - narrow.zero_point) * INT16_STEPS_PER_INT8_CONSTANT
    tensors[operator.outputs[0]] = dataclasses.replace(wide, data=values)
    return True


def _operator(model, operator, tensors):
    def chosen(indices):
        return tuple(None if i < 0 else tensors[i] for i in (() if indices is None else indices))

    return Operator(
        flatbuffer.operator_name(model, operator),
        model.operatorCodes[operator.opcodeIndex].version,
        chosen(operator.inputs),
        chosen(operator.outputs),
        operator.builtinOptions,
        operator.builtinOptionsType,
        chosen(operator.intermediates),
    )


# In model.c.
TAKEN = {"arena", "window", "hidden", "cell", "row", "sums", "made", "sample", "flow", "finish", "pushed", "blocks",
         "inside", "count", "step"}  # fmt: skip


def _signature(model):
    """{tensor: its name in the signature}"""
    signatures = model.signatureDefs or []
    ends = [*(signatures[0].inputs if signatures else []), *(signatures[0].outputs if signatures else [])]
    return {entry.tensorIndex: entry.name.decode() for entry in ends}


def _names(known, graph):
    """Those of the signature, or else of the tensors."""
    names = []
    for index in (*graph.inputs, *graph.outputs):
        name = known.get(index) or flatbuffer.tensor_name(graph.tensors[index])
        name = "".join(c if c.isascii() and c.isalnum() else "_" for c in name).strip("_") or "tensor"
        name = f"t{name}" if name[0].isdigit() else name
        names.append(f"{name}_{len(names)}" if name in TAKEN.union(names) else name)
    return tuple(names)


def _blocks(data, known, tensors):
    try:
        about = read_metadata(data).streaming
    except ModelError:  # a file of somebody else
        return None
    if about is None:
        return None
    named = {name: tensors[index] for index, name in known.items()}
    states = tuple((named[state], named[NEXT + state]) for state in about.states)
    return Blocks(about.step, about.delay, about.window, states, named.get("valid"), named.get("share"))


def _value_type(operators):
    """int8 or int16. InputError for operators that compute in anything else, or in both."""
    found, shifted = {}, None
    for operator in operators:
        # The LSTM lists tensors of shape [0] for what it leaves out, and its cell state has 16 bits.
        used = [t for t in (*operator.inputs, *operator.outputs) if t is not None and t.size and t.data is None]
        if operator.name == "UNIDIRECTIONAL_SEQUENCE_LSTM":
            used = [operator.inputs[0], *operator.outputs]
        for tensor in used:
            if tensor.dtype not in (np.int8, np.int16) or not len(tensor.scales):
                kind = "float or unknown" if tensor.dtype is None else np.dtype(tensor.dtype).name
                raise InputError(
                    f"operator {operator.name} computes with {kind} values (tensor {tensor.index}): "
                    "C99 is generated for fully integer files; export with --int8"
                )
            found[tensor.dtype] = operator.name
            shifted = operator.name if tensor.zero_point else shifted
    if len(found) > 1:
        raise InputError(
            f"operator {found[np.int16]} computes with int16 values and {found[np.int8]} with int8: "
            "C99 is generated for files of one type"
        )
    if np.int16 in found and shifted:
        raise InputError(f"operator {shifted} has a zero point in 16 bits: convert it again")
    return next(iter(found), np.int8)
