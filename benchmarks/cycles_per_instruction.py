"""Cycles per instruction of a generated program on a Cortex-M4: Arm's timings over what it executes in QEMU.

    python benchmarks/cycles_per_instruction.py [FILE.tflite]

Every block that QEMU runs is looked up in the disassembly. Timings are those of the Cortex-M4 Technical Reference
Manual (DDI 0439), "Instruction set summary", for memory without wait states: a load 2 cycles, 1 directly after another
load; several registers 1 + their number; a taken branch 1 + P, P from 1 to 3; a division 7; all others 1. An estimate:
no hardware is involved. Small models only: the trace of a billion instructions takes hours. Without a file: the small
CNN of benchmarks/instructions_per_mac.py.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from benchmark_result import report, result_option, run

CORE = "cortex-m4"
LOAD = re.compile(r"ldr|ldm|pop")
STORE = re.compile(r"str|stm|push")
SEVERAL = re.compile(r"ldm|stm|push|pop|ldrd|strd")
BRANCH = re.compile(r"(b|bl|bx|blx|cbz|cbnz|tbb|tbh|b(eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le))(\.[nw])?$")
PAGE = 1024  # bytes: where QEMU ends a block without a branch


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@result_option
def main(file, result):
    from instructions_per_mac import small_cnn

    from export.c99 import generate
    from firmware_bench.mcu import qemu

    data = file.read_bytes() if file else small_cnn()
    with tempfile.TemporaryDirectory() as folder:
        generate(data, Path(folder, "program"))
        with qemu.CortexProgram(Path(folder, "program"), CORE) as program:
            program.measure()
            code = disassemble(program.out / "program")
            ignored = firmware_symbols(program.out, Path(folder, "program"))
            counts = count(code, trace_blocks(program.out / "program", qemu), ignored)
    instructions = counts["instructions"]
    row = {"model": file.stem if file else "small CNN, untrained", "instructions": instructions}
    row |= {f"{name}_percent": round(100 * counts[name] / instructions, 1) for name in ("loads", "stores", "taken")}
    for refill in (1, 2, 3):
        cycles = counts["cycles"] + refill * counts["taken"]
        row[f"cycles_per_instruction_p{refill}"] = round(cycles / instructions, 2)
    conditions = "instructions of a Cortex-M4 in QEMU, timings of DDI 0439, no wait states; P: refill after a branch"
    report(result, "Cycles per instruction of a generated program", "estimated", conditions, [row])


def disassemble(program: Path) -> dict[int, tuple[str, str, int]]:
    """Return {address: (mnemonic, operands, bytes)} of an executable."""
    ran = subprocess.run(["arm-none-eabi-objdump", "-d", program], capture_output=True, text=True, check=True)
    lines = re.findall(r"^\s*([0-9a-f]+):\t([0-9a-f ]+)\t(\S+)(?:\t(.*))?$", ran.stdout, re.M)
    return {int(at, 16): (word, operands, len(code.replace(" ", "")) // 2) for at, code, word, operands in lines}


def firmware_symbols(objects: Path, sources: Path) -> set[str]:
    """Return the functions of the test firmware around the generated program: those of its object files."""
    model = {path.stem for path in sources.glob("*.c")}
    around = [path for path in objects.glob("*.o") if path.stem not in model or path.stem == "main"]
    ran = subprocess.run(["arm-none-eabi-nm", "--defined-only", *around], capture_output=True, text=True, check=True)
    return set(re.findall(r"^[0-9a-f]+ [tTwW] (\S+)$", ran.stdout, re.M))


def trace_blocks(program: Path, qemu) -> Iterator[tuple[int, str]]:
    """Yield (address, symbol) of every block in the order in which QEMU runs them."""
    machine = qemu.QEMU_MACHINES[CORE].name
    command = [qemu.EMULATOR, "-M", machine, "-kernel", str(program), "-nographic", "-monitor", "none"]
    command += ["-serial", "none", "-semihosting-config", "enable=on,target=native", "-icount", "shift=6"]
    command += ["-d", "exec,nochain"]
    line_format = re.compile(r"Trace 0: \S+ \[[0-9a-f]+/([0-9a-f]+)/[^]]*\] (\S*)")
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=program.parent
    ) as process:
        assert process.stderr
        for line in process.stderr:
            if found := line_format.search(line):
                yield int(found[1], 16), found[2]


def count(code, blocks: Iterable[tuple[int, str]], ignored: set[str]) -> dict[str, int]:
    """Count what the blocks of a trace execute.

    Args:
        code: The disassembly, of `disassemble`.
        blocks: The trace, of `trace_blocks`.
        ignored: Functions that do not count.

    Returns:
        Instructions, loads, stores, taken branches, and cycles without the refills after taken branches.
    """
    counts: dict[str, int] = dict.fromkeys(("instructions", "loads", "stores", "taken", "cycles"), 0)
    before = None
    for address, symbol in blocks:
        if before is not None and before[1] not in ignored:
            at, after_load = before[0], False
            while True:  # to the branch that ends the block
                word, operands, size = code[at]
                load = bool(LOAD.match(word))
                branch = bool(BRANCH.match(word) or ("pc" in operands and "{" in operands))
                counts["instructions"] += 1
                counts["loads"] += load
                counts["stores"] += bool(STORE.match(word))
                counts["cycles"] += cycles_of(word, operands, after_load)
                after_load = load and not SEVERAL.match(word)
                at += size
                if branch or (at == address and at % PAGE < 4):
                    counts["taken"] += at != address
                    break
        before = address, symbol
    return counts


def cycles_of(word: str, operands: str, after_load: bool) -> int:
    """Return the cycles of an instruction, a branch as one that is not taken."""
    if SEVERAL.match(word):
        return 1 + (operands.count(",") + 1 if word[:3] in ("pus", "pop") else 2)
    if LOAD.match(word):
        return 1 if after_load else 2
    return 7 if word.endswith("div") else 1


if __name__ == "__main__":
    run(main)
