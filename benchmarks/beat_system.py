"""The whole beat system on a Cortex-M4: counts, detector, beat classifier, rhythm model; 75 beats a minute.

    python benchmarks/beat_system.py [--preset edge] [--sensor-rate 360]

The models have random weights: what they take hardly depends on them.
"""

import dataclasses

import click
import numpy as np
from benchmark_result import report, result_option, run

CORE = "cortex-m4"
LEADS = ("II", "V1")


@click.command()
@click.option("--preset", default="edge", show_default=True)
@click.option("--sensor-rate", default=360.0, show_default=True, help="Hz.")
@result_option
def main(preset, sensor_rate, result):
    from ecg_edge.api.device_cost import measure_path
    from firmware_bench.front_end.sensor import Sensor
    from firmware_bench.runtime.errors import InputError

    rhythm, beats = make_files(preset)
    found = measure_path(rhythm, Sensor(sensor_rate, (200.0,)), None, [], 1.0, beats)
    if "none" in found:
        raise InputError(found["none"])
    row = {
        "preset": preset,
        "instructions_per_second": found["instructions"],
        "front_end_per_second": found["front_end"],
        "dearest_poll": found["dearest"],
        "ram_bytes": found["ram"]["signal"],
        "stack_bytes": found["ram"]["stack"],
        "flash_bytes": sum(found["flash"].values()),
    }
    conditions = (
        f"{CORE} with DSP in QEMU, gcc -O2; {len(LEADS)} leads at {sensor_rate:g} Hz, 75 beats a minute, a rhythm "
        "every 5 s, two minutes from the first beat on; random weights"
    )
    report(result, "Counts to beats and rhythms", "emulated", conditions, [row])


def make_files(preset: str) -> tuple[bytes, bytes]:
    """Return the files of an untrained rhythm model and of the beat classifier whose features it takes."""
    from untrained_models import build, integer_file, make_noise

    from firmware_bench.runtime.metadata import EmbedderMetadata, TaskMetadata, WindowMetadata
    from firmware_bench.runtime.metadata_format import read_metadata
    from models_keras.registry import find

    with_features = find("htf_beat").beat_features
    assert with_features is not None
    classifier = with_features(build("htf_beat", preset, len(LEADS)))
    data = integer_file(classifier, make_noise(classifier, 4))
    beats = describe(data, preset, labels=name_classes("htf_beat"), task=TaskMetadata("beats", {"labels": "true"}))
    features = next(output for output in read_metadata(beats).outputs if output.name == "fused").shape[1]
    model = build("rhythm_from_beats", preset, len(LEADS), {"morphology": True, "features": features})
    noise = make_noise(model, 4)
    noise["weights"] = np.full_like(noise["weights"], 1 / noise["weights"].shape[1])
    signal = find("rhythm_from_beats").presets[preset].signal
    samples = round(signal["window_s"] * signal["fs"])
    named = {
        "labels": name_classes("rhythm_from_beats"),
        "task": TaskMetadata("beat_rhythm", {"labels": "own"}),
        "window": WindowMetadata(samples, samples),
        "embedder": EmbedderMetadata("beats.tflite", read_metadata(beats).digest),
    }
    return describe(integer_file(model, noise), preset, **named), beats


def name_classes(arch: str) -> tuple[str, ...]:
    """Return a label for each class of an architecture."""
    from models_keras.registry import find

    return tuple(f"class {number}" for number in range(find(arch).classes))


def describe(data: bytes, preset: str, **about) -> bytes:
    """Return a file with the metadata of an export."""
    from ecg_edge.training.config import SignalConfig
    from export.tflite.flatbuffer import set_metadata
    from export.tflite.signature import describe_tensors
    from firmware_bench.runtime.metadata import ModelMetadata, ReferenceMetadata
    from firmware_bench.runtime.metadata_format import DIGEST_PLACEHOLDER, insert_digest
    from models_keras.registry import find

    signal = SignalConfig(**find("rhythm_from_beats").presets[preset].signal)
    inputs, outputs = describe_tensors(data)
    if len(outputs) == 1:  # the converter calls it output_0
        outputs = (dataclasses.replace(outputs[0], name="probabilities"),)
    metadata = ModelMetadata(
        **about,
        fs=signal.fs,
        leads=LEADS,
        inputs=inputs,
        outputs=outputs,
        preprocessing=tuple(signal.steps()),
        window_preprocessing=({"step": "zscore"},),
        reference=ReferenceMetadata(seed=1, vectors=4),
        digest=DIGEST_PLACEHOLDER,
    )
    return insert_digest(set_metadata(data, metadata))


if __name__ == "__main__":
    run(main)
