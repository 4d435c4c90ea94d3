"""A model or its step in integers: 16-bit activations and states, 8-bit weights. In a process of its own, as
export.child.

    python -m export.int16 FOLDER

FOLDER is what export.convert lays out, with the settings {"inputs", "target", "streaming"}. The child adds
model.tflite, whose metadata say how it was quantised and, of a step, what it takes and gives.

Why 16 bits: a state is a sum over thousands of steps, and what one step adds is less than the step of an 8-bit scale.
In 8 bits one state space agrees with its float form to 17 dB, in 16 to 36.
"""

import copy
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tensorflow.lite.python.optimize.calibrator import Calibrator

from export import flatbuffer, ranges
from export.child import import_layers
from export.flatbuffer import METADATA
from export.streaming import NEXT, step
from export.window import whole_window
from firmware_bench.bench_rpi import Tensor
from firmware_bench.streaming import StreamingModel

RECORDINGS = 10  # that the calibration windows are made into: a state goes on growing for longer than a window
LOOK_EVERY = 3  # steps: successive ones hold nearly the same values
HEADROOM = 1.5  # of a stream's ranges over what was seen: a state that goes on for hours must not saturate
LARGEST = 32767
WITH_BIAS, BIAS = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}, 2  # operators, and which of their inputs it is
# The numbers between 0 and 1 that are told to the step.
CONTROLS = ("valid", "share")


def main(folder: Path) -> None:
    settings = json.loads((folder / "settings.json").read_text())
    (name,) = settings["inputs"]
    windows = np.load(folder / "calibration" / f"{name}.npy", mmap_mode="r")
    import_layers()
    model = keras.saving.load_model(folder / "model.keras", compile=False)

    if settings["streaming"]:
        made = step(model, integer=True)
        graph, states, description = float_graph(made.model), made.states, made.metadata()
        observed = observe_stream(FloatGraph(graph, description), windows)
    else:
        graph, states, description = float_graph(whole_window(model)), (), {}
        observed = observe(FloatGraph(graph), windows)
    data = quantise(graph, states, observed)
    quantisation = {
        "method": "ptq",
        "percentile": 100,
        "calibration_windows": len(windows),
        "target": settings["target"],
        "activations": "int16",
        "weights": "int8",
        "reason": "a state adds up thousands of steps, each less than a step of an 8-bit scale",
    }
    metadata = description | {"quantisation": quantisation}
    (folder / "model.tflite").write_bytes(flatbuffer.set_metadata(data, METADATA, metadata))


def float_graph(model: keras.Model) -> bytes:
    """The float model, batch 1, as the converter's calibration leaves it, with inputs of zeros: its ranges are
    overwritten."""
    inputs = {tensor.name: tf.TensorSpec(tensor.shape, name=tensor.name) for tensor in model.inputs}
    function = tf.function(lambda **arrays: model(arrays)).get_concrete_function(**inputs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]
    zeros = {name: np.zeros(tensor.shape, np.float32) for name, tensor in inputs.items()}
    converter.representative_dataset = lambda: iter([zeros])
    converter._experimental_calibrate_only = True
    return converter.convert()


class FloatGraph:
    """The float file with a view of all its tensors, as StreamingModel takes it. low, high: tensor → the limits of
    what it has held whenever `look` was set."""

    name = "float"

    def __init__(self, graph: bytes, metadata: dict | None = None):
        self.metadata = metadata
        self.interpreter = Interpreter(
            model_content=graph,
            experimental_preserve_all_tensors=True,
            # A delegate would keep the tensors between its operators to itself.
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self.interpreter.allocate_tensors()
        signature = self.interpreter.get_signature_runner()
        self._in, self._out = signature.get_input_details(), signature.get_output_details()
        self.inputs = [Tensor(name, tuple(d["shape"]), "float32", 0.0, 0) for name, d in self._in.items()]
        self.outputs = [Tensor(name, tuple(d["shape"]), "float32", 0.0, 0) for name, d in self._out.items()]
        self.tensors = ranges.activations(flatbuffer.read(graph))
        self.low, self.high = dict.fromkeys(self.tensors, 0.0), dict.fromkeys(self.tensors, 0.0)
        self.look = True

    def run_raw(self, arrays):
        for detail, array in zip(self._in.values(), arrays, strict=True):
            self.interpreter.set_tensor(detail["index"], array)
        self.interpreter.invoke()
        if self.look:
            for tensor in self.tensors:
                values = self.interpreter.get_tensor(tensor)
                self.low[tensor] = min(self.low[tensor], float(values.min()))
                self.high[tensor] = max(self.high[tensor], float(values.max()))
        return [self.interpreter.get_tensor(detail["index"]) for detail in self._out.values()]

    def limits(self) -> dict[int, tuple[float, float]]:
        return {tensor: (self.low[tensor], self.high[tensor]) for tensor in self.tensors}


def observe(graph: FloatGraph, windows: np.ndarray) -> dict[int, tuple[float, float]]:
    """Runs the windows (n, samples, leads): tensor → its lowest and highest value."""
    for window in windows:
        graph.run_raw([window[None]])
    return graph.limits()


def observe_stream(graph: FloatGraph, windows: np.ndarray) -> dict[int, tuple[float, float]]:
    """Feeds the windows (n, samples, leads), strung together to RECORDINGS: tensor → its lowest and highest value."""
    stream = StreamingModel(graph)
    seen = 0
    for windows_of_one in np.array_split(windows, min(RECORDINGS, len(windows))):
        stream.reset()
        signal = windows_of_one.reshape(-1, stream.step, windows.shape[2])
        for block in [*signal, *[None] * stream.delay]:
            graph.look = seen % LOOK_EVERY == 0 or stream.blocks < stream.delay + 4
            stream.feed_raw(block)
            seen += 1
    return graph.limits()


def quantise(graph: bytes, states: Sequence[str], observed: dict[int, tuple[float, float]]) -> bytes:
    """The calibrated float `graph` with 16-bit activations, in which each of the `states` comes out as it goes in."""
    model = flatbuffer.read(graph)
    (signature,) = model.signatureDefs
    inputs = {entry.name.decode(): entry.tensorIndex for entry in signature.inputs}
    outputs = {entry.name.decode(): entry.tensorIndex for entry in signature.outputs}
    room = HEADROOM if states else 1.0
    limits = {tensor: (low * room, high * room) for tensor, (low, high) in observed.items()}
    limits |= {inputs[name]: (0.0, 1.0) for name in CONTROLS if name in inputs}
    pairs = [*shifts(model), *((inputs[name], outputs[NEXT + name]) for name in states)]
    tied = ranges.tie(model, limits, pairs)
    ranges.set_ranges(model, {tensor: power_of_two(*limits) for tensor, limits in tied.items()})
    separate_biases(model)
    calibrated = Calibrator(flatbuffer.write(model), [], [])  # fed nothing: it keeps the ranges that it finds
    int16, int64 = np.dtype(np.int16).num, np.dtype(np.int64).num
    integer = calibrated._calibrator.QuantizeModel(
        int16,  # inputs
        int16,  # outputs
        False,  # no float left
        int16,  # activations, and constants that are added or multiplied; the newer quantiser makes those int8
        int64,  # biases
        False,  # scales per channel
        False,
    )
    return compact(bytes(integer))


def shifts(model) -> list[tuple[int, int]]:
    """What goes into the convolutions that only move values in time (export.window.shifted), and what comes out."""
    pairs = []
    for name, operator, graph in flatbuffer.operators(model):
        if name == "DEPTHWISE_CONV_2D":
            weights = graph.tensors[operator.inputs[1]]
            taps = np.frombuffer(bytes(bytearray(model.buffers[weights.buffer].data)), np.float32)
            if set(taps) == {0.0, 1.0} and taps.sum() == weights.shape[-1]:
                pairs.append((int(operator.inputs[0]), int(operator.outputs[0])))
    return pairs


def compact(data: bytes) -> bytes:
    """Without what no runtime reads, here the scales of biases too, which follow from the others. Operators stand where
    their outputs are asked for, and tensors in the order in which they are made: so TensorFlow Lite Micro finds room
    for them in the least memory.
    """
    model = flatbuffer.read(data)
    (graph,) = model.subgraphs
    for name, operator, _ in flatbuffer.operators(model):
        if name in WITH_BIAS and len(operator.inputs) > BIAS:
            graph.tensors[operator.inputs[BIAS]].quantization = None
    flatbuffer.compact(model)
    graph.operators = depth_first(graph)
    for operator in graph.operators:
        operator.mutatingVariableInputs = operator.intermediates = None
    renumber(model)
    flatbuffer.drop_unused_buffers(model)
    return flatbuffer.write(model)


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


def power_of_two(low: float, high: float) -> tuple[float, float]:
    """The range that holds low and high and whose scale is a power of two.

    Products of such scales are exact. Of others LiteRT multiplies floats and TensorFlow Lite Micro doubles, and a
    product of two 16-bit numbers that lies near a tie is then rounded up by one and down by the other.
    """
    limit = LARGEST * 2.0 ** math.ceil(math.log2(max(-low, high) / LARGEST))
    return -limit, limit


def separate_biases(model) -> None:
    """Gives every operator a bias of its own. The converter keeps equal constants once, but the scale of a bias in
    integers is that of its operator's input, and its numbers become 64 bits long."""
    (graph,) = model.subgraphs
    for name, operator, _ in flatbuffer.operators(model):
        if name in WITH_BIAS and len(operator.inputs) > BIAS:
            tensor = copy.copy(graph.tensors[operator.inputs[BIAS]])
            model.buffers.append(copy.copy(model.buffers[tensor.buffer]))
            tensor.buffer = len(model.buffers) - 1
            graph.tensors.append(tensor)
            operator.inputs = [*operator.inputs[:BIAS], len(graph.tensors) - 1]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
