"""A .tflite file, read into the generator's intermediate representation."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.c99.ir import GraphOperator, GraphTensor, IntegerGraph, ModelDescription, StreamingSpec
from export.c99.names import argument_names
from export.c99.passes.fold_widened_constants import widened_constant
from export.c99.passes.fuse_attention import fuse_attention
from export.tflite import flatbuffer
from firmware_bench.runtime.errors import InputError, ModelError
from firmware_bench.runtime.metadata import ModelMetadata
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.streaming_model import NEXT
from firmware_bench.runtime.tflite_verifier import read_model_table

_DTYPES = {
    schema.TensorType.INT8: np.int8,
    schema.TensorType.INT16: np.int16,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
}


def read_graph(data: bytes) -> IntegerGraph:
    """Read the graph of a fully integer .tflite file.

    Args:
        data: The file.

    Returns:
        Its operators and tensors, after the passes that rewrite the graph.

    Raises:
        InputError: `data` is no .tflite file, or computes in floats or in both 8 and 16 bits.
    """
    read_model_table(data)
    try:
        model: Any = flatbuffer.read(data)
        (graph,) = model.subgraphs
        tensors = [_tensor(model, tensor, index) for index, tensor in enumerate(graph.tensors)]
        operators = _operators(model, graph, tensors)
        operators = fuse_attention(operators, {int(index) for index in graph.outputs})
        inputs, outputs = (tuple(tensors[index] for index in ends) for ends in (graph.inputs, graph.outputs))
        metadata = _metadata(data)
        known = _names(model, graph, metadata)
        names = argument_names(*([known[tensor.index] for tensor in ends] for ends in (inputs, outputs)))
        streaming = _streaming(metadata, {name: tensors[index] for index, name in known.items()})
        description = _description(metadata)
    except Exception as error:  # a damaged FlatBuffer fails anywhere, and in any way
        raise InputError(f"this is not a TensorFlow Lite file, or a damaged one ({error!r}): export it again") from None
    return IntegerGraph(inputs, outputs, names, operators, _value_type(operators), streaming, description)


def _tensor(model, tensor, index):
    quantisation = tensor.quantization
    scales = [] if quantisation is None or quantisation.scale is None else quantisation.scale
    zero_points = [] if quantisation is None or quantisation.zeroPoint is None else quantisation.zeroPoint
    shape = tuple(int(n) for n in tensor.shape) if tensor.shape is not None else ()
    dtype = _DTYPES.get(tensor.type)
    raw = model.buffers[tensor.buffer].data
    data = None
    if raw is not None and len(raw) > 0 and dtype is not None:
        # The converter may keep zeros once for tensors of several lengths: a buffer can be longer than its tensor.
        data = np.frombuffer(bytes(bytearray(raw)), dtype)[: math.prod(shape)].reshape(shape)
    return GraphTensor(
        index=index,
        shape=shape,
        dtype=dtype,
        scales=np.asarray(scales, np.float32).astype(np.float64),
        zero_point=int(zero_points[0]) if len(zero_points) else 0,
        data=data,
    )


def _operators(model, graph, tensors) -> tuple[GraphOperator, ...]:
    """The operators in order of execution. Widened constants become constants of `tensors`."""
    found = []
    for operator in graph.operators:
        name, constant = flatbuffer.operator_name(model, operator), None
        if name == "QUANTIZE":
            constant = widened_constant(tensors[operator.inputs[0]], tensors[operator.outputs[0]])
        if constant is None:
            found.append((name, operator))
        else:
            tensors[constant.index] = constant

    def chosen(indices) -> tuple[Any, ...]:
        return tuple(None if i < 0 else tensors[i] for i in (() if indices is None else indices))

    return tuple(
        GraphOperator(
            name,
            model.operatorCodes[operator.opcodeIndex].version,
            chosen(operator.inputs),
            chosen(operator.outputs),
            operator.builtinOptions,
            operator.builtinOptionsType,
            chosen(operator.intermediates),
        )
        for name, operator in found
    )


def _metadata(data) -> ModelMetadata | None:
    """The metadata of a file; None for a file of another program."""
    try:
        return read_metadata(data)
    except ModelError:
        return None


def _names(model, graph, metadata) -> dict[int, str]:
    """{input or output: its name} by the metadata, or else by the signature, or else of the tensor."""
    ends = [int(index) for index in (*graph.inputs, *graph.outputs)]
    names = {index: flatbuffer.tensor_name(graph.tensors[index]) for index in ends}
    for signature in (model.signatureDefs or [])[:1]:
        names |= {entry.tensorIndex: entry.name.decode() for entry in (*signature.inputs, *signature.outputs)}
    for described, indices in ((metadata.inputs, graph.inputs), (metadata.outputs, graph.outputs)) if metadata else ():
        if len(described) == len(indices):
            names |= {int(index): tensor.name for index, tensor in zip(indices, described, strict=True)}
    return names


def _streaming(metadata, tensors: dict[str, GraphTensor]) -> StreamingSpec | None:
    about = metadata.streaming if metadata else None
    if about is None:
        return None
    states = tuple((tensors[state], tensors[NEXT + state]) for state in about.states)
    return StreamingSpec(about.step, about.delay, about.window, states, tensors.get("valid"), tensors.get("share"))


def _description(metadata) -> ModelDescription:
    if metadata is None:
        return ModelDescription()
    about = ModelDescription(metadata.architecture, tuple(metadata.labels), metadata.fs, tuple(metadata.leads))
    if (reference := metadata.reference) is None or not reference.vectors:
        return about
    reference = dataclasses.replace(reference, seed=reference.seed & 0xFFFFFFFF or 1)
    return dataclasses.replace(about, reference=reference)


def _value_type(operators: Sequence[GraphOperator]) -> type:
    """int8 or int16, whichever all operators compute in. InputError for any other type, or both."""
    found, shifted = {}, None
    for operator in operators:
        # The LSTM has tensors of shape [0] for omitted inputs, and its cell state has 16 bits.
        used = [t for t in (*operator.operands, *operator.outputs) if t.size and t.data is None]
        if operator.name == "UNIDIRECTIONAL_SEQUENCE_LSTM":
            used = [operator.operand(0), *operator.outputs]
        for tensor in used:
            if tensor.dtype not in (np.int8, np.int16) or not len(tensor.scales):
                kind = "float or unknown" if tensor.dtype is None else np.dtype(tensor.dtype).name
                raise InputError(
                    f"operator {operator.name} computes with {kind} values (tensor {tensor.index}): "
                    "C99 is generated for fully integer files: export for the target mcu"
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
