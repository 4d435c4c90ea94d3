"""From a graph to the steps of a program: reshapes cost nothing, unary operators become 256-entry look-up tables, LSTM
outputs overwrite their input buffer, global average pooling is accumulated."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from export.c99 import ops
from export.c99.context import LoweringContext
from export.c99.ir import GraphOperator, IntegerGraph, ModelDescription
from export.c99.passes.accumulate_means import accumulate_means
from export.c99.passes.alias_reshape import alias_reshape
from export.c99.passes.alias_slice_concat import alias_slice_concat
from export.c99.passes.defer_reverse_concat import defer_reverse_concat
from export.c99.passes.defer_time_shift import defer_time_shift
from export.c99.passes.tabulate_unary import tabulate_unary
from export.c99.steps import Step, View
from firmware_bench.runtime.errors import InputError

if TYPE_CHECKING:
    from export.c99.continuous import ContinuousLoop

# Tried in this order; the first that lowers an operator ends it.
RULES = (alias_reshape, tabulate_unary, defer_reverse_concat, alias_slice_concat, defer_time_shift)


@dataclasses.dataclass(frozen=True)
class StreamingLoop:
    """How a program takes a recording block by block.

    Attributes:
        step: Samples of a block.
        delay: Steps by which the outputs are late.
        window: Samples over which the running mean is formed.
        states: Every state as (where it is, where its next value is at the end of a step).
        valid: Where the program says that a block is inside of the recording, or None.
        share: Where the program says the weight of the newest step in the running mean, or None.
    """

    step: int
    delay: int
    window: int
    states: list[tuple[View, View]]
    valid: View | None
    share: View | None


@dataclasses.dataclass(frozen=True)
class StepProgram:
    """A program before its memory is planned.

    Attributes:
        steps: In order of execution.
        inputs: Views of what the caller gives.
        outputs: Views of what the caller gets.
        names: The C names of the inputs and then of the outputs.
        sums: 32-bit sums that the steps share.
        dtype: The type of all values, int8 or int16.
        description: The model according to the metadata.
        streaming: Of a program that takes a recording block by block, else None.
        continuous: Of a program that answers every hop of a recording, else None.
        is_sliced: Whether the steps that need all samples run in slices, for a caller that must not wait.
    """

    steps: list[Step]
    inputs: list[View]
    outputs: list[View]
    names: tuple[str, ...]
    sums: int
    dtype: type
    description: ModelDescription
    streaming: StreamingLoop | None = None
    continuous: "ContinuousLoop | None" = None
    is_sliced: bool = False

    @property
    def bytes(self) -> int:
        """Bytes of a value."""
        return np.dtype(self.dtype).itemsize

    @property
    def input_names(self) -> tuple[str, ...]:
        """The C names of the inputs."""
        return self.names[: len(self.inputs)]

    @property
    def output_names(self) -> tuple[str, ...]:
        """The C names of the outputs."""
        return self.names[len(self.inputs) :]

    @property
    def has_push(self) -> bool:
        """Whether the program can take its input sample by sample."""
        return self.streaming is not None or (len(self.inputs) == 1 and self.inputs[0].storage.rows > 1)


def lower(graph: IntegerGraph) -> StepProgram:
    """Lower a graph to calls of kernels.

    Args:
        graph: A fully integer file.

    Returns:
        The program.

    Raises:
        InputError: An operator has no C kernel, or not in its form; or a streaming step is not as it is exported.
    """
    context = LoweringContext(graph)
    for operator in graph.operators:
        lower_op(context, operator)
    outputs = [context.view(tensor) for tensor in graph.outputs]
    for view in outputs:
        view.storage.is_output = True
    for step in context.steps:
        for view in step.inputs:
            view.storage.consumers.append(step)
    accumulate_means(context.steps)
    program = StepProgram(
        context.steps, context.inputs, outputs, graph.names, context.sums, graph.dtype, graph.description
    )
    return program if graph.streaming is None else _streaming_program(program, graph)


def lower_op(context: LoweringContext, operator: GraphOperator) -> None:
    """Lower one operator by the first rule that knows it, or else by its file in export.c99.ops."""
    if not any(rule(context, operator) for rule in RULES):
        ops.lower(context, operator)


def _streaming_program(program: StepProgram, graph: IntegerGraph) -> StepProgram:
    """The program whose caller gives the signal alone and gets the outputs that are no states."""
    streaming = graph.streaming
    assert streaming is not None
    ends = {view.tensor.index: view for view in (*program.inputs, *program.outputs)}
    names = {view.tensor.index: name for view, name in zip(ends.values(), program.names, strict=True)}
    states = [(ends.pop(state.index), ends.pop(after.index)) for state, after in streaming.states]
    valid, share = (None if t is None else ends.pop(t.index) for t in (streaming.valid, streaming.share))
    if not all(state.tensor.zero_point == 0 and state.tensor.size == after.tensor.size for state, after in states):
        raise InputError("a state does not start at zero, or changes its size: export the step again")
    for state, _ in states:
        state.storage.is_state = True
    inputs = [view for view in program.inputs if view.tensor.index in ends]
    outputs = [view for view in program.outputs if view.tensor.index in ends]
    if len(inputs) != 1 or inputs[0].tensor.rows != streaming.step:
        raise InputError("the step does not take one block of one signal: export it again")
    found = tuple(names[view.tensor.index] for view in (*inputs, *outputs))
    loop = StreamingLoop(streaming.step, streaming.delay, streaming.window, states, valid, share)
    return dataclasses.replace(program, inputs=inputs, outputs=outputs, names=found, streaming=loop)
