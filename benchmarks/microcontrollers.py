"""What the generated C99 program of each system takes on a Cortex-M4 with DSP, built and run in QEMU.

    python benchmarks/microcontrollers.py [--preset edge] [--arch NAME]… [FILE.tflite…]

The weights are random, or those of the files: memory and instructions hardly depend on them. RAM is static RAM, by the
linker, and the stack, painted; TensorFlow Lite Micro's arena is that of a 64-bit host. Instructions are those of a
window, or of a step of a stream: of ecg_mamba, forwards and without positions. A system that cannot be converted or
generated says why.
"""

from pathlib import Path

import click
import numpy as np

CORE, BOARD = "cortex-m4", "nRF52840"
STREAMS = {"ecg_mamba": {"bidirectional": False, "positions": False}}  # and how they must be built for it


@click.command()
@click.option("--preset", default="edge", show_default=True)
@click.option("--arch", "archs", multiple=True, help="Default: all.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def main(preset, archs, files):
    from models_keras.registry import names

    print(f"| system | RAM: static + stack | flash: code + weights | instructions | arena of TFLM | {BOARD} |")
    print("|---|---|---|---|---|---|")
    for path in files:
        print(row(path.stem, path.read_bytes), flush=True)
    for name in () if files else archs or names():
        run = ", a step" if name in STREAMS else ""
        print(row(f"{name}, {preset}{run}", lambda name=name: untrained(name, preset)), flush=True)


def row(name, data) -> str:
    """A line of the table; `data()` gives the integer file."""
    import tempfile

    from ecg_edge.errors import GateError, InputError
    from export.c99.program import generate
    from firmware_bench import qemu, tflm
    from firmware_bench.boards import BOARDS

    try:
        file = data()
        with tempfile.TemporaryDirectory() as folder:
            generate(file, Path(folder, "program"))
            with qemu.Program(Path(folder, "program"), CORE) as program:
                found = program.measure()
                lacking = program.missing_bytes(BOARDS[BOARD], found.stack)
    except (GateError, InputError) as error:
        return f"| {name} | {error} |||||"
    if found.differing:
        raise SystemExit(f"{name}: {found.differing} of {found.values} values differ from LiteRT's")
    missing = ", ".join(f"{count:,} bytes of {what} missing" for what, count in lacking.items() if count)
    figures = [
        f"{found.static:,} + {found.stack:,}",
        f"{found.code:,} + {found.weights:,}",
        f"{found.instructions / 1e6:,.{1 if found.instructions >= 1e6 else 2}f} M",
        f"{tflm.arena(file).total:,}",
        missing or "fits",
    ]
    return f"| {name} | {' | '.join(figures)} |"


def untrained(name, preset) -> bytes:
    """The integer file of a system with random weights, calibrated on noise."""
    import keras

    from ecg_edge.tasks import TASKS
    from ecg_edge.training.config import Signal
    from export.convert import Windows, convert, convert_step
    from export.flatbuffer import METADATA, set_metadata
    from export.stream_exporter import tensors
    from export.streaming import streamable
    from firmware_bench.bench_rpi import read_metadata
    from models_keras.registry import find

    architecture = find(name)
    chosen, kind = architecture.presets[preset], TASKS[architecture.task]
    task = kind([str(n) for n in range(architecture.classes)], kind.Options(**chosen.task))
    samples = task.samples(Signal(**chosen.signal).form())
    keras.utils.set_random_seed(0)
    settings = {**chosen.model, **STREAMS.get(name, {})}
    model = architecture.build(samples, next(iter(chosen.parameters)), architecture.classes, **settings)
    model = streamable(model) if name in STREAMS else model
    random = np.random.default_rng(0)
    noise = {t.name: random.normal(size=(4, *t.shape[1:])) for t in model.inputs}
    if name in STREAMS:
        data = convert_step(model, noise)
        return set_metadata(data, METADATA, {**read_metadata(data), **tensors(data)})
    return convert(model, Windows(noise, noise)).data


if __name__ == "__main__":
    main()
