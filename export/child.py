"""The conversion itself, in a process of its own because the converter's bad days end in a segmentation fault.

    python -m export.child FOLDER

FOLDER holds model.keras, settings.json ({"percentiles": […], "inputs": [name, …]}) and one <input>.npy of calibration
windows per input; the child adds int8.tflite, whose metadata say how it was quantised.
"""

import json
import pkgutil
import sys
from importlib import import_module
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert import mlir_quantize

from export import flatbuffer, ranges
from export.decibels import decibels
from export.flatbuffer import METADATA
from export.fused_lstm import exportable
from firmware_bench.bench_rpi import TFLiteModel


def main(folder: Path) -> None:
    settings = json.loads((folder / "settings.json").read_text())
    windows = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in settings["inputs"]}
    import_layers()
    model = exportable(keras.saving.load_model(folder / "model.keras", compile=False))

    graph = bytes(float_graph(model, windows))
    observed = ranges.observe(graph, windows)
    candidates = {percentile: quantise(graph, observed, percentile) for percentile in settings["percentiles"]}
    best = max(candidates, key=lambda percentile: agreement(graph, candidates[percentile], windows))
    quantisation = {
        "method": "ptq",
        "percentile": best,
        "calibration_windows": len(next(iter(windows.values()))),
        "target": "mcu",
    }
    data = flatbuffer.set_metadata(candidates[best], METADATA, {"quantisation": quantisation})
    (folder / "int8.tflite").write_bytes(data)


def import_layers() -> None:
    """Keras finds a layer in a saved model only once the file that registers it is imported."""
    import models_keras.layers

    for module in pkgutil.iter_modules(models_keras.layers.__path__, "models_keras.layers."):
        import_module(module.name)


def float_graph(model: keras.Model, windows: dict[str, np.ndarray]) -> bytes:
    """The float model as the converter's calibration leaves it. One window will do: its ranges are overwritten."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.representative_dataset = lambda: iter([{name: w[:1].astype(np.float32) for name, w in windows.items()}])
    converter._experimental_calibrate_only = True
    return converter.convert()


def quantise(graph: bytes, observed: dict[int, ranges.Observed], percentile: float) -> bytes:
    """The calibrated float `graph` in int8 throughout, inputs and outputs too, its ranges cut at `percentile`."""
    model = flatbuffer.read(graph)
    limits = {tensor: values.limits(percentile) for tensor, values in observed.items()}
    ranges.set_ranges(model, ranges.tie(model, limits))
    return to_integers(model)


def to_integers(calibrated) -> bytes:
    """The quantised form of a float file's object tree, by the ranges that its tensors carry."""
    quantised = mlir_quantize(
        flatbuffer.write(calibrated),
        input_data_type=tf.int8,
        output_data_type=tf.int8,
        # Kernels for microcontrollers of different ages know one scale for a dense layer's weights, not one per row.
        disable_per_channel_for_dense_layers=True,
    )
    return bytes(quantised)


def agreement(graph: bytes, integer: bytes, windows: dict[str, np.ndarray]) -> float:
    """Of the integer file with the float file it was made from, over the calibration windows, dB."""
    count = len(next(iter(windows.values())))

    def answers(data):
        model = TFLiteModel(data)
        return np.stack([model.run({name: values[n] for name, values in windows.items()}) for n in range(count)])

    return decibels(answers(graph), answers(integer))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
