"""Conversion, for an application processor, of a model that needs 16-bit activations: 8-bit weights, float activations.

16-bit integers have no fast kernels there: `ecg_mamba`, edge preset, takes 330 ms a window with them where float takes
3 to 7 (LiteRT on x86-64, one thread). Of those the loop between the chunks of a state space is four fifths, which no
delegate takes: here it is unrolled.
"""

import dataclasses

import keras
import tensorflow as tf

from export import tf_private
from export.convert.conversion_job import ConversionJob
from export.convert.convertible_layers import make_convertible
from export.tflite import compaction, flatbuffer
from firmware_bench.runtime.metadata import ModelMetadata, QuantisationMetadata
from models_keras.layers.selective_ssm import SelectiveSSM

QUANTISATION = QuantisationMetadata(
    method="weights",
    activations="float32",
    weights="int8",
    parts={"SelectiveSSM": "float, unrolled", "others": "float activations, int8 weights"},
    reason="a state needs 16 bits, for which an application processor has no fast integer kernels",
)


def convert(job: ConversionJob) -> None:
    """Converts the model of `job` and writes the file."""
    quantisation = dataclasses.replace(QUANTISATION, target=job.settings["target"])
    job.write(convert_weights_to_int8(job.model), ModelMetadata(quantisation=quantisation))


def convert_weights_to_int8(model: keras.Model) -> bytes:
    """Converts to a file of float activations; matrices of 1,024 weights and more become integers.

    Args:
        model: The trained model; its state spaces are unrolled in place.

    Returns:
        The TFLite file.
    """
    for layer in tf_private.flatten_layers(model):
        if isinstance(layer, SelectiveSSM):
            layer.form = "unrolled"
    converter = tf.lite.TFLiteConverter.from_keras_model(make_convertible(model))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    file = flatbuffer.read(bytes(converter.convert()))
    compaction.compact(file)
    (graph,) = file.subgraphs
    for operator in graph.operators:  # of thousands
        for tensor in {*operator.inputs, *operator.outputs} - {*graph.inputs, *graph.outputs, -1}:
            graph.tensors[tensor].name = None
    return flatbuffer.write(file)
