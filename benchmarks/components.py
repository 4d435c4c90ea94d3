"""Latency of each part of an architecture, in float and in int8, as models of their own on one thread here.

    python benchmarks/components.py [--arch cnn_att_bilstm] [--preset paper] [--leads 12] [--rounds 20] [--out DIR]

With --out the parts are written as files with reference vectors, which `ecg-edge bench DIR/*.tflite --host USER@HOST`
measures on any device and with any runtime.

All parts are timed in alternation, so that a clock that drifts does so for all of them; of the times per call the
median counts. The weights are random: latency does not depend on them.
"""

import contextlib
import io
import time
from pathlib import Path

import click
import numpy as np


@click.command()
@click.option("--arch", default="cnn_att_bilstm", show_default=True)
@click.option("--preset", default="paper", show_default=True)
@click.option("--leads", default=12, show_default=True)
@click.option("--rounds", default=20, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write the parts here, time nothing.")
def main(arch, preset, leads, rounds, out):
    import keras

    from ecg_edge import console
    from ecg_edge.training.config import SignalConfig
    from export.convert.conversion_job import ExportWindows
    from export.convert.strategies import convert
    from firmware_bench.runtime.tflite_model import TFLiteModel
    from models_keras.registry import find

    architecture = find(arch)
    chosen = architecture.presets[preset]
    keras.utils.set_random_seed(0)
    model = architecture.build(SignalConfig(**chosen.signal).samples, leads, architecture.classes, **chosen.model)
    windows = np.random.default_rng(0).normal(size=(8, *model.inputs[0].shape[1:])).astype(np.float32)

    parts, start, values = {"whole": (model, windows)}, model.inputs[0], windows
    for name, layer in architecture.parts.items():
        end = model.get_layer(layer).output
        parts[name] = keras.Model(start, end), values
        values = parts[name][0].predict(values, verbose=0)
        start = end
    files = {}
    for name, (part, inputs) in parts.items():
        files[name, "float"] = float_file(part)
        noise = {part.inputs[0].name: inputs}
        files[name, "int8"] = convert(part, ExportWindows(noise, noise)).data
    if out:
        out.mkdir(parents=True, exist_ok=True)
        for (name, kind), data in files.items():
            path = out / f"{name}-{kind}.tflite"
            path.write_bytes(described(data, parts[name][0], arch, preset, SignalConfig(**chosen.signal)))
            console.log(f"written to {path}")
        return
    runners = {key: (TFLiteModel(data), parts[key[0]][1][0]) for key, data in files.items()}

    seconds = {key: [] for key in runners}
    for _ in range(rounds):
        for key, (runner, window) in runners.items():
            begin = time.perf_counter()
            runner.run(window)
            seconds[key].append(time.perf_counter() - begin)
    median = {key: 1000 * float(np.median(values)) for key, values in seconds.items()}
    rows = [
        [name, f"{median[name, 'float']:.2f}", f"{median[name, 'float'] / median['whole', 'float']:.0%}",
         f"{median[name, 'int8']:.2f}", f"{median[name, 'int8'] / median['whole', 'int8']:.0%}"]
        for name in parts
    ]  # fmt: skip
    title = f"{arch}, {preset}, {leads} leads: ms a window, median of {rounds}, one thread, measured here"
    console.table(title, ["part", "float", "of the whole", "int8", "of the whole"], rows)


def described(data: bytes, part, arch: str, preset: str, signal) -> bytes:
    """The file with what a device needs to prove that it computes the same; signal: what the whole model takes."""
    from importlib.metadata import version

    from export.convert.keras_model import output_names
    from export.reference_vectors import add_reference_vectors
    from export.tflite.signature import describe_tensors
    from firmware_bench.runtime.metadata import ModelMetadata, WindowMetadata

    inputs, outputs = describe_tensors(data, output_names(part, data))
    metadata = ModelMetadata(
        architecture=arch,
        preset=preset,
        fs=signal.fs,
        window=WindowMetadata(signal.samples, signal.samples),
        versions={"ai-edge-litert": version("ai-edge-litert")},
        inputs=inputs,
        outputs=outputs,
    )
    return add_reference_vectors(data, metadata)


def float_file(model) -> bytes:
    """The model as a float TensorFlow Lite file with fused LSTMs."""
    import tensorflow as tf

    from export.convert.fused_lstm import fuse_lstms

    with contextlib.redirect_stdout(io.StringIO()):  # the converter lists every variable
        return tf.lite.TFLiteConverter.from_keras_model(fuse_lstms(model)).convert()


if __name__ == "__main__":
    main()
