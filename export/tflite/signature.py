"""The inputs and outputs of a file, as its metadata describe them."""

from collections.abc import Mapping

from ai_edge_litert import schema_py_generated as schema

from export.tflite import flatbuffer
from firmware_bench.runtime.metadata import Tensor
from firmware_bench.runtime.streaming_model import NEXT

Tensors = tuple[Tensor, ...]


def describe_ends(data: bytes, names: Mapping[str, str] | None = None) -> tuple[Tensors, Tensors]:
    """Describes all inputs and all outputs, in the file's order.

    Args:
        data: A TFLite file.
        names: Output name in the file's signature → another one.

    Returns:
        (inputs, outputs)
    """
    file = flatbuffer.read(data)
    (graph,), (signature,) = file.subgraphs, file.signatureDefs
    inputs = {entry.tensorIndex: entry.name.decode() for entry in signature.inputs}
    outputs = {}
    for entry in signature.outputs:
        name: str = entry.name.decode()
        outputs[entry.tensorIndex] = names.get(name, name) if names else name
    return (
        tuple(_describe_tensor(graph.tensors[index], inputs[index]) for index in graph.inputs),
        tuple(_describe_tensor(graph.tensors[index], outputs[index]) for index in graph.outputs),
    )


def describe_tensors(data: bytes, names: Mapping[str, str] | None = None) -> tuple[Tensors, Tensors]:
    """As `describe_ends`, without the next values of states, which have the format of the states.

    Args:
        data, names: As in `describe_ends`.

    Returns:
        (inputs, outputs)
    """
    inputs, outputs = describe_ends(data, names)
    next_states = {NEXT + tensor.name for tensor in inputs}
    return inputs, tuple(tensor for tensor in outputs if tensor.name not in next_states)


def _describe_tensor(tensor: schema.TensorT, name: str) -> Tensor:
    scale, zero_point = flatbuffer.scale_and_zero_point(tensor) or (0.0, 0)
    return Tensor(name, tuple(int(n) for n in tensor.shape), flatbuffer.type_name(tensor).lower(), scale, zero_point)
