"""Conversion to 8-bit activations and weights, by calibration alone or with quantisation-aware training.

Settings of the job: "target", "epochs" of quantisation-aware training (0: none), "percentiles" of the ranges to try.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from export import tf_private
from export.convert.conversion_job import ConversionJob, Converted
from export.convert.convertible_layers import make_convertible
from export.convert.dense_to_conv import convert_dense_layers
from export.convert.int8_target import describe_parts, quantise_for
from export.quantise import ranges
from export.quantise.float_graph import FloatGraph
from export.quantise.layer_error import layer_errors
from export.quantise.long_softmax import long_softmax_outputs
from export.quantise.qat import BATCH, FakeQuantised, best_epoch, finetune, graph_outputs, noise_ratio, run_batches
from export.targets import find_target
from export.tflite import compaction, flatbuffer
from firmware_bench.runtime.metadata import ModelMetadata, QuantisationMetadata


def convert(job: ConversionJob) -> None:
    """Converts the model of `job`; writes the file, the fake-quantised model's outputs and the layers' errors."""
    settings, windows = job.settings, job.windows
    calibration, target = windows["calibration"], find_target(settings["target"])
    job.report_progress("converting", 0, 1)
    graph = FloatGraph(convert_calibrated_float(make_convertible(job.model), calibration))
    observed = ranges.observe(flatbuffer.write(graph.file), calibration)
    # What has 16 bits is not rounded to 8.
    observed = {tensor: values for tensor, values in observed.items() if tensor not in long_softmax_outputs(graph.file)}
    model, percentile = choose_percentile(graph, observed, calibration, settings["percentiles"])
    quantisation = QuantisationMetadata(
        method="ptq",
        target=target.name,
        percentile=percentile,
        calibration_windows=len(next(iter(calibration.values()))),
        parts=describe_parts(graph.file, target),
    )
    if settings["epochs"]:
        quantisation = dataclasses.replace(quantisation, **_train(job, model))

    checked = run_batches(tf.function(model, reduce_retracing=True), windows["check"])
    errors = layer_errors(model, {name: x[:BATCH] for name, x in windows["check"].items()})

    model.write()
    ranges.set_ranges(graph.file, model.ranges() | ranges.lstm_cell_ranges(graph.file))
    integer = flatbuffer.read(quantise_for(target, graph.file))
    compaction.compact(integer)
    metadata = ModelMetadata(quantisation=quantisation)
    job.write(flatbuffer.write(integer), metadata, Converted(b"", checked, errors))


def _train(job, model):
    """Quantisation-aware training of `model`, and what the metadata state of it."""
    training, epochs = job.windows["training"], job.settings["epochs"]
    history = finetune(
        model,
        training,
        job.windows["calibration"],
        epochs,
        lambda done, total: job.report_progress("fine-tuning", done, total),
    )
    return {
        "method": "qat",
        "training_windows": len(next(iter(training.values()))),
        "epochs": epochs,
        "kept_epoch": best_epoch(history),
        "decibels_by_epoch": tuple(round(float(-10 * np.log10(max(ratio, 1e-20))), 2) for ratio in history),
    }


def convert_calibrated_float(model: keras.Model, windows: Mapping[str, np.ndarray]) -> bytes:
    """Converts to the float file that is quantised: calibrated, dense layers as convolutions.

    Args:
        model: A model with batch 1 and fused LSTMs.
        windows: Input name → (n, …); only the first is used, since its ranges are overwritten.

    Returns:
        The float TFLite file.
    """
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.representative_dataset = lambda: iter([{name: w[:1].astype(np.float32) for name, w in windows.items()}])
    file = flatbuffer.read(tf_private.convert_calibrated_float(converter))
    convert_dense_layers(file)
    return flatbuffer.write(file)


def choose_percentile(
    graph: FloatGraph,
    observed: Mapping[int, ranges.ObservedRange],
    windows: Mapping[str, np.ndarray],
    percentiles: Sequence[float],
) -> tuple[FakeQuantised, float]:
    """Chooses the percentile whose ranges give the least noise on `windows`.

    Args:
        graph: The float graph.
        observed: Tensor → its values during calibration.
        windows: Input name → (n, …).
        percentiles: Those to try.

    Returns:
        The fake-quantised graph with the best ranges, and their percentile.
    """
    expected = run_batches(tf.function(lambda x: graph_outputs(graph, graph.run(x)), reduce_retracing=True), windows)
    power = {name: float(np.mean(np.square(y))) for name, y in expected.items()}
    groups, fixed = ranges.scale_groups(graph.file), ranges.fixed_ranges(graph.file)

    def fake_quantise(percentile):
        limits = {tensor: values.limits(percentile) for tensor, values in observed.items()}
        tied = ranges.tie(graph.file, limits)
        return FakeQuantised(graph, {tensor: tied[tensor] for tensor in observed}, groups, fixed)

    def noise_of(percentile):
        found = run_batches(tf.function(fake_quantise(percentile), reduce_retracing=True), windows)
        return float(noise_ratio(expected, found, power))

    best = min(percentiles, key=noise_of)
    return fake_quantise(best), best
