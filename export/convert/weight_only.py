"""A model that 16-bit integers would compute, as an application processor computes it fastest: weights of 8 bits, the
rest in float. In a process of its own, as export.convert.int8.

    python -m export.convert.weight_only FOLDER

FOLDER is what export.convert.converter_process lays out. The child adds model.tflite, whose metadata say how it was
quantised.

16-bit integers have no fast kernels there: `ecg_mamba`, edge preset, takes 330 ms a window with them where float takes
3 to 7 (LiteRT on x86-64, one thread). Of those the loop between the chunks of a state space is four fifths, which no
delegate takes: here it is unrolled.
"""

import dataclasses
import json
import sys
from pathlib import Path

import keras
import tensorflow as tf

from export.convert.fused_lstm import exportable
from export.convert.int8 import import_layers
from export.tflite import flatbuffer
from firmware_bench.runtime.metadata import ModelMetadata, QuantisationMetadata
from models_keras.layers.selective_ssm import SelectiveSSM

QUANTISATION = QuantisationMetadata(
    method="weights",
    activations="float32",
    weights="int8",
    parts={"SelectiveSSM": "float, unrolled", "others": "float activations, int8 weights"},
    reason="a state needs 16 bits, for which an application processor has no fast integer kernels",
)


def main(folder: Path) -> None:
    settings = json.loads((folder / "settings.json").read_text())
    import_layers()
    model = keras.saving.load_model(folder / "model.keras", compile=False)
    metadata = ModelMetadata(quantisation=dataclasses.replace(QUANTISATION, target=settings["target"]))
    (folder / "model.tflite").write_bytes(flatbuffer.set_metadata(weights_of_8_bits(model), metadata))


def weights_of_8_bits(model: keras.Model) -> bytes:
    """Float activations; of convolutions and dense layers the matrices of a thousand weights and more as integers."""
    for layer in model._flatten_layers():
        if isinstance(layer, SelectiveSSM):
            layer.form = "unrolled"
    converter = tf.lite.TFLiteConverter.from_keras_model(exportable(model))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    made = flatbuffer.read(bytes(converter.convert()))
    flatbuffer.compact(made)
    (graph,) = made.subgraphs
    for operator in graph.operators:  # of thousands
        for tensor in {*operator.inputs, *operator.outputs} - {*graph.inputs, *graph.outputs, -1}:
            graph.tensors[tensor].name = None
    return flatbuffer.write(made)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
