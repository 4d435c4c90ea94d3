"""Latency of every architecture in float, in integers throughout and in mixed precision, on one thread of this machine.

    python benchmarks/rpi_form.py [--arch cnn_att_bilstm …] [--preset paper] [--leads 12] [--rounds 20] [--files DIR]

All forms are timed in alternation, so that a change of the clock rate affects all of them alike, each after a window
that is not timed, which fills the caches; the median of the times per window counts. The weights are random: latency
does not depend on them. Conversion takes minutes, timing seconds: DIR keeps the files for another time, on an idle
machine.
"""

import time
from pathlib import Path

import click
import numpy as np
from benchmark_result import report, result_option, run

FORMS = ("float", "mcu", "rpi")


@click.command()
@click.option("--arch", "archs", multiple=True, help="May be repeated. Default: all that have an integer form.")
@click.option("--preset", default="paper", show_default=True)
@click.option("--leads", default=12, show_default=True)
@click.option("--rounds", default=20, show_default=True)
@click.option("--files", "folder", type=click.Path(path_type=Path), help="Where converted files are kept.")
@result_option
def main(archs, preset, leads, rounds, folder, result):
    from models_keras.registry import names

    rows = [measure(arch, preset, leads, rounds, folder) for arch in archs or names()]
    title = f"Latency of the float, integer and Raspberry Pi forms, {preset} preset: ms per window"
    conditions = f"one thread, LiteRT, untrained weights, in alternation, median of {rounds}"
    report(result, title, "measured", conditions, rows)


def measure(arch, preset, leads, rounds, folder):
    """Return the row of an architecture: latencies in ms, sizes in bytes, or why there is no file."""
    from untrained_models import build, make_noise

    from firmware_bench.runtime.errors import AcceptanceError
    from firmware_bench.runtime.tflite_model import TFLiteModel

    model = build(arch, preset, leads)
    noise = make_noise(model, 8)
    try:
        files = {form: read_or_convert(folder, f"{arch}-{preset}-{leads}-{form}", model, noise, form) for form in FORMS}
    except AcceptanceError as error:
        return {"architecture": arch, "result": str(error)}
    runners = {form: TFLiteModel(data) for form, data in files.items()}
    inputs = {form: quantise_inputs(runner, noise) for form, runner in runners.items()}
    seconds = {form: [] for form in runners}
    for _ in range(rounds):
        for form, runner in runners.items():
            runner.run_raw(inputs[form])
            begin = time.perf_counter()
            runner.run_raw(inputs[form])
            seconds[form].append(time.perf_counter() - begin)
    median = {form: 1000 * float(np.median(values)) for form, values in seconds.items()}
    return {
        "architecture": arch,
        "float_ms": round(median["float"], 2),
        "int8_ms": round(median["mcu"], 2),
        "rpi_ms": round(median["rpi"], 2),
        "rpi_over_float": round(median["rpi"] / median["float"], 2),
        "float_bytes": len(files["float"]),
        "int8_bytes": len(files["mcu"]),
        "rpi_bytes": len(files["rpi"]),
    }


def read_or_convert(folder, name, model, noise, form) -> bytes:
    """Return the file of a form, from `folder` where it is there already."""
    from untrained_models import float_file, integer_file

    path = folder and folder / f"{name}.tflite"
    if path and path.exists():
        return path.read_bytes()
    data = float_file(model) if form == "float" else integer_file(model, noise, form)
    if path:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return data


def quantise_inputs(runner, noise):
    """Return one window as the runner's raw inputs. A file without metadata names its inputs in the converter's way."""
    from firmware_bench.runtime.quantisation import quantise

    by_shape = {tuple(values.shape[1:]): values for values in noise.values()}
    return [quantise(by_shape[t.shape[1:]][:1], t.scale, t.zero_point, t.dtype) for t in runner.inputs]


if __name__ == "__main__":
    run(main)
