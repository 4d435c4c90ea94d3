"""Latency of every architecture in float, in integers throughout, and in the form for a Raspberry Pi, here, one thread.

    python benchmarks/rpi_form.py [--arch cnn_att_bilstm …] [--preset paper] [--leads 12] [--rounds 20] [--files DIR]

All forms are timed in alternation, so that a clock that drifts does so for all of them, each after a window that is
not timed, which fills the caches; of the times per window the median counts. The weights are random: latency does not
depend on them. Conversion takes minutes, timing seconds: DIR keeps the files for another time, on an idle machine.
"""

import time
from pathlib import Path

import click
import numpy as np
from components import float_file

FORMS = ("float", "mcu", "rpi")


@click.command()
@click.option("--arch", "archs", multiple=True, help="May be repeated. Default: all that have an integer form.")
@click.option("--preset", default="paper", show_default=True)
@click.option("--leads", default=12, show_default=True)
@click.option("--rounds", default=20, show_default=True)
@click.option("--files", "folder", type=click.Path(path_type=Path), help="Where converted files are kept.")
def main(archs, preset, leads, rounds, folder):
    from ecg_edge import console
    from models_keras.registry import names

    rows = [row(arch, preset, leads, rounds, folder) for arch in archs or names()]
    title = f"{preset}, {leads} leads: ms a window, median of {rounds}, one thread, measured here"
    console.table(title, ["architecture", "float", "mcu", "rpi", "rpi / float", "float B", "mcu B", "rpi B"], rows)


def row(arch, preset, leads, rounds, folder):
    from firmware_bench.runtime.errors import AcceptanceError
    from firmware_bench.runtime.tflite_model import TFLiteModel

    model = build(arch, preset, leads)
    noise = {t.name: np.random.default_rng(0).normal(size=(8, *t.shape[1:])).astype(np.float32) for t in model.inputs}
    try:
        files = {form: kept(folder, f"{arch}-{preset}-{leads}-{form}", model, noise, form) for form in FORMS}
    except AcceptanceError as error:
        return [arch, str(error)[:60], *[""] * 6]
    runners = {form: TFLiteModel(data) for form, data in files.items()}
    inputs = {form: raw(runner, noise) for form, runner in runners.items()}
    seconds = {form: [] for form in runners}
    for _ in range(rounds):
        for form, runner in runners.items():
            runner.run_raw(inputs[form])
            begin = time.perf_counter()
            runner.run_raw(inputs[form])
            seconds[form].append(time.perf_counter() - begin)
    median = {form: 1000 * float(np.median(values)) for form, values in seconds.items()}
    sizes = [f"{len(data):,}" for data in files.values()]
    times = [f"{value:.2f}" for value in median.values()]
    return [arch, *times, f"{median['rpi'] / median['float']:.2f}", *sizes]


def kept(folder, name, model, noise, form) -> bytes:
    """The file of a form, made now or read from where it was kept."""
    from export.convert.conversion_job import ExportWindows
    from export.convert.strategies import convert

    path = folder and folder / f"{name}.tflite"
    if path and path.exists():
        return path.read_bytes()
    data = float_file(model) if form == "float" else convert(model, ExportWindows(noise, noise), form).data
    if path:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return data


def build(arch, preset, leads):
    """The architecture's untrained model for windows of the preset's length."""
    import keras

    from ecg_edge.tasks import TASKS
    from ecg_edge.training.config import SignalConfig
    from models_keras.registry import find

    architecture = find(arch)
    chosen, kind = architecture.presets[preset], TASKS[architecture.task]
    classes = [str(number) for number in range(architecture.classes)]
    samples = kind(classes, kind.Options(**chosen.task)).input_length(SignalConfig(**chosen.signal).window_spec())
    keras.utils.set_random_seed(0)
    leads = leads if leads in chosen.parameters else next(iter(chosen.parameters))
    return architecture.build(samples, leads, architecture.classes, **chosen.model)


def raw(runner, noise):
    """One window as the runner's raw inputs. A file without metadata names its inputs in the converter's way."""
    from firmware_bench.runtime.quantisation import quantise

    by_shape = {tuple(values.shape[1:]): values for values in noise.values()}
    return [quantise(by_shape[t.shape[1:]][:1], t.scale, t.zero_point, t.dtype) for t in runner.inputs]


if __name__ == "__main__":
    main()
