"""Rules for the recurrent layers of a step (export.convert.step_rules): hidden and cell states are states of the step.

The layer's operator in TensorFlow Lite keeps its states to itself; here they are inputs and outputs, and every gate is
a convolution of the frames and one of the hidden state, in 16 bits.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from keras import layers, ops

from export.convert.layer_walk import FrameStream, LayerWalk, constant, split_frames
from models_keras.layers.lstm import CELL_CLIP, ClippedLSTM

LONGEST_STEP = 64  # frames of a recurrent layer in a step: each takes some 15 operators


def lstm(walk: LayerWalk, layer, x: FrameStream) -> FrameStream:
    """Input, forget and output gate, candidate, and the cell."""
    gates = Gates(walk, layer, x, ("input", "forget", "candidate", "output"))
    limit = CELL_CLIP if isinstance(layer, ClippedLSTM) else None

    def step(t: int, states: Mapping[str, Any]) -> dict[str, Any]:
        values = {name: gates.sum(name, t, states["hidden"]) for name in gates.names}
        opened = {name: gates.gate(values[name]) for name in ("input", "forget", "output")}
        cell = opened["input"] * gates.activate(values["candidate"])
        cell = cell if states["cell"] is None else opened["forget"] * states["cell"] + cell
        cell = cell if limit is None else ops.clip(cell, -limit, limit)
        return {"hidden": opened["output"] * gates.activate(cell), "cell": cell}

    return run(walk, layer, x, ("hidden", "cell"), step)


def gru(walk: LayerWalk, layer, x: FrameStream) -> FrameStream:
    """The hidden state moves by (1 - z) (candidate - h), as export.convert.convertible_layers.UnrolledGRU says."""
    gates = Gates(walk, layer, x, ("change", "reset", "candidate"), signs=(-1, 1, 1))

    def step(t: int, states: Mapping[str, Any]) -> dict[str, Any]:
        hidden = states["hidden"]
        change, reset = (gates.gate(gates.sum(name, t, hidden)) for name in ("change", "reset"))
        if layer.reset_after:
            past = gates.recurrent("candidate", hidden)
            candidate = gates.activate(gates.add(gates.inputs["candidate"][t], None if past is None else reset * past))
        else:
            candidate = gates.activate(gates.sum("candidate", t, None if hidden is None else reset * hidden))
        moved = change * (candidate if hidden is None else candidate - hidden)
        return {"hidden": moved if hidden is None else hidden + moved}

    return run(walk, layer, x, ("hidden",), step)


def simple_rnn(walk: LayerWalk, layer, x: FrameStream) -> FrameStream:
    """One activation."""
    gates = Gates(walk, layer, x, ("hidden",))
    return run(
        walk,
        layer,
        x,
        ("hidden",),
        lambda t, states: {"hidden": gates.activate(gates.sum("hidden", t, states["hidden"]))},
    )


class Gates:
    """The sums that the activations of a cell are computed from.

    Args:
        walk: The visit of the layers.
        layer: The recurrent layer.
        x: Its frames.
        names: Of the gates, in the order of the weights.
        signs: By which the weights of each are multiplied.

    Attributes:
        inputs: Gate → what each frame adds to it, (1, 1, 1, units).
    """

    def __init__(self, walk: LayerWalk, layer, x: FrameStream, names: Sequence[str], signs: Sequence[int] = ()):
        cell, self.walk, self.names = layer.cell, walk, names
        self._functions: Any = getattr(cell, "recurrent_activation", None), cell.activation

        def parts(weights) -> dict[str, Any]:
            if weights is None:
                return dict.fromkeys(names)
            found = np.split(weights, len(names), -1)
            return {name: sign * part for name, sign, part in zip(names, signs or [1] * len(names), found, strict=True)}

        # Of the input and, in a GRU, of the hidden state.
        biases: list[Any] = [None, None] if cell.bias is None else [*np.atleast_2d(constant(cell.bias)), None]
        outer, self._inner = parts(biases[0]), parts(biases[1])
        kernels, self._recurrent = parts(constant(cell.kernel)), parts(constant(cell.recurrent_kernel))
        self.inputs = {name: split_frames(walk.conv(x.values, kernels[name][None], outer[name])) for name in names}

    def recurrent(self, name: str, hidden: Any) -> Any:
        """What the hidden state adds to a gate; None where there is nothing to add."""
        if hidden is not None:
            return self.walk.conv(hidden, self._recurrent[name][None], self._inner[name])
        bias = self._inner[name]
        return None if bias is None else bias.reshape(1, 1, 1, -1)

    def sum(self, name: str, t: int, hidden: Any) -> Any:
        """The sum of a gate for frame `t`."""
        return self.add(self.inputs[name][t], self.recurrent(name, hidden))

    def add(self, value: Any, other: Any) -> Any:
        """Their sum, or the first where there is no second."""
        return value if other is None else value + other

    def gate(self, values: Any) -> Any:
        """The activation of the gates."""
        return self.walk.activate(self._functions[0], values)

    def activate(self, values: Any) -> Any:
        """The activation of the candidate and of the output."""
        return self.walk.activate(self._functions[1], values)


def run(
    walk: LayerWalk,
    layer,
    x: FrameStream,
    names: Sequence[str],
    step: Callable[[int, Mapping[str, Any]], dict[str, Any]],
) -> FrameStream:
    """Run a cell over the frames of a step.

    Args:
        walk: The visit of the layers.
        layer: The recurrent layer.
        x: Its frames.
        names: Of the states; the first is the output.
        step: (frame, states) → the next states. States are None before the first frame of a whole window.

    Returns:
        All outputs, or the last one where the layer returns that alone.
    """
    states: dict[str, Any] = {name: walk.state(f"{name}_{layer.name}", (1, 1, layer.units)) for name in names}
    outputs = []
    for t in reversed(range(x.frames)) if layer.go_backwards else range(x.frames):
        states = step(t, states)
        outputs.append(states[names[0]])
    for name, value in states.items():
        walk.set_state(f"{name}_{layer.name}", value, x)
    if not layer.return_sequences:
        return x.replace_values(outputs[-1], layer.name)
    return x.replace_values(ops.concatenate(outputs, 2) if len(outputs) > 1 else outputs[0], layer.name)


RECURRENT_RULES = {
    ClippedLSTM: lstm,
    layers.LSTM: lstm,
    layers.GRU: gru,
    layers.SimpleRNN: simple_rnn,
}
