"""ecg-edge export --c99, and what ecg-edge mcu says of the program: plain C99 from an integer file."""

import tempfile
from pathlib import Path

from ecg_edge.cli import console
from ecg_edge.errors import InputError

REFERENCE_CORE = "cortex-m4"
MEASURED = "measured, Cortex-M4 with DSP in QEMU"
STACK_ROOM = 4  # times the stack that was measured: interrupts and the application need some as well


def write(source: Path, out: Path | None) -> None:
    """Turns the integer file of a run, or the .tflite file `source` itself, into a folder of C99."""
    from export.c99.program import generate
    from firmware_bench.bench_rpi import ModelError, read_metadata

    path = source
    if source.is_dir():
        exported = source / "export"
        found = sorted(exported.glob("*-int8.tflite")) or sorted(exported.glob("*-streaming.tflite"))
        if len(found) != 1:
            raise InputError(
                f"{source}/export has {len(found)} integer files: ecg-edge export {source} --int8 makes one"
            )
        (path,) = found
    try:
        data = path.read_bytes()
        read_metadata(data)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except ModelError as error:
        raise InputError(f"{path}: {error}") from None
    folder = out or path.with_name(f"{path.stem}-c99")
    try:
        memory = generate(data, folder, path.stem)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    console.table(
        f"static RAM of {folder.name}",
        ["part", "bytes", "label"],
        [
            [part, f"{getattr(memory, part):,}", "planned"]
            for part in ("arena", "window", "state", "sums", "counters", "pointers", "total")
        ],
    )
    console.say(f"{folder}: model.c, model.h, the kernels that they call, and a test")
    console.say(f"next: make -C {folder} test")


def report(data: bytes, boards) -> dict:
    """What the generated program of a .tflite file takes: planned, and measured in QEMU where the Arm toolchain is
    installed; why there is none under "none"."""
    from export.c99 import graph
    from export.c99.program import generate
    from firmware_bench import qemu

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "program"
        try:
            found = {"static_ram": {"bytes": generate(data, folder).total, "label": "planned"}}
        except InputError as error:
            return {"none": str(error)}
        if qemu.missing():
            return {**found, "none": f"not measured, {' and '.join(qemu.missing())} missing: {qemu.PACKAGES}"}
        with qemu.Program(folder, REFERENCE_CORE) as program:
            measured = program.measure()
        found |= {
            "core": REFERENCE_CORE,
            "label": MEASURED,
            "flash": {"code": measured.code, "weights": measured.weights},
            "ram": {"static": measured.static, "stack": measured.stack},
            "instructions": measured.instructions,
            "run": "step" if graph.read(data).blocks else "window",
            "differing": measured.differing,
            "boards": {},
        }
        for core in sorted({qemu.COMPILED_FOR[board.core] for board in boards}):
            with qemu.Program(folder, core) as program:
                for board in boards:
                    if qemu.COMPILED_FOR[board.core] == core:
                        lacking = program.missing_bytes(board, STACK_ROOM * measured.stack)
                        found["boards"][board.name] = {"missing": lacking, "fits": not any(lacking.values())}
    return found


def show(found: dict) -> None:
    """The report as tables."""
    rows = [["static RAM", f"{found['static_ram']['bytes']:,}", "planned"]] if "static_ram" in found else []
    if "boards" in found:
        flash, ram = found["flash"], found["ram"]
        rows += [
            ["static RAM, by the linker", f"{ram['static']:,}", found["label"]],
            ["stack", f"{ram['stack']:,}", found["label"]],
            ["flash of the code", f"{flash['code']:,}", found["label"]],
            ["flash of the weights", f"{flash['weights']:,}", found["label"]],
            [f"instructions of a {found['run']}", f"{found['instructions']:,}", found["label"]],
            ["outputs that differ from LiteRT's", f"{found['differing']:,}", found["label"]],
        ]
    if rows:
        console.table("The generated C99 program", ["", "bytes, count", "label"], rows)
    if "boards" in found:
        fits = [
            [name, (row["fits"] and "fits") or ", ".join(f"{n:,} bytes of {what} missing" for what, n in missing(row))]
            for name, row in found["boards"].items()
        ]
        console.table(f"By the linker, with {STACK_ROOM} times the stack", ["board", "verdict"], fits)
    if "none" in found:
        print(f"Generated C99 program: {found['none']}")


def missing(row) -> list[tuple[str, int]]:
    """What a board lacks, and how many bytes of it."""
    return [(what, count) for what, count in row["missing"].items() if count]
