"""Latency of each part of an architecture, in float and in int8, as models of their own, on one thread of this machine.

    python benchmarks/components.py [--arch cnn_att_bilstm] [--preset paper] [--leads 12] [--rounds 20] [--out DIR]

With --out the parts are also written as files with reference vectors, which `ecg-edge bench DIR/*.tflite --host
USER@HOST` measures on any device and with any runtime.

All parts are timed in alternation, so that a change of the clock rate affects all of them alike; the median of the
times per window counts. The weights are random: latency does not depend on them.
"""

import time
from pathlib import Path

import click
import numpy as np
from benchmark_result import report, result_option, run


@click.command()
@click.option("--arch", default="cnn_att_bilstm", show_default=True)
@click.option("--preset", default="paper", show_default=True)
@click.option("--leads", default=12, show_default=True)
@click.option("--rounds", default=20, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Also write the parts here.")
@result_option
def main(arch, preset, leads, rounds, out, result):
    from untrained_models import build, float_file, integer_file, make_noise

    from ecg_edge.console import log

    model = build(arch, preset, leads)
    parts = split_into_parts(model, arch, make_noise(model, 8))
    files = {}
    for name, (part, inputs) in parts.items():
        files[name, "float"] = float_file(part)
        files[name, "int8"] = integer_file(part, {part.inputs[0].name: inputs})
    if out:
        out.mkdir(parents=True, exist_ok=True)
        for (name, kind), data in files.items():
            path = out / f"{name}-{kind}.tflite"
            path.write_bytes(add_metadata(data, parts[name][0], arch, preset))
            log(f"written to {path}")
    median = time_in_alternation({key: (data, parts[key[0]][1][0]) for key, data in files.items()}, rounds)
    rows = [
        {
            "part": name,
            "float_ms": median[name, "float"],
            "float_share": median[name, "float"] / median["whole", "float"],
            "int8_ms": median[name, "int8"],
            "int8_share": median[name, "int8"] / median["whole", "int8"],
        }
        for name in parts
    ]
    title = f"Latency of the parts of {arch}, {preset} preset, {leads} leads: ms per window"
    report(result, title, "measured", f"one thread, LiteRT, untrained weights, median of {rounds}", rows)


def split_into_parts(model, arch, noise):
    """Cut a model where its architecture names parts.

    Args:
        model: The model, of one input.
        arch: Name of its architecture.
        noise: Its input, by name.

    Returns:
        Part → (model, its input windows); "whole" is the model itself.
    """
    import keras

    from ecg_edge.tasks.predictor import KerasPredictor
    from models_keras.registry import find

    (values,) = noise.values()
    parts, start = {"whole": (model, values)}, model.inputs[0]
    for name, layer in find(arch).parts.items():
        end = model.get_layer(layer).output
        parts[name] = keras.Model(start, end), values
        values = KerasPredictor(parts[name][0])({start.name: values})
        start = end
    return parts


def time_in_alternation(runners, rounds):
    """Time files in turn.

    Args:
        runners: Key → (file, one window).
        rounds: Number of runs of each.

    Returns:
        Key → median time of a window, ms.
    """
    from firmware_bench.runtime.tflite_model import TFLiteModel

    models = {key: (TFLiteModel(data), window) for key, (data, window) in runners.items()}
    seconds = {key: [] for key in models}
    for _ in range(rounds):
        for key, (model, window) in models.items():
            begin = time.perf_counter()
            model.run(window)
            seconds[key].append(time.perf_counter() - begin)
    return {key: 1000 * float(np.median(values)) for key, values in seconds.items()}


def add_metadata(data: bytes, part, arch: str, preset: str) -> bytes:
    """Return the file with metadata and reference vectors, with which a device proves that it computes the same."""
    from ecg_edge.software_versions import installed_versions
    from ecg_edge.training.config import SignalConfig
    from export.convert.keras_model import output_names
    from export.reference_vectors import add_reference_vectors
    from export.tflite.signature import describe_tensors
    from firmware_bench.runtime.metadata import ModelMetadata
    from models_keras.registry import find

    signal = SignalConfig(**find(arch).presets[preset].signal)
    inputs, outputs = describe_tensors(data, output_names(part, data))
    description = ModelMetadata(
        architecture=arch,
        preset=preset,
        inputs=inputs,
        outputs=outputs,
        versions=installed_versions(),
        **signal.window_spec().to_metadata(),
    )
    return add_reference_vectors(data, description)


if __name__ == "__main__":
    run(main)
