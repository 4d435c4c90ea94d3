"""Where operators and tensors stand in a file, so that TensorFlow Lite Micro finds room for them in little memory."""

from export.tflite import flatbuffer

ELEMENTWISE = {"ADD", "SUB", "MUL"}


def compact(model) -> None:
    """Leaves out what no runtime reads. Operators stand where their outputs are asked for, and tensors in the order in
    which they are made: so TensorFlow Lite Micro finds room for them in the least memory."""
    (graph,) = model.subgraphs
    drop_idle_reshapes(model)
    flatbuffer.compact(model)
    graph.operators = depth_first(graph)
    for operator in graph.operators:
        operator.mutatingVariableInputs = operator.intermediates = None
    renumber(model)
    flatbuffer.drop_unused_buffers(model)


def drop_idle_reshapes(model) -> None:
    """Lets sums and products read what a RESHAPE has only taken the leading ones from: they broadcast all the same."""
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
        if name in ELEMENTWISE:
            sources = [origin.get(int(tensor), int(tensor)) for tensor in operator.inputs]
            if max(len(shapes[source]) for source in sources) <= len(shapes[operator.outputs[0]]):
                operator.inputs = sources


def depth_first(graph) -> list:
    """The operators of `graph` in the order in which the outputs ask for them, each one's first input first."""
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


def renumber(model) -> None:
    """Numbers the tensors from the last that is made to the first, and equal constants alike. Of equally large tensors
    TensorFlow Lite Micro finds room for the highest number first: in this order they fit without gaps."""
    (graph,), (signature,) = model.subgraphs, model.signatureDefs
    parts = [graph.inputs, *(part for operator in graph.operators for part in (operator.inputs, operator.outputs))]
    named = dict.fromkeys(int(tensor) for part in parts for tensor in part if tensor >= 0)
    place, tensors, constants = {-1: -1}, [], {}
    for number in reversed(named):
        tensor = graph.tensors[number]
        content = repr([tensor.buffer, tensor.shape, tensor.quantization and vars(tensor.quantization)])
        place[number] = constants.setdefault(content, len(tensors)) if tensor.buffer else len(tensors)
        tensors += [tensor] if place[number] == len(tensors) else []
    graph.tensors = tensors
    for owner in (graph, *graph.operators):
        owner.inputs, owner.outputs = (
            [place[int(tensor)] for tensor in part] for part in (owner.inputs, owner.outputs)
        )
    for entry in (*signature.inputs, *signature.outputs):
        entry.tensorIndex = place[entry.tensorIndex]
