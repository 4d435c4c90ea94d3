"""The conversion itself, in a process of its own because the converter's bad days end in a segmentation fault.

    python -m export.convert.int8 FOLDER

FOLDER holds model.keras, settings.json ({"inputs": [name, …], "target", "epochs", "percentiles"}) and folders of
windows, <part>/<input>.npy: calibration, check and, where there are epochs of training, training. The child adds
model.tflite, whose metadata say how it was quantised, checked/<output>.npy, the fake-quantised model's answers to the
check windows, and layers.json (export.quantise.layer_error). It reports on stdout, a line of JSON each: {"stage",
"done", "total"}.
"""

import dataclasses
import json
import pkgutil
import sys
from importlib import import_module
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from export.convert.dense_to_conv import as_convolutions
from export.convert.fused_lstm import exportable
from export.convert.targets import TARGETS, parts
from export.quantise import ranges
from export.quantise.float_graph import Graph
from export.quantise.layer_error import errors
from export.quantise.long_softmax import spread
from export.quantise.qat import BATCH, FakeQuantised, answers, finetune, kept_epoch, noise, outputs
from export.tflite import flatbuffer
from firmware_bench.runtime.metadata import ModelMetadata, QuantisationMetadata


def main(folder: Path) -> None:
    settings = json.loads((folder / "settings.json").read_text())
    windows = {
        part.name: {name: np.load(part / f"{name}.npy", mmap_mode="r") for name in settings["inputs"]}
        for part in folder.iterdir()
        if part.is_dir()
    }
    import_layers()
    model = exportable(keras.saving.load_model(folder / "model.keras", compile=False))
    calibration = windows["calibration"]

    report("converting", 0, 1)
    graph = Graph(float_graph(model, calibration))
    observed = ranges.observe(flatbuffer.write(graph.file), calibration)
    # What has 16 bits is not rounded to 8.
    limits = {tensor: values for tensor, values in observed.items() if tensor not in spread(graph.file)}
    rounded, percentile = best_percentile(graph, limits, calibration, settings["percentiles"])
    quantisation = QuantisationMetadata(
        method="ptq",
        target=settings["target"],
        percentile=percentile,
        calibration_windows=len(next(iter(calibration.values()))),
    )
    if settings["epochs"]:
        history = finetune(
            rounded,
            windows["training"],
            calibration,
            settings["epochs"],
            lambda done, total: report("fine-tuning", done, total),
        )
        quantisation = dataclasses.replace(
            quantisation,
            method="qat",
            training_windows=len(next(iter(windows["training"].values()))),
            epochs=settings["epochs"],
            kept_epoch=kept_epoch(history),
            decibels_by_epoch=tuple(round(float(-10 * np.log10(max(ratio, 1e-20))), 2) for ratio in history),
        )

    (folder / "checked").mkdir()
    for name, values in answers(tf.function(rounded, reduce_retracing=True), windows["check"]).items():
        np.save(folder / "checked" / f"{name}.npy", values)
    few = {name: x[:BATCH] for name, x in windows["check"].items()}
    (folder / "layers.json").write_text(json.dumps(errors(rounded, few)))

    rounded.write()
    ranges.set_ranges(graph.file, rounded.ranges() | ranges.cells(graph.file))
    target = settings["target"]
    quantisation = dataclasses.replace(quantisation, parts=parts(graph.file, target))
    made = flatbuffer.read(TARGETS[target](graph.file))
    flatbuffer.compact(made)
    data = flatbuffer.set_metadata(flatbuffer.write(made), ModelMetadata(quantisation=quantisation))
    (folder / "model.tflite").write_bytes(data)


def report(stage: str, done: int, total: int) -> None:
    print(json.dumps({"stage": stage, "done": done, "total": total}), flush=True)


def import_layers() -> None:
    """Keras finds a layer in a saved model only once the file that registers it is imported."""
    import models_keras.layers

    for module in pkgutil.iter_modules(models_keras.layers.__path__, "models_keras.layers."):
        import_module(module.name)


def float_graph(model: keras.Model, windows: dict[str, np.ndarray]) -> bytes:
    """The float model as the converter's calibration leaves it, dense layers as convolutions. One window will do: its
    ranges are overwritten."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.representative_dataset = lambda: iter([{name: w[:1].astype(np.float32) for name, w in windows.items()}])
    converter._experimental_calibrate_only = True
    file = flatbuffer.read(bytes(converter.convert()))
    as_convolutions(file)
    return flatbuffer.write(file)


def best_percentile(graph: Graph, observed, windows, percentiles) -> tuple[FakeQuantised, float]:
    """The fake-quantised graph with the ranges that answer `windows` best, and the percentile that gave them."""
    expected = answers(tf.function(lambda x: outputs(graph, graph.run(x)), reduce_retracing=True), windows)
    power = {name: float(np.mean(np.square(y))) for name, y in expected.items()}
    groups, fixed = ranges.groups(graph.file), ranges.fixed(graph.file)

    def rounded(percentile):
        limits = {tensor: values.limits(percentile) for tensor, values in observed.items()}
        tied = ranges.tie(graph.file, limits)
        return FakeQuantised(graph, {tensor: tied[tensor] for tensor in observed}, groups, fixed)

    def badness(percentile):
        found = answers(tf.function(rounded(percentile), reduce_retracing=True), windows)
        return float(noise(expected, found, power))

    best = min(percentiles, key=badness)
    return rounded(best), best


if __name__ == "__main__":
    main(Path(sys.argv[1]))
