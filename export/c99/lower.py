"""From a graph to the steps of a program: what only renames, turns round or moves in time costs nothing, functions of
one value become tables, and an LSTM that runs backwards takes its rows from the end."""

import dataclasses

import numpy as np

from export.c99 import convolutions, copies, elementwise, matrices, pools
from export.c99 import operators as ops
from export.c99.attention import attention
from export.c99.fused import ATTENTION
from export.c99.graph import Graph, Operator, Tensor
from export.c99.steps import LSTM, Step, Storage, TimeMean, View
from export.c99.tables import VALUES, evaluate
from firmware_bench.runtime.errors import InputError

RECURRENT = "UNIDIRECTIONAL_SEQUENCE_LSTM"


@dataclasses.dataclass(frozen=True)
class Recording:
    """A program that takes a recording block by block: the fields of graph.Blocks. `states`: where one lies and where
    its next value is when a step is done."""

    step: int
    delay: int
    window: int
    states: list[tuple[View, View]]
    valid: View | None
    share: View | None


@dataclasses.dataclass(frozen=True)
class Program:
    """Steps in order of execution. `inputs` and `outputs` are views of what the caller gives and gets, with `names`;
    `sums`: how many 32-bit sums the steps share; `dtype`: of all values, int8 or int16."""

    steps: list[Step]
    inputs: list[View]
    outputs: list[View]
    names: tuple[str, ...]
    sums: int
    dtype: type
    recording: Recording | None = None

    @property
    def bytes(self) -> int:
        """Of a value."""
        return np.dtype(self.dtype).itemsize


def lower(graph: Graph) -> Program:
    """Raises InputError for an operator that has no C kernel, by its name."""
    lowering = _Lowering(graph)
    for operator in graph.operators:
        lowering.take(operator)
    outputs = [lowering.view(tensor) for tensor in graph.outputs]
    for view in outputs:
        view.storage.kept = True
    for step in lowering.steps:
        for view in step.inputs:
            view.storage.consumers.append(step)
    _add_up(lowering.steps)
    program = Program(lowering.steps, lowering.inputs, outputs, graph.names, lowering.sums, graph.dtype)
    return program if graph.blocks is None else _by_blocks(program, graph)


def _by_blocks(program, graph):
    """The program whose caller gives the signal and gets what is no state."""
    ends = {view.tensor.index: view for view in (*program.inputs, *program.outputs)}
    names = {view.tensor.index: name for view, name in zip(ends.values(), program.names, strict=True)}
    blocks = graph.blocks
    states = [tuple(ends.pop(tensor.index) for tensor in state) for state in blocks.states]
    controls = [tensor and ends.pop(tensor.index) for tensor in (blocks.valid, blocks.share)]
    if not all(state.tensor.zero_point == 0 and state.tensor.size == after.tensor.size for state, after in states):
        raise InputError("a state does not start at zero, or changes its size: export the step again")
    for state, _ in states:
        state.storage.state = True
    inputs = [view for view in program.inputs if view.tensor.index in ends]
    outputs = [view for view in program.outputs if view.tensor.index in ends]
    if len(inputs) != 1 or inputs[0].tensor.rows != blocks.step:
        raise InputError("the step does not take one block of one signal: export it again")
    names = tuple(names[view.tensor.index] for view in (*inputs, *outputs))
    recording = Recording(blocks.step, blocks.delay, blocks.window, states, *controls)
    return dataclasses.replace(program, inputs=inputs, outputs=outputs, names=names, recording=recording)


def _add_up(steps):
    """An LSTM whose rows are wanted for their mean alone adds them up."""
    producers = {step.output.storage: step for step in steps}
    for step in steps:
        if isinstance(step, TimeMean):
            for view, start in zip(step.inputs, step.starts(), strict=True):
                producer = producers.get(view.storage)
                if isinstance(producer, LSTM) and view.storage.consumers == [step] and not view.storage.kept:
                    producer.sums = start
                    step.added.add(view.storage)


class _Lowering:
    def __init__(self, graph):
        self.steps: list[Step] = []
        self.sums = 0
        self.consumers: dict[int, list[Operator]] = {}
        for operator in graph.operators:
            for tensor in operator.inputs:
                if tensor is not None:
                    self.consumers.setdefault(tensor.index, []).append(operator)
        self.ends = {tensor.index for tensor in graph.outputs}
        self.blocks = graph.blocks is not None
        self.storages: dict[int, Storage] = {}
        self.tables: dict[int, tuple[View, np.ndarray]] = {}  # tensor → the value it is a function of, and the function
        self.delayed: dict[int, tuple[Operator, int]] = {}  # moved in time → by what, and how far
        self.products: dict[int, Operator] = {}  # of something delayed, that one sum alone takes
        self.turned: dict[int, Tensor] = {}  # a sequence that only LSTMs read in reverse → the sequence
        self.upright: set[int] = set()  # outputs of LSTMs in reverse that are written the right way round at once
        self.joined: dict[int, tuple[Tensor, ...]] = {}  # sequences side by side that only LSTMs and means read
        self.counts: dict[str, int] = {}
        self.inputs = []
        for tensor, name in zip(graph.inputs, graph.names, strict=False):
            self.storages[tensor.index] = Storage(
                name, tensor.rows, tensor.width, parameter=len(graph.inputs) > 1 and not self.blocks
            )
            self.inputs.append(View(self.storages[tensor.index], tensor))

    def name(self, operator) -> str:
        word = {RECURRENT: "lstm", "FULLY_CONNECTED": "dense", "BATCH_MATMUL": "matmul"}.get(operator, operator.lower())
        word = word.removesuffix("_2d").removesuffix("_v2")
        self.counts[word] = self.counts.get(word, 0) + 1
        return f"{word}{self.counts[word]}"

    def view(self, tensor: Tensor) -> View:
        """Of a tensor that steps have computed; what was left to its readers is computed now if it was not before."""
        if tensor.index not in self.storages and tensor.index in self.tables:
            source, values = self.tables[tensor.index]
            name = self.name("table")
            output = self.new(tensor, name)
            self.steps.append(elementwise.table(name, values, source, output))
        if tensor.index not in self.storages and tensor.index in self.delayed:
            self.compute(self.delayed[tensor.index][0])
        if tensor.index not in self.storages and tensor.index in self.products:
            self.compute(self.products[tensor.index])
        return View(self.storages[tensor.index], tensor)

    def new(self, tensor: Tensor, name: str) -> View:
        self.storages[tensor.index] = Storage(name, tensor.rows, tensor.width)
        return View(self.storages[tensor.index], tensor)

    def readers(self, tensor) -> list[Operator]:
        return self.consumers.get(tensor.index, [])

    def take(self, operator: Operator) -> None:
        if operator.name in ops.VIEWS:
            self.rename(operator)
        elif self.tabulated(operator) or self.set_aside(operator) or self.laid_out(operator) or self.awaited(operator):
            return
        elif operator.name == RECURRENT:
            self.take_lstm(operator)
        elif operator.name == "MEAN" and pools.is_time_mean(operator):
            name = self.name("mean")
            parts = [self.view(part) for part in self.parts(operator.inputs[0])]
            self.steps.append(pools.time_mean(name, operator, parts, self.new(operator.output, name), self.sums))
            self.sums += operator.inputs[0].width
        elif operator.name == ATTENTION:
            inputs = [self.view(tensor) for tensor in operator.inputs]
            names = [self.name(kind) for kind, _ in zip((ATTENTION, "MEAN"), operator.outputs, strict=False)]
            outputs = [self.new(tensor, name) for tensor, name in zip(operator.outputs, names, strict=True)]
            self.steps += attention(names, operator, inputs, outputs, self.sums)
            self.sums += sum(tensor.width for tensor in operator.outputs[1:])  # of a mean
        elif operator.name in ops.STEPS:
            self.compute(operator)
        else:
            raise InputError(
                f"operator {operator.name} has no C99 kernel: express the layer by convolutions, matrix products, sums "
                "and functions of one value"
            )

    def compute(self, operator):
        terms = [t for t in operator.inputs if t is not None and t.index in self.products]
        if operator.name == "ADD" and terms and _alike(operator):
            product, (other,) = self.products[terms[0].index], (t for t in operator.inputs if t is not terms[0])
            inputs, name = [self.view(other), *self.factors(product)], self.name(operator.name)
            output = self.new(operator.output, name)
            self.steps.append(elementwise.sum_in_time(name, operator, product, inputs, output))
            return
        if self.has_delay(operator):
            inputs = self.factors(operator)
        else:
            inputs = [None if t is None or t.data is not None else self.view(t) for t in operator.inputs]
        name = self.name(operator.name)
        self.steps.append(ops.STEPS[operator.name](name, operator, inputs, self.new(operator.output, name)))

    def has_delay(self, operator) -> bool:
        """Whether one factor of a product is something delayed, which is read from where it comes from."""
        moved = [tensor for tensor in operator.inputs if tensor is not None and tensor.index in self.delayed]
        return operator.name == "MUL" and len(moved) == 1 and _alike(operator)

    def factors(self, operator) -> list[View]:
        found = []
        for tensor in operator.inputs:
            shift, delay = self.delayed.get(tensor.index, (None, 0))
            view = self.view(shift.inputs[0] if shift else tensor)
            found.append(dataclasses.replace(view, delay=delay))
        return found

    def awaited(self, operator) -> bool:
        """Whether the operator only moves a tensor in time, or is a product with such that one sum takes: left to
        those who read it."""
        output, readers = operator.output, self.readers(operator.output)
        if (delay := convolutions.delay(operator)) is not None:
            self.delayed[output.index] = operator, delay
            return True
        if self.has_delay(operator) and output.index not in self.ends and [r.name for r in readers] == ["ADD"]:
            self.products[output.index] = operator
            return True
        return False

    def rename(self, operator):
        source, output = operator.inputs[0], operator.output
        if source.index in self.tables and source.index not in self.storages:
            self.tables[output.index] = self.tables[source.index]
        else:
            self.storages[output.index] = self.view(source).storage

    def tabulated(self, operator) -> bool:
        """Whether the operator is a function of one value, element by element: then it is kept as its table."""
        if operator.name not in ops.UNARY | ops.BINARY or operator.output.dtype is not np.int8:
            return False
        arguments, source = [], None
        for tensor in operator.inputs:
            if tensor.data is not None:
                if tensor.size > 1:
                    return False
                arguments.append(None)
                continue
            if tensor.size != operator.output.size:
                return False
            view, values = self.tables.get(tensor.index) or (self.view(tensor), VALUES)
            if source is not None and view.storage is not source.storage:
                return False
            source = view
            arguments.append(values)
        if source is None:
            return False
        self.tables[operator.output.index] = source, evaluate(operator, arguments)
        return True

    def set_aside(self, operator) -> bool:
        """Whether the operator only turns or joins sequences that LSTMs and means take as they are."""
        output, readers = operator.output, self.readers(operator.output)
        if operator.name == "REVERSE_V2" and _over_time(operator) and output.index not in self.ends:
            if operator.inputs[0].index in self.upright:
                self.storages[output.index] = self.storages[operator.inputs[0].index]
                return True
            if readers and all(reader.name == RECURRENT for reader in readers):
                self.turned[output.index] = operator.inputs[0]
                return True
        if operator.name == "CONCATENATION" and output.rows > 1 and output.index not in self.ends:
            last = operator.options.axis % len(output.shape) == len(output.shape) - 1
            alike = all((t.scale, t.zero_point) == (output.scale, output.zero_point) for t in operator.inputs)
            if last and alike and all(self.reads_sequences(reader) for reader in readers):
                self.joined[output.index] = operator.inputs
                return True
        return False

    def laid_out(self, operator) -> bool:
        """Whether the operator, in the program of a step, only says where values lie: in a stretch of others, or one
        behind the other from the start."""
        output = operator.output
        if not self.blocks:
            return False
        if operator.name == "STRIDED_SLICE" and (start := copies.stretch(operator)) is not None:
            source = self.view(operator.inputs[0]).storage
            self.storages[output.index] = Storage(self.name(operator.name), output.rows, output.width, source, start)
            source.shared = True
            return True
        if operator.name == "CONCATENATION" and all(t.data is None for t in operator.inputs):
            before = output.shape[: operator.options.axis % len(output.shape)]
            parts = [self.view(tensor).storage for tensor in operator.inputs]
            free = all(part.home is None and not part.shared for part in parts)
            whole = [part.size for part in parts] == [tensor.size for tensor in operator.inputs]
            alike = all((t.scale, t.zero_point) == (output.scale, output.zero_point) for t in operator.inputs)
            if free and whole and alike and len(set(parts)) == len(parts) and all(n == 1 for n in before):
                joined = self.new(output, self.name(operator.name)).storage
                joined.shared, offset = True, 0
                for part in parts:
                    part.home, part.offset = joined, offset
                    offset += part.size
                return True
        return False

    def reads_sequences(self, reader) -> bool:
        if reader.name == "REVERSE_V2":
            return _over_time(reader) and all(r.name == RECURRENT for r in self.readers(reader.output))
        return reader.name == RECURRENT or (reader.name == "MEAN" and pools.is_time_mean(reader))

    def parts(self, tensor) -> tuple[Tensor, ...]:
        return self.joined.get(tensor.index, (tensor,))

    def take_lstm(self, operator):
        sequence, output = operator.inputs[0], operator.output
        backwards = sequence.index in self.turned
        sequence = self.turned.get(sequence.index, sequence)
        after = self.readers(output)
        upright = len(after) == 1 and after[0].name == "REVERSE_V2" and _over_time(after[0])
        upright = upright and output.index not in self.ends and after[0].output.index not in self.ends
        name = self.name(RECURRENT)
        parts = [self.view(part) for part in self.parts(sequence)]
        flipped = backwards and not upright
        step = matrices.lstm(name, operator, parts, self.new(output, name), backwards, flipped)
        if upright and backwards:
            self.upright.add(output.index)
        self.steps.append(step)


def _alike(operator) -> bool:
    """Whether all that an operator takes is computed and has its output's shape."""
    return all(t is not None and t.data is None and t.shape == operator.output.shape for t in operator.inputs)


def _over_time(operator) -> bool:
    x = operator.inputs[0]
    axes = {int(axis) % len(x.shape) for axis in np.ravel(operator.inputs[1].data)}
    return axes == {len(x.shape) - 2} and x.rows == x.shape[-2]
