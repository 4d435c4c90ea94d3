"""An integer file whose inputs hold earlier examples → the same graph as one step that keeps them as states.

A history is an input (1, n, …), oldest first. In the step it is a state, and the output NEXT + state is its value one
example later: without the oldest entry, with the newest behind the others. The newest is either a number that comes
with every example and that the graph reads too (an RR interval; the state then holds the n − 1 before it), or the
predicted class of an output, one-hot. The graph between does not change, so that the step answers what the whole file
answers to the same history, byte for byte, and every state has the same scale before and after.
"""

from collections.abc import Mapping

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.tflite import flatbuffer
from export.tflite.editor import Editor
from firmware_bench.runtime.metadata import HistoryMetadata
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.streaming_model import NEXT

LARGEST_WEIGHT, STEPS = 127, 255  # of 8 bits: the weight that stands for 1, and the steps from 0 to 1


def convert_to_step(data: bytes, histories: Mapping[str, str | None]) -> tuple[bytes, HistoryMetadata]:
    """Converts a file with histories as inputs to a step.

    Args:
        data: The exported file with its metadata.
        histories: Input → the output whose predicted classes it holds, None for a number that comes with every example.

    Returns:
        The file, and what its metadata have to state of the history.
    """
    metadata, model = read_metadata(data), flatbuffer.read(data)
    (graph,), (signature,) = model.subgraphs, model.signatureDefs
    editor = ShiftRegisterEditor(model)
    ends = (metadata.inputs, graph.inputs), (metadata.outputs, graph.outputs)
    inputs, outputs = ({entry.name: int(n) for entry, n in zip(entries, at, strict=True)} for entries, at in ends)
    states = {}
    for name, output in histories.items():
        history, state = inputs[name], f"state_{name}"
        shape = editor.shape(history)
        newer = editor.drop_oldest(history)
        if output is None:
            inputs[name] = editor.tensor((1, 1, *shape[2:]), like=history)
            states[state] = editor.tensor((1, shape[1] - 1, *shape[2:]), like=history)
            editor.operator("CONCATENATION", [states[state], inputs[name]], history, axis=1, at=0)
            outputs[NEXT + state] = newer
        else:
            states[state] = inputs.pop(name)
            newest = editor.reshape(editor.one_hot_argmax(outputs[output], like=history), (1, 1, *shape[2:]))
            outputs[NEXT + state] = editor.tensor(shape, like=history)
            editor.operator("CONCATENATION", [newer, newest], outputs[NEXT + state], axis=1)
    inputs |= states
    graph.inputs, graph.outputs = [*inputs.values()], [*outputs.values()]
    for entries, named in (("inputs", inputs), ("outputs", outputs)):
        for name, tensor in named.items():
            graph.tensors[tensor].name = name.encode()
        maps = [schema.TensorMapT(name=name.encode(), tensorIndex=tensor) for name, tensor in named.items()]
        setattr(signature, entries, maps)
    return flatbuffer.write(model), HistoryMetadata(tuple(states))


class ShiftRegisterEditor(Editor):
    """Adds the operators that move a history on by one example."""

    def drop_oldest(self, history: int) -> int:
        """Adds a slice of `history` without its first entry; its output."""
        shape = np.array(self.shape(history), np.int32)
        begin = np.zeros_like(shape)
        begin[1] = 1
        limits = [self.constant(values) for values in (begin, shape, np.ones_like(shape))]
        return self.operator("STRIDED_SLICE", [history, *limits], self.tensor((shape - begin).tolist(), like=history))

    def one_hot_argmax(self, classes: int, like: int) -> int:
        """Adds operators that give the first of the largest of `classes` (1, n), one-hot in the scale of `like`.

        Two dense layers. A row of the first compares a class i with another one, j: it is 1 where i is larger, or
        equal and named first, and else 0; for a difference of one step is worth 1, and the 8 bits end at 0 and 1. The
        second adds up the comparisons of each class, n − 1, and leaves 1 only where all were won.
        """
        count = self.shape(classes)[1]
        pairs = [(i, j) for i in range(count) for j in range(count) if i != j]
        rows, one = np.eye(count, dtype=np.int8), LARGEST_WEIGHT
        compare = np.array([one * (rows[i] - rows[j]) for i, j in pairs], np.int8)
        named_first = np.array([one * (i < j) for i, j in pairs], np.int32)
        won = self.tensor((1, len(pairs)), scale=1 / STEPS, zero_point=-128)
        self._dense(classes, compare, 1 / self.quantisation(classes)[0], named_first, won)
        add_up = np.array([[one * (i == own) for i, _ in pairs] for own in range(count)], np.int8)
        others = np.full(count, -(count - 2) * STEPS * one, np.int32)
        relu = schema.ActivationFunctionType.RELU
        return self._dense(won, add_up, 1.0, others, self.tensor((1, count), like=like), fusedActivationFunction=relu)

    def _dense(self, x, weights, largest, bias, output, **options):
        """`largest`: what the largest weight stands for."""
        scale = largest / LARGEST_WEIGHT
        parameters = [self.constant(weights, scale), self.constant(bias, scale * self.quantisation(x)[0])]
        return self.operator("FULLY_CONNECTED", [x, *parameters], output, **options)
