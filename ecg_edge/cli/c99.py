"""ecg-edge export --c99, and what ecg-edge mcu says of the program: plain C99 from an integer file."""

import tempfile
from pathlib import Path

from ecg_edge.cli import console
from firmware_bench.runtime.errors import InputError

REFERENCE_CORE = "cortex-m4"
PLANNED = "estimated: planned, not linked"
MEASURED = "measured, Cortex-M4 with DSP in QEMU"
ESTIMATED_TIME = "estimated: instructions in QEMU × assumed cycles per instruction / clock, no wait states"
FLOW = "between steps: which row is next, copies"
STACK_ROOM = 4  # times the stack that was measured: interrupts and the application need some as well


def write(source: Path, out: Path | None) -> None:
    """Turns the integer file of a run, or the .tflite file `source` itself, into a folder of C99."""
    from export.c99 import generate
    from firmware_bench.runtime.errors import ModelError
    from firmware_bench.runtime.metadata import read_metadata

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
        memory = generate(data, folder, path.stem).memory
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
    from export.c99 import generate, graph
    from firmware_bench import qemu

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "program"
        try:
            found = {"static_ram": {"bytes": generate(data, folder).memory.total, "label": PLANNED}}
        except InputError as error:
            return {"none": str(error)}
        if qemu.missing():
            return {**found, "none": f"not measured, {' and '.join(qemu.missing())} missing: {qemu.PACKAGES}"}
        with qemu.Program(folder, REFERENCE_CORE, profiled=True) as program:
            steps = program.profile()
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
            "profile": {"steps": steps, "operators": by_operator(steps), "unit": "instructions", "label": MEASURED},
            "boards": {},
        }
        for core in sorted({board.processor.compiled_for for board in boards}):
            with qemu.Program(folder, core) as program:
                instructions = measured.instructions if core == REFERENCE_CORE else program.measure().instructions
                for board in boards:
                    if board.processor.compiled_for == core:
                        lacking = program.missing_bytes(board, STACK_ROOM * measured.stack)
                        found["boards"][board.name] = {
                            "missing": lacking,
                            "fits": not any(lacking.values()),
                            "time": time(board, instructions),
                        }
    found["boards"] = {board.name: found["boards"][board.name] for board in boards}
    return found


def by_operator(steps: dict) -> dict:
    """{operator: (its steps, their instructions)}, the costliest first."""
    found = {}
    for step, instructions in steps.items():
        name = step.rstrip("0123456789")
        count, total = found.get(name, (0, 0))
        found[name] = count + 1, total + instructions
    return dict(sorted(found.items(), key=lambda entry: -entry[1][1]))


def time(board, instructions: int) -> dict | None:
    """What a window takes on the board, estimated; None for a core that the program is not compiled for."""
    cpi = board.processor.cpi
    return cpi and {
        "milliseconds": board.milliseconds(instructions),
        "instructions": instructions,
        "cycles_per_instruction": cpi,
        "clock": board.clock,
        "label": ESTIMATED_TIME,
    }


def show(found: dict) -> None:
    """The report as tables."""
    rows = [["static RAM", f"{found['static_ram']['bytes']:,}", PLANNED]] if "static_ram" in found else []
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
        operators = found["profile"]["operators"]
        total = sum(instructions for _, instructions in operators.values())
        console.table(
            f"Instructions of a window by operator, {found['profile']['label']}",
            ["operator", "steps", "instructions", "share"],
            [
                [FLOW if name == "flow" else name, "" if name == "flow" else count, f"{n:,}", f"{n / total:.1%}"]
                for name, (count, n) in operators.items()
            ],
        )
        fits = [
            [name, (row["fits"] and "fits") or ", ".join(f"{n:,} bytes of {what} missing" for what, n in missing(row)),
             shown(row["time"]) if row["fits"] else "–"]
            for name, row in found["boards"].items()
        ]  # fmt: skip
        console.table(
            f"By the linker, with {STACK_ROOM} times the stack; time {ESTIMATED_TIME}",
            ["board", "verdict", "a window"],
            fits,
        )
    if "none" in found:
        print(f"Generated C99 program: {found['none']}")


def shown(time: dict | None) -> str:
    if time is None:
        return "memory only"
    at = f"CPI {time['cycles_per_instruction']} and {time['clock'] / 1e6:g} MHz"
    return f"about {milliseconds(time['milliseconds'])}, estimated at {at}"


def milliseconds(value: float) -> str:
    """With two digits, for an estimate has no more."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f} ms" if rounded >= 10 else f"{rounded:g} ms"


def missing(row) -> list[tuple[str, int]]:
    """What a board lacks, and how many bytes of it."""
    return [(what, count) for what, count in row["missing"].items() if count]
