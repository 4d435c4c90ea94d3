"""How much faster than real time a live signal is labelled on one core: 12 leads at 1,000 Hz.

    python benchmarks/live.py [--arch cnn_att_bilstm --arch ecg_mamba] [--preset edge] [--seconds 60]

The weights are untrained, the counts noise, which arrives in pieces of 10 ms. Every model has causal preprocessing:
resampling to its rate, high-pass, notch, low-pass, running normalisation. One that can is exported as a step of a
stream, others answer for windows, every second where they can. The first row is the preprocessing alone, at 1,000 Hz.
"""

import dataclasses
import tempfile
import time
from pathlib import Path

import click
import numpy as np
from benchmark_result import report, result_option, run

from firmware_bench.front_end.sensor import Sensor

FS = 1000.0  # Hz, of the sensor
SENSOR = Sensor(FS, (200.0,))
PIECE_S = 0.01
FORMS = ("int16", "csv")


@click.command()
@click.option("--arch", multiple=True, default=("ecg_mamba", "cnn_att_bilstm"), show_default=True)
@click.option("--preset", default="edge", show_default=True)
@click.option("--leads", default=12, show_default=True, help="Of the sensor and of the models.")
@click.option("--seconds", default=60.0, show_default=True, help="Of signal.")
@result_option
def main(arch, preset, leads, seconds, result):
    counts = np.random.default_rng(0).normal(0, 200, (round(seconds * FS), leads)).astype(np.int16)
    rows = [measure_front_end(counts)]
    for name in arch:
        data, kind, fs = make_file(name, preset, leads)
        rows += [{"model": f"{name}, {preset}, {kind}, {fs:g} Hz", **measure(data, counts, form)} for form in FORMS]
    conditions = f"{leads} leads at {FS:g} Hz, untrained weights, one thread of LiteRT"
    report(result, "Seconds of signal in a second of processor time", "measured", conditions, rows)


def make_file(arch: str, preset: str, leads: int) -> tuple[bytes, str, float]:
    """Return an untrained integer model with causal preprocessing, what it answers for, and its rate, Hz."""
    from untrained_models import STREAMING_SETTINGS, build, can_stream, integer_file, streaming_file

    from ecg_edge.training.config import SignalConfig
    from export.tflite.flatbuffer import set_metadata
    from export.tflite.signature import describe_tensors
    from firmware_bench.runtime.metadata import ModelMetadata, WindowMetadata
    from firmware_bench.runtime.metadata_format import read_metadata
    from models_keras.registry import find

    streams = can_stream(arch)
    model = build(arch, preset, leads, STREAMING_SETTINGS if streams else None)
    data = streaming_file(model) if streams else integer_file(model)
    fs = SignalConfig(**find(arch).presets[preset].signal).fs
    inputs, outputs = describe_tensors(data)
    samples, leads = model.inputs[0].shape[1:]
    described = dataclasses.replace(
        read_metadata(data) if streams else ModelMetadata(),
        architecture=arch,
        fs=fs,
        leads=tuple(f"lead {n + 1}" for n in range(leads)),
        labels=tuple(str(n) for n in range(model.outputs[0].shape[-1])),
        window=WindowMetadata(samples, samples),
        preprocessing=tuple(causal_steps(fs)),
        inputs=inputs,
        outputs=outputs,
    )
    return set_metadata(data, described), "a streaming step" if streams else f"windows of {samples / fs:g} s", fs


def causal_steps(fs: float) -> list:
    """Return every kind of causal step, for a model's rate in Hz."""
    from ecg_edge.training.config import SignalConfig

    return SignalConfig(fs=fs, mode="causal", normalise="running", notch_hz=fs / 8, lowpass_hz=0.4 * fs).steps()


def measure_front_end(counts: np.ndarray) -> dict:
    """Measure the preprocessing at the sensor's rate, in the blocks in which `watch` processes a signal."""
    from ecg_edge.api.live_signal import BATCH_S
    from firmware_bench.front_end.integer_front_end import IntegerFrontEnd
    from firmware_bench.front_end.plan import plan_front_end

    fs, leads = FS, counts.shape[1]
    front_end = IntegerFrontEnd(plan_front_end(causal_steps(fs), fs, fs, SENSOR.counts_per_unit * leads, (0,) * leads))
    length = round(BATCH_S * fs)
    begun = time.process_time()
    for first in range(0, len(counts), length):
        front_end.push(counts[first : first + length])
    seconds = time.process_time() - begun
    return {"model": f"preprocessing alone, {fs:g} Hz", "speed": round(len(counts) / fs / seconds, 1)}


def measure(data: bytes, counts: np.ndarray, form: str) -> dict:
    """Measure `ecg_edge.watch`, from bytes to answers."""
    import ecg_edge

    pieces = [encode(piece, form) for piece in np.array_split(counts, max(1, round(len(counts) / FS / PIECE_S)))]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.tflite")
        file.write_bytes(data)
        answers = ecg_edge.watch(file, ecg_edge.CountStream(pieces, SENSOR, form))
    begun = time.process_time()
    number = sum(1 for _ in answers)
    seconds = time.process_time() - begun
    return {"format": form, "answers": number, "speed": round(len(counts) / FS / seconds, 1)}


def encode(counts: np.ndarray, form: str) -> bytes:
    """Return counts as a sensor sends them."""
    if form == "int16":
        return counts.astype("<i2").tobytes()
    return "".join(",".join(map(str, row)) + "\n" for row in counts.tolist()).encode()


if __name__ == "__main__":
    run(main)
