"""A model or its step in integers: 16-bit activations and states, 8-bit weights. In a process of its own, as
export.convert.int8.

    python -m export.convert.int16 FOLDER

FOLDER is what export.convert.converter_process lays out, with the settings {"inputs", "target", "streaming"}. The child
adds model.tflite, whose metadata say how it was quantised and, of a step, what it takes and gives.

Why 16 bits: a state is a sum over thousands of steps, and what one step adds is less than the step of an 8-bit scale.
In 8 bits one state space agrees with its float form to 17 dB, in 16 to 36.
"""

import dataclasses
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tensorflow.lite.python.optimize.calibrator import Calibrator

from export.convert import int16_weights
from export.convert.int8 import import_layers
from export.convert.streaming_step import step
from export.convert.whole_window import whole_window
from export.exporter import keras_outputs
from export.quantise import ranges
from export.tflite import flatbuffer, layout
from export.verify.sqnr import decibels
from firmware_bench.runtime.metadata import ModelMetadata, QuantisationMetadata, Tensor
from firmware_bench.runtime.streaming_model import NEXT, StreamingModel
from firmware_bench.runtime.tflite_model import TFLiteModel

RECORDINGS = 10  # that the calibration windows are made into: a state goes on growing for longer than a window
LOOK_EVERY = 3  # steps: successive ones hold nearly the same values
HEADROOM = 1.5  # of a stream's ranges over what was seen: a state that goes on for hours must not saturate
# Of the lowest and highest values, one of each a look: where a recording has an artefact, the squares in a layer norm
# take hundreds of times the room of those of a heartbeat, and 16 bits are coarse: eight blocks of ecg_mamba, trained on
# PTB-XL, agree with Keras to 41 dB at 99.9 and to 15 at 100. The best on JUDGES windows is taken.
PERCENTILES = (100, 99.9, 99)
JUDGES = 40
ENDLESS = 1e30  # beyond the last knot of the root in a layer norm, what an artefact leaves can grow to infinity
LARGEST = 32767
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
        graph, states, description = float_graph(whole_window(model)), (), ModelMetadata()
        observed = observe(FloatGraph(graph), windows)
    few = windows[np.linspace(0, len(windows) - 1, min(JUDGES, len(windows))).astype(int)]
    expected = keras_outputs(model, {name: few})
    files = {percentile: quantise(graph, states, observed, percentile) for percentile in PERCENTILES}
    percentile = max(PERCENTILES, key=lambda percentile: agreement(files[percentile], description, few, expected))
    data = files[percentile]
    quantisation = QuantisationMetadata(
        method="ptq",
        target=settings["target"],
        percentile=percentile,
        calibration_windows=len(windows),
        activations="int16",
        weights="int8",
        reason="a state adds up thousands of steps, each less than a step of an 8-bit scale",
    )
    metadata = dataclasses.replace(description, quantisation=quantisation)
    (folder / "model.tflite").write_bytes(flatbuffer.set_metadata(data, metadata))


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


class Observed(NamedTuple):
    """extremes: tensor → its lowest and highest value at every look. means: tensor that is convolved → (channels,), in
    a typical window."""

    extremes: dict[int, ranges.Observed]
    means: dict[int, np.ndarray]


class FloatGraph:
    """The float file with a view of all its tensors, as StreamingModel takes it, of what they hold whenever `look` is
    set."""

    name = "float"

    def __init__(self, graph: bytes, metadata: ModelMetadata | None = None):
        self.metadata = metadata or ModelMetadata()
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
        model = flatbuffer.read(graph)
        convolved = {int(o.inputs[0]) for name, o, _ in flatbuffer.operators(model) if name == "CONV_2D"}
        self.extremes = {tensor: [] for tensor in ranges.activations(model)}
        self.sums, self.looks = {tensor: [] for tensor in convolved}, []  # of each window
        self.look = True

    def begin(self):
        """Values are those of a new window from here on."""
        self.looks.append(0)
        for sums in self.sums.values():
            sums.append(0.0)

    def run_raw(self, arrays):
        for detail, array in zip(self._in.values(), arrays, strict=True):
            self.interpreter.set_tensor(detail["index"], array)
        self.interpreter.invoke()
        if self.look:
            self.looks[-1] += 1
            for tensor, extremes in self.extremes.items():
                values = self.interpreter.get_tensor(tensor)
                extremes += [values.min(), values.max()]
                if tensor in self.sums:
                    self.sums[tensor][-1] += values.mean(axis=(0, 1, 2), dtype=np.float64)
        return [self.interpreter.get_tensor(detail["index"]) for detail in self._out.values()]

    def observed(self) -> Observed:
        extremes = {tensor: np.clip(np.nan_to_num(x), -ENDLESS, ENDLESS) for tensor, x in self.extremes.items()}
        means = {tensor: [s / n for s, n in zip(x, self.looks, strict=True)] for tensor, x in self.sums.items()}
        return Observed(
            {tensor: ranges.Observed(x, float(x.min()), float(x.max())) for tensor, x in extremes.items()},
            {tensor: np.median(x, axis=0) for tensor, x in means.items()},
        )


def observe(graph: FloatGraph, windows: np.ndarray) -> Observed:
    """Runs the windows (n, samples, leads)."""
    for window in windows:
        graph.begin()
        graph.run_raw([window[None]])
    return graph.observed()


def observe_stream(graph: FloatGraph, windows: np.ndarray) -> Observed:
    """Feeds the windows (n, samples, leads), strung together to RECORDINGS."""
    stream = StreamingModel(graph)
    seen = 0
    for windows_of_one in np.array_split(windows, min(RECORDINGS, len(windows))):
        stream.reset()
        signal = windows_of_one.reshape(-1, stream.step, windows.shape[2])
        for number, block in enumerate([*signal, *[None] * stream.delay]):
            if block is not None and number * stream.step % windows.shape[1] == 0:
                graph.begin()
            graph.look = seen % LOOK_EVERY == 0 or stream.blocks < stream.delay + 4
            stream.feed_raw(block)
            seen += 1
    return graph.observed()


def agreement(
    data: bytes, description: ModelMetadata, windows: np.ndarray, expected: Mapping[str, np.ndarray]
) -> float:
    """Of the file's answers to `windows` with those of Keras, dB; of several outputs the worst. description: metadata
    of a step, or none."""
    model = TFLiteModel(flatbuffer.set_metadata(data, description), kernels="reference")
    runner = StreamingModel(model) if description.streaming else model
    answers = [runner.run(window) for window in windows]
    if len(expected) == 1:
        answers = [dict.fromkeys(expected, answer) for answer in answers]
    return min(decibels(y, np.stack([answer[name] for answer in answers])) for name, y in expected.items())


def quantise(graph: bytes, states: Sequence[str], observed: Observed, percentile: float = 100) -> bytes:
    """The float `graph` with 16-bit activations, in which each of the `states` comes out as it goes in, and whose
    ranges hold what was observed up to the percentile."""
    model = flatbuffer.read(graph)
    (signature,) = model.signatureDefs
    inputs = {entry.name.decode(): entry.tensorIndex for entry in signature.inputs}
    outputs = {entry.name.decode(): entry.tensorIndex for entry in signature.outputs}
    room = HEADROOM if states else 1.0
    ends = {tensor: extremes.limits(percentile) for tensor, extremes in observed.extremes.items()}
    limits = {tensor: (low * room, high * room) for tensor, (low, high) in ends.items()}
    limits |= {inputs[name]: (0.0, 1.0) for name in CONTROLS if name in inputs}
    pairs = [*shifts(model), *((inputs[name], outputs[NEXT + name]) for name in states)]
    tied = ranges.tie(model, limits, pairs)
    ranges.set_ranges(model, {tensor: power_of_two(*limits) for tensor, limits in tied.items()})
    int16_weights.separate_biases(model)
    calibrated = Calibrator(flatbuffer.write(model), [], [])  # fed nothing: it keeps the ranges that it finds
    int16, int64 = np.dtype(np.int16).num, np.dtype(np.int64).num
    quantised = calibrated._calibrator.QuantizeModel(
        int16,  # inputs
        int16,  # outputs
        False,  # no float left
        int16,  # activations, and constants that are added or multiplied; the newer quantiser makes those int8
        int64,  # biases
        False,  # scales per channel
        False,
    )
    integer = flatbuffer.read(bytes(quantised))
    int16_weights.take_single_scales(integer, model)
    int16_weights.correct_biases(integer, model, observed.means)
    int16_weights.narrow_biases(integer)
    int16_weights.settle_summands_and_factors(integer)
    int16_weights.forget_scales_of_biases(integer)
    layout.compact(integer)
    return flatbuffer.write(integer)


def shifts(model) -> list[tuple[int, int]]:
    """What goes into the convolutions that only move values in time (export.convert.whole_window.shifted), and what
    comes out."""
    pairs = []
    for name, operator, graph in flatbuffer.operators(model):
        if name == "DEPTHWISE_CONV_2D":
            weights = graph.tensors[operator.inputs[1]]
            taps = np.frombuffer(bytes(bytearray(model.buffers[weights.buffer].data)), np.float32)
            if set(taps) == {0.0, 1.0} and taps.sum() == weights.shape[-1]:
                pairs.append((int(operator.inputs[0]), int(operator.outputs[0])))
    return pairs


def power_of_two(low: float, high: float) -> tuple[float, float]:
    """The range that holds low and high and whose scale is a power of two.

    Products of such scales are exact. Of others LiteRT multiplies floats and TensorFlow Lite Micro doubles, and a
    product of two 16-bit numbers that lies near a tie is then rounded up by one and down by the other.
    """
    limit = LARGEST * 2.0 ** math.ceil(math.log2(max(-low, high, ranges.NARROWEST) / LARGEST))
    return -limit, limit


if __name__ == "__main__":
    main(Path(sys.argv[1]))
