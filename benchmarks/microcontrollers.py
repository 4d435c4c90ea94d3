"""Memory and instructions of the generated C99 programs on a Cortex-M4 with DSP, built and run in QEMU.

    python benchmarks/microcontrollers.py [--preset edge]… [--arch NAME]…
    python benchmarks/microcontrollers.py RUN…

RAM is static RAM, by the linker, and the stack, painted; TensorFlow Lite Micro's arena is that of a 64-bit host.
Instructions are those of a window or, of an architecture that can be exported so, of a step of a stream. What a board
lacks is what the linker reports for its core, with four times the stack. A system that cannot be converted, generated
or built says why.

Without runs, weights are random. Of trained runs every integer file in RUN/export is taken, with the boards that it
fits, the test metric that `ecg-edge evaluate RUN --model FILE` has stored and that of the Keras model
(`ecg-edge evaluate RUN`).
"""

from collections.abc import Sequence
from pathlib import Path

import click
from benchmark_result import report, result_option, run

CONDITIONS = "Cortex-M4 with DSP in QEMU; the arena: TensorFlow Lite Micro on a 64-bit host"
HEADLINES = ("macro_f1", "auroc")  # of a task; auroc is that of the anomaly scores


@click.command()
@click.option("--preset", "presets", multiple=True, default=["edge"], show_default=True, help="May be repeated.")
@click.option("--arch", "archs", multiple=True, help="May be repeated. Default: all.")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path, exists=True, file_okay=False))
@result_option
def main(presets, archs, runs, result):
    from ecg_edge.console import log
    from firmware_bench.mcu.boards import BOARDS
    from models_keras.registry import names

    rows = []
    if runs:
        for file in [file for folder in runs for file in sorted((folder / "export").glob("*.tflite"))]:
            log(f"measuring {file}")
            rows.append({**describe_run(file), **measure(file.read_bytes(), list(BOARDS.values()))})
        report(result, "C99 programs of trained runs on a Cortex-M4", "emulated", CONDITIONS, rows)
        return
    for preset in presets:
        for arch in archs or names():
            log(f"measuring {arch}, {preset}")
            rows.append(measure_untrained(arch, preset))
    report(result, "C99 programs of untrained models on a Cortex-M4", "emulated", CONDITIONS, rows)


def measure_untrained(arch: str, preset: str) -> dict:
    """Return the row of an architecture with random weights; "result" says why where there is no measurement."""
    from untrained_models import STREAMING_SETTINGS, build, can_stream, integer_file, streaming_file

    from firmware_bench.runtime.errors import AcceptanceError, InputError

    step = can_stream(arch)
    row = {"system": f"{arch}, {preset}{', a streaming step' if step else ''}"}
    try:
        if step:
            return row | measure(streaming_file(build(arch, preset, settings=STREAMING_SETTINGS)))
        return row | measure(integer_file(build(arch, preset)))
    except (AcceptanceError, InputError) as error:
        return row | {"result": str(error)}


def measure(data: bytes, boards: Sequence = ()) -> dict:
    """Measure the program of an integer file.

    Args:
        data: The .tflite file.
        boards: The boards to link it for.

    Returns:
        Bytes of RAM, stack, code, weights and of TensorFlow Lite Micro's arena, millions of instructions, and where
        there are boards which of them it fits; "result" where there is no program.
    """
    from ecg_edge.api.c99_generation import measure_program
    from firmware_bench.mcu import tflm

    found = measure_program(data, boards)
    if "none" in found:
        return {"result": found["none"]}
    fits = {"fits": list_boards({name: board["missing"] for name, board in found["boards"].items()})} if boards else {}
    return {
        "ram_static_bytes": found["ram"]["static"],
        "stack_bytes": found["ram"]["stack"],
        "code_bytes": found["flash"]["code"],
        "weights_bytes": found["flash"]["weights"],
        "instructions_millions": round(found["instructions"] / 1e6, 2),
        "tflm_arena_bytes": tflm.measure_arena(data).total,
        **fits,
    }


def list_boards(missing: dict[str, dict[str, int]]) -> str:
    """Return which boards a program fits, and what the others lack, of board → memory → missing bytes."""
    lacking = [
        f"{board} ({', '.join(f'{count:,} bytes of {memory}' for memory, count in memories.items() if count)} missing)"
        for board, memories in missing.items()
        if any(memories.values())
    ]
    return f"all but {', '.join(lacking)}" if lacking else f"all {len(missing)} boards"


def describe_run(file: Path) -> dict:
    """Return run and file, and the task's headline metric of both forms where `ecg-edge evaluate` has stored it."""
    folder = file.parents[1]
    name, floats = read_metric(folder, "keras")
    _, quantised = read_metric(folder, file.stem)
    return {"run": folder.name, "file": file.stem, "metric": name, "float": floats, "quantised": quantised}


def read_metric(folder: Path, form: str) -> tuple[str | None, dict | None]:
    """Return name and {"value", "low", "high"} of the stored headline metric of a form; None where there is none."""
    from ecg_edge.tasks.metrics import display_name
    from firmware_bench.runtime.files import read_json

    path = folder / f"evaluation-{form}.json"
    if not path.exists():
        return None, None
    evaluation = read_json(path)
    name = next(name for name in HEADLINES if name in evaluation)
    return display_name(name), evaluation[name]


if __name__ == "__main__":
    run(main)
