"""Latency of every architecture in float, in integers throughout, and in the form for a Raspberry Pi, here, one thread.

    python benchmarks/rpi_form.py [--arch cnn_att_bilstm …] [--preset paper] [--leads 12] [--rounds 20]

All forms are timed in alternation, so that a clock that drifts does so for all of them; of the times per window the
median counts. The weights are random: latency does not depend on them.
"""

import time

import click
import numpy as np
from components import float_file


@click.command()
@click.option("--arch", "archs", multiple=True, help="May be repeated. Default: all that have an integer form.")
@click.option("--preset", default="paper", show_default=True)
@click.option("--leads", default=12, show_default=True)
@click.option("--rounds", default=20, show_default=True)
def main(archs, preset, leads, rounds):
    from ecg_edge.cli import console
    from models_keras.registry import names

    rows = [row(arch, preset, leads, rounds) for arch in archs or names()]
    title = f"{preset}, {leads} leads: ms a window, median of {rounds}, one thread, measured here"
    console.table(title, ["architecture", "float", "mcu", "rpi", "rpi / float", "float B", "mcu B", "rpi B"], rows)


def row(arch, preset, leads, rounds):
    from ecg_edge.errors import GateError
    from export.convert import Windows, convert
    from firmware_bench.bench_rpi import TFLiteModel

    model = build(arch, preset, leads)
    noise = {t.name: np.random.default_rng(0).normal(size=(8, *t.shape[1:])).astype(np.float32) for t in model.inputs}
    windows = Windows(noise, noise)
    try:
        files = {"float": float_file(model), **{to: convert(model, windows, to).data for to in ("mcu", "rpi")}}
    except GateError as error:
        return [arch, str(error)[:60], *[""] * 6]
    runners = {form: TFLiteModel(data) for form, data in files.items()}
    inputs = {form: raw(runner, noise) for form, runner in runners.items()}
    seconds = {form: [] for form in runners}
    for _ in range(rounds):
        for form, runner in runners.items():
            begin = time.perf_counter()
            runner.run_raw(inputs[form])
            seconds[form].append(time.perf_counter() - begin)
    median = {form: 1000 * float(np.median(values)) for form, values in seconds.items()}
    sizes = [f"{len(data):,}" for data in files.values()]
    times = [f"{value:.2f}" for value in median.values()]
    return [arch, *times, f"{median['rpi'] / median['float']:.2f}", *sizes]


def build(arch, preset, leads):
    """The architecture's untrained model for windows of the preset's length."""
    import keras

    from ecg_edge.tasks import TASKS
    from ecg_edge.training.config import Signal
    from models_keras.registry import find

    architecture = find(arch)
    chosen, kind = architecture.presets[preset], TASKS[architecture.task]
    classes = [str(number) for number in range(architecture.classes)]
    samples = kind(classes, kind.Options(**chosen.task)).samples(Signal(**chosen.signal).form())
    keras.utils.set_random_seed(0)
    leads = leads if leads in chosen.parameters else next(iter(chosen.parameters))
    return architecture.build(samples, leads, architecture.classes, **chosen.model)


def raw(runner, noise):
    """One window as the runner's raw inputs. A file without metadata names its inputs in the converter's way."""
    from firmware_bench.bench_rpi import quantise

    by_shape = {tuple(values.shape[1:]): values for values in noise.values()}
    return [quantise(by_shape[t.shape[1:]][:1], t.scale, t.zero_point, t.dtype) for t in runner.inputs]


if __name__ == "__main__":
    main()
