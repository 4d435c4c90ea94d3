"""What a device computes from the counts of a sensor to labels, answering every hop, against whole windows.

    python benchmarks/device_path.py runs/af/export/cnn_att_bilstm-int8.tflite [MORE.tflite …] [--sensor-rate 300]

The files are exports of models that were trained with --set signal.mode=causal.
"""

from pathlib import Path

import click
from benchmark_result import report, result_option, run

CORE = "cortex-m4"


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--sensor-rate", default=300.0, show_default=True, help="Hz.")
@click.option("--hop", default=1.0, show_default=True, help="Time from answer to answer, s.")
@result_option
def main(files, sensor_rate, hop, result):
    rows = [measure(file.read_bytes(), sensor_rate, hop) for file in files]
    conditions = f"{CORE} with DSP in QEMU, gcc -O2; a sensor of {sensor_rate:g} Hz"
    report(result, "From counts to labels", "emulated", conditions, rows)


def measure(data: bytes, sensor_rate: float, hop: float) -> dict:
    """Measure a file: instructions of a window at once, and of the whole path for each answer."""
    import tempfile

    from ecg_edge.api.device_cost import measure_path
    from export.c99 import generate
    from firmware_bench.front_end.sensor import Sensor
    from firmware_bench.mcu import qemu
    from firmware_bench.runtime.errors import InputError
    from firmware_bench.runtime.metadata_format import read_metadata

    path = measure_path(data, Sensor(sensor_rate, (200.0,)), hop, [], 1.0)
    if "none" in path:
        raise InputError(path["none"])
    with tempfile.TemporaryDirectory() as folder:
        generate(data, Path(folder, "program"))
        program = qemu.CortexProgram(Path(folder, "program"), CORE)
        with program:
            window = program.measure()
    metadata = read_metadata(data)
    answer = path["instructions"] * path["answer_s"]
    return {
        "model": f"{metadata.architecture}, {metadata.preset}",
        "window_s": metadata.window.samples / metadata.fs,
        "answer_s": path["answer_s"],
        "window_instructions": window.instructions,
        "answer_instructions": round(answer),
        "share": round(answer / window.instructions, 4),
        "front_end_per_second": path["front_end"],
        "dearest_poll": path["dearest"],
        "ram_bytes": path["ram"]["signal"] + path["ram"]["stack"],
        "flash_bytes": sum(path["flash"].values()),
    }


if __name__ == "__main__":
    run(main)
