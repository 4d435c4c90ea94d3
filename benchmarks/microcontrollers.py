"""What the generated C99 program of each system takes on a Cortex-M4 with DSP, built and run in QEMU.

    python benchmarks/microcontrollers.py [--preset edge] [--arch NAME]…
    python benchmarks/microcontrollers.py RUN…

The weights are random: memory and instructions hardly depend on them. RAM is static RAM, by the linker, and the stack,
painted; TensorFlow Lite Micro's arena is that of a 64-bit host. Instructions are those of a window, or of a step of a
stream: of ecg_mamba, forwards and without positions. What the boards lack is what the linker says of this core's
program. A system that cannot be converted, generated or built says why.

Of trained runs every integer file in RUN/export is taken, with the test figure that ecg-edge evaluate RUN --model FILE
has kept (and that of the Keras model, from ecg-edge evaluate RUN), and with every board that it fits by the linker.
"""

import dataclasses
from pathlib import Path

import click
import numpy as np

CORE = "cortex-m4"
HEADLINES = ("macro_f1", "auroc")  # of a task; auroc is that of the anomaly scores
STREAMS = {"ecg_mamba": {"bidirectional": False, "positions": False}}  # and how they must be built for it


@click.command()
@click.option("--preset", default="edge", show_default=True)
@click.option("--arch", "archs", multiple=True, help="Default: all.")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(preset, archs, runs):
    from models_keras.registry import names

    if runs:
        for line in trained(runs):
            print(line, flush=True)
        return
    print("| system | RAM: static + stack | flash: code + weights | instructions | arena | fits | does not fit |")
    print("|---|---|---|---|---|---|---|")
    for name in archs or names():
        run = ", a step" if name in STREAMS else ""
        print(row(f"{name}, {preset}{run}", lambda name=name: untrained(name, preset)), flush=True)


def row(name, data) -> str:
    """A line of the table; `data()` gives the integer file."""
    import tempfile

    from ecg_edge.api.c99_generation import STACK_FACTOR
    from export.c99 import generate
    from firmware_bench.mcu import qemu, tflm
    from firmware_bench.mcu.boards import BOARDS
    from firmware_bench.runtime.errors import AcceptanceError, InputError, ModelError

    try:
        file = data()
        with tempfile.TemporaryDirectory() as folder:
            generate(file, Path(folder, "program"))
            with qemu.CortexProgram(Path(folder, "program"), CORE) as program:
                found = program.measure()
                room = STACK_FACTOR * found.stack
                lacking = {board: program.missing_bytes(BOARDS[board], room) for board in BOARDS}
        arena = tflm.measure_arena(file).total
    except (AcceptanceError, InputError, ModelError) as error:
        return f"| {name} | {error} ||||||"
    if found.differing:
        raise SystemExit(f"{name}: {found.differing} of {found.values} values differ from LiteRT's")
    figures = [
        f"{found.static:,} + {found.stack:,}",
        f"{found.code:,} + {found.weights:,}",
        f"{found.instructions / 1e6:,.{1 if found.instructions >= 1e6 else 2}f} M",
        f"{arena:,}",
        *verdicts(lacking),
    ]
    return f"| {name} | {' | '.join(figures)} |"


def trained(runs):
    """The lines of a table of the files of trained runs."""
    from ecg_edge.api.c99_generation import measure_program
    from firmware_bench.mcu.boards import BOARDS

    yield "| run | file | test figure, 95 % | float | integers | RAM | flash | instructions | fits | does not fit |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for run in runs:
        for file in sorted((run / "export").glob("*.tflite")):
            found = measure_program(file.read_bytes(), list(BOARDS.values()))
            if "none" in found:
                yield f"| {run.name} | {file.stem} | {found['none']} ||||||||"
                continue
            if found["differing"]:
                raise SystemExit(f"{file}: {found['differing']} values differ from LiteRT's")
            name, integers = figure(run, file.stem)
            memory, flash = found["ram"], found["flash"]
            cells = [
                *(run.name, file.stem, name, figure(run, "keras")[1], integers),
                f"{memory['static']:,} + {memory['stack']:,}",
                f"{flash['code']:,} + {flash['weights']:,}",
                f"{found['instructions'] / 1e6:,.1f} M",
                *verdicts({board: verdict["missing"] for board, verdict in found["boards"].items()}),
            ]
            yield f"| {' | '.join(cells)} |"


def verdicts(lacking) -> tuple[str, str]:
    """The boards that a program fits, and what the others lack; `lacking`: {board: {memory: bytes}}."""
    fits = [board for board, missing in lacking.items() if not any(missing.values())]
    others = [
        f"{board} ({', '.join(f'{count:,} bytes of {memory}' for memory, count in missing.items() if count)} missing)"
        for board, missing in lacking.items()
        if board not in fits
    ]
    return ", ".join(fits) or "none" if others else f"all {len(fits)} boards", ", ".join(others)


def figure(run, form) -> tuple[str, str]:
    """Name of the headline figure that ecg-edge evaluate has kept of a run's form, and its value with the interval; a
    dash where it has kept none."""
    from ecg_edge.number_format import format_estimate
    from ecg_edge.tasks.metrics import display_name
    from firmware_bench.runtime.files import read_json

    path = run / f"evaluation-{form}.json"
    if not path.exists():
        return "not evaluated", "–"
    kept = read_json(path)
    name = next(name for name in HEADLINES if name in kept)
    return display_name(name), format_estimate(kept[name])


def untrained(name, preset) -> bytes:
    """The integer file of a system with random weights, calibrated on noise."""
    import keras

    from ecg_edge.tasks import TASKS
    from ecg_edge.training.config import SignalConfig
    from export.convert.conversion_job import ExportWindows
    from export.convert.strategies import convert
    from export.convert.streaming_step import trim_to_steps
    from export.tflite.flatbuffer import set_metadata
    from export.tflite.signature import describe_tensors
    from firmware_bench.runtime.metadata_format import read_metadata
    from models_keras.registry import find

    architecture = find(name)
    chosen, kind = architecture.presets[preset], TASKS[architecture.task]
    task = kind([str(n) for n in range(architecture.classes)], kind.Options(**chosen.task))
    samples = task.input_length(SignalConfig(**chosen.signal).window_spec())
    keras.utils.set_random_seed(0)
    settings = {**chosen.model, **STREAMS.get(name, {})}
    model = architecture.build(samples, next(iter(chosen.parameters)), architecture.classes, **settings)
    model = trim_to_steps(model) if name in STREAMS else model
    random = np.random.default_rng(0)
    noise = {t.name: random.normal(size=(4, *t.shape[1:])) for t in model.inputs}
    if name in STREAMS:
        data = convert(model, noise, streaming=True).data
        inputs, outputs = describe_tensors(data)
        return set_metadata(data, dataclasses.replace(read_metadata(data), inputs=inputs, outputs=outputs))
    return convert(model, ExportWindows(noise, noise)).data


if __name__ == "__main__":
    main()
