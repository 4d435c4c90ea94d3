"""Makes a TFLite file small: leaves out what no runtime reads, and writes equal things once."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.tflite.flatbuffer import FLOAT_TYPES, has_input, operators, short_name
from export.tflite.operator_facts import facts
from firmware_bench.runtime.metadata_format import METADATA_NAME


def compact(model: schema.ModelT) -> None:
    """Removes names of constants and of integers inside the graph, ranges, repeated constants, scales of biases and the
    converter's own metadata, in place."""
    model.metadata = [entry for entry in model.metadata or [] if entry.name == METADATA_NAME.encode()]
    _share_scales_of_biases(model)
    _move_shapes_to_options(model)
    _drop_unused_tensors(model)
    for position, graph in enumerate(model.subgraphs):
        entries = [e for s in _signatures(model, position) for e in (*s.inputs, *s.outputs)]
        ends = {**dict.fromkeys([*graph.inputs, *graph.outputs]), **{e.tensorIndex: e.name for e in entries}}
        computed = {int(t) for o in graph.operators for t in o.outputs if graph.tensors[t].type in FLOAT_TYPES}
        for number, tensor in enumerate(graph.tensors):
            named = number in ends or number in computed  # an error may have to name them
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


def drop_unused_operator_codes(model: schema.ModelT) -> None:
    """Removes the kinds of operators that no operator is of, in place: a runtime refuses a version that it lacks."""
    every = [operator for graph in model.subgraphs for operator in graph.operators]
    used = sorted({operator.opcodeIndex for operator in every})
    places = {index: place for place, index in enumerate(used)}
    model.operatorCodes = [model.operatorCodes[index] for index in used]
    for operator in every:
        operator.opcodeIndex = places[operator.opcodeIndex]


def _share_scales_of_biases(model):
    """A bias counts in products of the input's scale and the weights', so no runtime reads a scale of its own from the
    file. XNNPACK asks for one per channel all the same, and gets the weights', which are written already."""
    for name, operator, graph in operators(model):
        for position in facts(name).biases:
            if not has_input(operator, position):
                continue
            bias, weights = (graph.tensors[operator.inputs[n]].quantization for n in (position, 1))
            scales = [0 if part is None or part.scale is None else len(part.scale) for part in (bias, weights)]
            if scales[0] == scales[1] > 1:
                bias.scale, bias.zeroPoint = weights.scale, weights.zeroPoint


def _move_shapes_to_options(model):
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
    """Removes the buffers that no tensor and no metadata refer to; the first stands for "no data" and stays."""
    users = [*(tensor for graph in model.subgraphs for tensor in graph.tensors), *(model.metadata or [])]
    used = sorted({0} | {user.buffer for user in users})
    position = {old: new for new, old in enumerate(used)}
    model.buffers = [model.buffers[old] for old in used]
    for user in users:
        user.buffer = position[user.buffer]
