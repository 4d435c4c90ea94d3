"""Order of the operators and tensors in a file, from which TensorFlow Lite Micro plans its arena."""

from ai_edge_litert import schema_py_generated as schema

from export.tflite import compaction, flatbuffer
from export.tflite.operator_facts import facts


def compact_for_micro(model: schema.ModelT) -> None:
    """Compacts the file and orders it so that TensorFlow Lite Micro needs the smallest arena, in place.

    Operators stand in depth-first order from the outputs, tensors in the order in which they are computed.
    """
    (graph,) = model.subgraphs
    drop_leading_ones(model)
    compaction.compact(model)
    graph.operators = order_depth_first(graph)
    for operator in graph.operators:
        operator.mutatingVariableInputs = operator.intermediates = None
    renumber_tensors(model)
    compaction.drop_unused_buffers(model)


def drop_leading_ones(model: schema.ModelT) -> None:
    """Lets operators that broadcast read the input of a RESHAPE that only removes leading axes of length 1."""
    (graph,) = model.subgraphs
    shapes = [[] if tensor.shape is None else [*tensor.shape] for tensor in graph.tensors]
    origin = {}
    for name, operator, _ in flatbuffer.operators(model):
        if name == "RESHAPE":
            before, after = int(operator.inputs[0]), int(operator.outputs[0])
            ones = len(shapes[before]) - len(shapes[after])
            if shapes[before] == [1] * ones + shapes[after]:
                origin[after] = before
    for name, operator, _ in flatbuffer.operators(model):
        if facts(name).broadcasts:
            sources = [origin.get(int(tensor), int(tensor)) for tensor in operator.inputs]
            if max(len(shapes[source]) for source in sources) <= len(shapes[operator.outputs[0]]):
                operator.inputs = sources


def order_depth_first(graph: schema.SubGraphT) -> list[schema.OperatorT]:
    """The operators of `graph`, depth first from the outputs, each one's first input first."""
    makers = {int(tensor): operator for operator in graph.operators for tensor in operator.outputs}
    ordered, stack = {}, [(makers[int(tensor)], False) for tensor in graph.outputs[::-1]]
    while stack:
        operator, ready = stack.pop()
        if ready:
            ordered.setdefault(id(operator), operator)
        elif id(operator) not in ordered:
            before = [makers[int(tensor)] for tensor in operator.inputs if int(tensor) in makers]
            stack += [(operator, True), *((other, False) for other in before[::-1])]
    return list(ordered.values())


def renumber_tensors(model: schema.ModelT) -> None:
    """Numbers the tensors from the last that is computed to the first, and equal constants alike.

    Of equally large tensors TensorFlow Lite Micro places the one with the highest number first: in this order they fit
    without gaps.
    """
    (graph,), (signature,) = model.subgraphs, model.signatureDefs
    parts = [graph.inputs, *(part for operator in graph.operators for part in (operator.inputs, operator.outputs))]
    used = dict.fromkeys(int(tensor) for part in parts for tensor in part if tensor >= 0)
    position, tensors, constants = {-1: -1}, [], {}
    for number in reversed(used):
        tensor = graph.tensors[number]
        content = repr([tensor.buffer, tensor.shape, tensor.quantization and vars(tensor.quantization)])
        position[number] = constants.setdefault(content, len(tensors)) if tensor.buffer else len(tensors)
        tensors += [tensor] if position[number] == len(tensors) else []
    graph.tensors = tensors
    for owner in (graph, *graph.operators):
        owner.inputs, owner.outputs = (
            [position[int(tensor)] for tensor in part] for part in (owner.inputs, owner.outputs)
        )
    for entry in (*signature.inputs, *signature.outputs):
        entry.tensorIndex = position[entry.tensorIndex]
