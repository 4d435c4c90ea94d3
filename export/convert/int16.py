"""Conversion to 16-bit activations and states with 8-bit weights, of a whole-window model or of its streaming step.

Settings of the job: "target", "streaming".

Why 16 bits: a state is a sum over thousands of steps, and what one step adds is less than the step of an 8-bit scale.
In 8 bits one state space agrees with its float form to 17 dB, in 16 to 36.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from export import tf_private
from export.convert import int16_weights
from export.convert.conversion_job import ConversionJob
from export.convert.dense_to_conv import convert_dense_layers
from export.convert.keras_model import keras_outputs
from export.convert.streaming_step import build_step
from export.convert.whole_window import rebuild_for_int16
from export.quantise import ranges
from export.quantise.float_runner import ActivationStatistics, FloatRunner, observe_stream, observe_windows
from export.tflite import flatbuffer, layout
from export.tflite.editor import Editor
from export.tflite.operator_facts import CONVOLUTION_WEIGHTS
from export.verify.sqnr import sqnr_db
from firmware_bench.runtime.metadata import ModelMetadata, QuantisationMetadata
from firmware_bench.runtime.streaming_model import NEXT, StreamingModel
from firmware_bench.runtime.tflite_model import TFLiteModel

HEADROOM = 1.5  # of a stream's ranges over what was seen: a state that goes on for hours must not saturate
# Of the lowest and highest values, one of each a look: where a recording has an artefact, the squares in a layer norm
# take hundreds of times the room of those of a heartbeat, and 16 bits are coarse: eight blocks of ecg_mamba, trained on
# PTB-XL, agree with Keras to 41 dB at 99.9 and to 15 at 100. The one with the best SQNR on SELECTION_WINDOWS is taken.
PERCENTILES = (100, 99.9, 99)
SELECTION_WINDOWS = 40
INT16_MAX = 32767
# Inputs of a step that are numbers between 0 and 1.
CONTROLS = ("valid", "share")


def convert(job: ConversionJob) -> None:
    """Converts the model of `job`, or its streaming step, and writes the file."""
    ((name, windows),) = job.windows["calibration"].items()
    if job.settings["streaming"]:
        step = build_step(job.model, integer=True)
        graph, states, description = convert_calibrated_float(step.model), step.states, step.metadata()
        statistics = observe_stream(FloatRunner(graph, description), windows)
    else:
        graph, states = convert_calibrated_float(rebuild_for_int16(job.model)), ()
        description = ModelMetadata()
        statistics = observe_windows(FloatRunner(graph), windows)
    few = windows[np.linspace(0, len(windows) - 1, min(SELECTION_WINDOWS, len(windows))).astype(int)]
    expected = keras_outputs(job.model, {name: few})
    files = {percentile: quantise(graph, states, statistics, percentile) for percentile in PERCENTILES}
    percentile = max(PERCENTILES, key=lambda percentile: sqnr_of_file(files[percentile], description, few, expected))
    quantisation = QuantisationMetadata(
        method="ptq",
        target=job.settings["target"],
        percentile=percentile,
        calibration_windows=len(windows),
        activations="int16",
        weights="int8",
        reason="a state adds up thousands of steps, each less than a step of an 8-bit scale",
    )
    job.write(files[percentile], dataclasses.replace(description, quantisation=quantisation))


def convert_calibrated_float(model: keras.Model) -> bytes:
    """Converts to the float file that is quantised: calibrated on zeros, since its ranges are overwritten.

    Args:
        model: A model with batch 1.

    Returns:
        The float TFLite file.
    """
    inputs = {tensor.name: tf.TensorSpec(tensor.shape, name=tensor.name) for tensor in model.inputs}
    function = tf.function(lambda **arrays: model(arrays)).get_concrete_function(**inputs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]
    zeros = {tensor.name: np.zeros(tensor.shape, np.float32) for tensor in model.inputs}
    converter.representative_dataset = lambda: iter([zeros])
    file = flatbuffer.read(tf_private.convert_calibrated_float(converter))
    convert_dense_layers(file)
    return flatbuffer.write(file)


def sqnr_of_file(
    data: bytes, description: ModelMetadata, windows: np.ndarray, expected: Mapping[str, np.ndarray]
) -> float:
    """Signal-to-quantisation-noise ratio of a file's outputs, dB; of several outputs the lowest.

    Args:
        data: The integer file.
        description: Metadata of a step, or none where the file takes whole windows.
        windows: (n, samples, leads).
        expected: Output name → (n, …) of the float model.
    """
    model = TFLiteModel(flatbuffer.set_metadata(data, description), kernels="reference")
    runner = StreamingModel(model) if description.streaming else model
    answers: list[Any] = [runner.run(window) for window in windows]
    if len(expected) == 1:
        answers = [dict.fromkeys(expected, answer) for answer in answers]
    return min(sqnr_db(y, np.stack([answer[name] for answer in answers])) for name, y in expected.items())


def quantise(graph: bytes, states: Sequence[str], statistics: ActivationStatistics, percentile: float = 100) -> bytes:
    """Quantises a float file to 16-bit activations.

    Args:
        graph: The float file, from `convert_calibrated_float`.
        states: Inputs whose next value is an output: both get one scale.
        statistics: What the activations held.
        percentile: The ranges hold the extremes of the looks up to this percentile.

    Returns:
        The integer file.
    """
    model = flatbuffer.read(graph)
    (signature,) = model.signatureDefs
    inputs = {entry.name.decode(): entry.tensorIndex for entry in signature.inputs}
    outputs = {entry.name.decode(): entry.tensorIndex for entry in signature.outputs}
    room = HEADROOM if states else 1.0
    ends = {tensor: extremes.limits(percentile) for tensor, extremes in statistics.extremes.items()}
    limits = {tensor: (low * room, high * room) for tensor, (low, high) in ends.items()}
    limits |= {inputs[name]: (0.0, 1.0) for name in CONTROLS if name in inputs}
    pairs = [*time_shifts(model), *((inputs[name], outputs[NEXT + name]) for name in states)]
    tied = ranges.tie(model, limits, pairs)
    ranges.set_ranges(model, {tensor: power_of_two_range(*limits) for tensor, limits in tied.items()})
    int16_weights.separate_biases(model)
    integer = flatbuffer.read(tf_private.quantise_int16(flatbuffer.write(model)))
    int16_weights.collapse_per_channel_scales(integer, model)
    int16_weights.correct_biases(integer, model, statistics.means)
    int16_weights.narrow_biases(integer)
    int16_weights.requantise_binary_constants(integer)
    int16_weights.strip_bias_quantization(integer)
    layout.compact_for_micro(integer)
    return flatbuffer.write(integer)


def time_shifts(model) -> list[tuple[int, int]]:
    """(input, output) of the convolutions that only move values in time (export.convert.whole_window.shift)."""
    editor, pairs = Editor(model), []
    for name, operator, _ in flatbuffer.operators(model):
        if name == "DEPTHWISE_CONV_2D":
            taps = editor.values(operator.inputs[CONVOLUTION_WEIGHTS])
            if set(taps.ravel()) == {0.0, 1.0} and taps.sum() == taps.shape[-1]:
                pairs.append((int(operator.inputs[0]), int(operator.outputs[0])))
    return pairs


def power_of_two_range(low: float, high: float) -> tuple[float, float]:
    """The symmetric range that holds `low` and `high` and whose 16-bit scale is a power of two.

    Products of such scales are exact. Of others LiteRT multiplies floats and TensorFlow Lite Micro doubles, and a
    product of two 16-bit numbers that lies near a tie is then rounded up by one and down by the other.
    """
    limit = INT16_MAX * 2.0 ** math.ceil(math.log2(max(-low, high, ranges.NARROWEST) / INT16_MAX))
    return -limit, limit
