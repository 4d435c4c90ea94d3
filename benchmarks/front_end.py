"""The front end of a device: instructions a second of the generated C program for one lead, and how far its integers
are from the same steps in float64 on real recordings.

    ECG_EDGE_DATA=… python benchmarks/front_end.py

Without recordings the second is left out.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np
from benchmark_result import report, result_option, run

SIMPLE = {"high-pass 0.5 Hz": {}}
FULL = {
    "high-pass 0.5 Hz, low-pass 40 Hz, notch 50 Hz, running scale": {
        "lowpass_hz": 40.0,
        "notch_hz": 50.0,
        "normalise": "running",
    }
}
CASES = [
    (sensor_fs, fs, words, settings)
    for steps in (SIMPLE, FULL)
    for words, settings in steps.items()
    for sensor_fs, fs in ((250.0, 250.0), (360.0, 250.0), (500.0, 250.0), (1000.0, 125.0))
]
RECORDS = ("mitdb/100", "mitdb/208", "nstdb/118e06", "svdb/800", "cinc2017/A00001", "cinc2017/A00004")
CORE, SECONDS, SAMPLES = "cortex-m4", 20, 100_000


@click.command()
@click.option("--cases", default=len(CASES), show_default=True, help="How many of the settings.")
@result_option
def main(cases, result):
    from untrained_models import build, integer_file

    data = integer_file(build("cnn", "tiny", leads=1))
    rows = [measure(data, *case) for case in CASES[:cases]]
    conditions = (
        f"{CORE} with DSP in QEMU, gcc -O2, one lead; float64 on the first {SAMPLES:,} samples of those of "
        f"{', '.join(RECORDS)} that are there"
    )
    report(result, "The front end of a device, for one lead", "emulated", conditions, rows)


def measure(data: bytes, sensor_fs: float, fs: float, words: str, settings: dict) -> dict:
    """Measure one setting: instructions a second, bytes, and the lowest SQNR on recordings."""
    import dataclasses

    from ecg_edge.training.config import SignalConfig
    from export.c99 import generate
    from export.tflite.flatbuffer import set_metadata
    from firmware_bench.front_end.sensor import Sensor
    from firmware_bench.mcu import qemu
    from firmware_bench.runtime.tflite_model import TFLiteModel

    steps = SignalConfig(fs=fs, mode="causal", **settings).steps()
    model = TFLiteModel(data)
    metadata = dataclasses.replace(
        model.metadata,
        leads=("I",),
        labels=tuple(str(n) for n in range(model.outputs[0].shape[-1])),
        inputs=tuple(model.inputs),
        outputs=tuple(model.outputs),
        fs=fs,
        preprocessing=tuple(steps),
    )
    with tempfile.TemporaryDirectory() as folder:
        made = generate(
            set_metadata(data, metadata), Path(folder, "program"), "model", sensor=Sensor(sensor_fs, (200.0,))
        )
        with qemu.CortexFrontEnd(made.folder, CORE, round(SECONDS * sensor_fs)) as program:
            rate = program.measure().mean * sensor_fs
    return {
        "sensor_fs": sensor_fs,
        "fs": fs,
        "steps": words,
        "instructions_per_second": round(rate),
        "lowest_sqnr_db": find_lowest_sqnr(steps, fs),
    }


def find_lowest_sqnr(steps: list[dict], fs: float) -> float | None:
    """Return the lowest SQNR in dB of integers against float64 over leads of RECORDS; None where none is there."""
    import wfdb

    from ecg_edge.signals.preprocessing import STEPS
    from firmware_bench.front_end.integer_front_end import IntegerFrontEnd
    from firmware_bench.front_end.plan import plan_front_end

    found = []
    for name in RECORDS:
        path = Path(os.environ.get("ECG_EDGE_DATA", ""), name)
        if not path.with_suffix(".hea").exists():
            continue
        length = wfdb.rdheader(str(path)).sig_len
        record: Any = wfdb.rdrecord(str(path), physical=False, sampto=min(SAMPLES, length))
        signal, rate = (record.d_signal - np.array(record.baseline, float)) / record.adc_gain, record.fs
        for step in steps:
            parameters = {key: value for key, value in step.items() if key != "step"}
            signal, rate = STEPS[step["step"]](signal, rate, **parameters)
        plan = plan_front_end(steps, fs, record.fs, record.adc_gain, record.baseline)
        values = IntegerFrontEnd(plan).push(record.d_signal.astype(np.int16)) / 2**20
        signal = signal[: len(values)]
        noise = np.square(values - signal).mean(axis=0)
        found += (10 * np.log10(np.square(signal).mean(axis=0) / noise)).tolist()
    return round(min(found), 1) if found else None


if __name__ == "__main__":
    run(main)
