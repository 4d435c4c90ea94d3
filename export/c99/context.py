"""The state of lowering: the steps so far, and where the values of the graph are stored."""

import dataclasses
from collections.abc import Callable

import numpy as np

from export.c99.ir import GraphOperator, GraphTensor, IntegerGraph
from export.c99.steps import Step, Storage, View

SHORT_NAMES = {"UNIDIRECTIONAL_SEQUENCE_LSTM": "lstm", "FULLY_CONNECTED": "dense", "BATCH_MATMUL": "matmul"}


@dataclasses.dataclass(frozen=True)
class LookUpTable:
    """A tensor that is a function of one 8-bit value, element by element: the value, and the function of -128 … 127."""

    source: View
    values: np.ndarray


@dataclasses.dataclass(frozen=True)
class DelayedTensor:
    """A tensor that is another one shifted in time: by which operator, and by how many values."""

    operator: GraphOperator
    delay: int


class LoweringContext:
    """The program while it is made, as operators and passes see it.

    Attributes:
        steps: The steps so far, in order of execution.
        inputs: Views of the model's inputs.
        sums: 32-bit sums that the steps share.
        outputs: The numbers of the model's outputs.
        is_streaming: Whether the graph is one streaming step.
        storages: {tensor: its storage} of tensors that are computed or given.
        deferred: {tensor: how to compute it} of tensors that are computed when a step reads them.
        tables: {tensor: LookUpTable} of tensors that are functions of one value.
        delayed: {tensor: DelayedTensor}, read where it comes from.
        products: {tensor: its MUL} of products with something delayed that only one ADD reads.
        reversed_inputs: {tensor: the sequence of which it is the reverse}, read by LSTMs from the end.
        forward_order_outputs: The outputs of backward LSTMs that are written in forward order at once.
        joined: {tensor: the sequences that are side by side in it}, read by LSTMs and means part by part.
    """

    def __init__(self, graph: IntegerGraph):
        self.steps: list[Step] = []
        self.inputs: list[View] = []
        self.sums = 0
        self.outputs = {tensor.index for tensor in graph.outputs}
        self.is_streaming = graph.streaming is not None
        self.storages: dict[int, Storage] = {}
        self.deferred: dict[int, Callable[[], None]] = {}
        self.tables: dict[int, LookUpTable] = {}
        self.delayed: dict[int, DelayedTensor] = {}
        self.products: dict[int, GraphOperator] = {}
        self.reversed_inputs: dict[int, GraphTensor] = {}
        self.forward_order_outputs: set[int] = set()
        self.joined: dict[int, tuple[GraphTensor, ...]] = {}
        self._readers: dict[int, list[GraphOperator]] = {}
        self._counts: dict[str, int] = {}
        for operator in graph.operators:
            for tensor in operator.operands:
                self._readers.setdefault(tensor.index, []).append(operator)
        for tensor, name in zip(graph.inputs, graph.names, strict=False):
            is_argument = len(graph.inputs) > 1 and not self.is_streaming
            self.storages[tensor.index] = Storage(name, tensor.rows, tensor.width, is_argument=is_argument)
            self.inputs.append(View(self.storages[tensor.index], tensor))

    def new_name(self, operator: str) -> str:
        """A name for a step: the operator's, in lower case, and a number."""
        word = SHORT_NAMES.get(operator, operator.lower()).removesuffix("_2d").removesuffix("_v2")
        self._counts[word] = self._counts.get(word, 0) + 1
        return f"{word}{self._counts[word]}"

    def view(self, tensor: GraphTensor) -> View:
        """A view of a tensor that steps have computed; a deferred one is computed now."""
        if tensor.index not in self.storages and tensor.index in self.deferred:
            self.deferred[tensor.index]()
        return View(self.storages[tensor.index], tensor)

    def new_view(self, tensor: GraphTensor, name: str) -> View:
        """A view of new memory for `tensor`."""
        self.storages[tensor.index] = Storage(name, tensor.rows, tensor.width)
        return View(self.storages[tensor.index], tensor)

    def input_views(self, operator: GraphOperator) -> list[View | None]:
        """Views of an operator's inputs, None for constants and omitted inputs."""
        return [None if t is None or t.data is not None else self.view(t) for t in operator.inputs]

    def operands(self, operator: GraphOperator) -> tuple[str, list[View], View]:
        """The operands of a step: a name for the step, views of the inputs that are no constants, and a
        view of new memory for the output."""
        inputs = [view for view in self.input_views(operator) if view is not None]
        name = self.new_name(operator.name)
        return name, inputs, self.new_view(operator.output, name)

    def readers(self, tensor: GraphTensor) -> list[GraphOperator]:
        """The operators that read a tensor."""
        return self._readers.get(tensor.index, [])

    def parts(self, tensor: GraphTensor) -> tuple[GraphTensor, ...]:
        """The sequences that are side by side in a tensor, mostly one."""
        return self.joined.get(tensor.index, (tensor,))

    def reserve_sums(self, count: int) -> int:
        """The place in `$sums` of `count` new sums."""
        self.sums += count
        return self.sums - count
