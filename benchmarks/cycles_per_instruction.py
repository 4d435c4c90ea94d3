"""Cycles per instruction of a generated program on a Cortex-M4: Arm's timings over what it executes in QEMU.

    python benchmarks/cycles_per_instruction.py FILE.tflite

Every block that QEMU runs is looked up in the disassembly. Timings are those of the Cortex-M4 Technical Reference
Manual (DDI 0439), "Instruction set summary", for memory that does not keep the core waiting: a load 2 cycles, 1 right
behind another load; several registers 1 + as many; a taken branch 1 + P, P from 1 to 3; a division 7; all others 1. An
estimate: no hardware is involved. Small models only: the trace of a billion instructions takes hours.
"""

import re
import subprocess
import tempfile
from pathlib import Path

import click

LOAD = re.compile(r"ldr|ldm|pop")
STORE = re.compile(r"str|stm|push")
SEVERAL = re.compile(r"ldm|stm|push|pop|ldrd|strd")
BRANCH = re.compile(r"(b|bl|bx|blx|cbz|cbnz|tbb|tbh|b(eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le))(\.[nw])?$")
HARNESS = re.compile(r"(main|answer|fetch|ticks|tick|reset|show|digits|tell|say|take|call|counter|leave)(\.|$)")
PAGE = 1024  # bytes: where QEMU ends a block without a branch


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True))
def main(file):
    from export.c99 import generate
    from firmware_bench.mcu import qemu

    with tempfile.TemporaryDirectory() as folder:
        generate(file.read_bytes(), Path(folder, "program"))
        with qemu.CortexProgram(Path(folder, "program"), "cortex-m4") as program:
            program.measure()
            code = disassembled(program.out / "program")
            counts = counted(code, blocks_run(program.out / "program", qemu))
    print(
        f"{counts['instructions']:,} instructions: {share(counts, 'loads')} loads, {share(counts, 'stores')} stores, "
        f"{share(counts, 'taken')} taken branches"
    )
    for refill in (1, 2, 3):
        cycles = counts["cycles"] + refill * counts["taken"]
        print(f"P = {refill}: {cycles / counts['instructions']:.2f} cycles per instruction, estimated")


def share(counts, what) -> str:
    return f"{counts[what] / counts['instructions']:.1%}"


def disassembled(program) -> dict[int, tuple[str, str, int]]:
    """{address: (mnemonic, operands, bytes)}"""
    ran = subprocess.run(["arm-none-eabi-objdump", "-d", program], capture_output=True, text=True, check=True)
    lines = re.findall(r"^\s+([0-9a-f]+):\t([0-9a-f ]+)\t(\S+)(?:\t(.*))?$", ran.stdout, re.M)
    return {int(at, 16): (word, operands, len(code.replace(" ", "")) // 2) for at, code, word, operands in lines}


def blocks_run(program, qemu):
    """(address, symbol) of every block in the order in which QEMU runs them."""
    machine = qemu.QEMU_MACHINES["cortex-m4"].name
    command = [
        qemu.EMULATOR,
        "-M",
        machine,
        "-kernel",
        str(program),
        "-nographic",
        "-monitor",
        "none",
        "-serial",
        "none",
    ]
    command += ["-semihosting-config", "enable=on,target=native", "-icount", "shift=6", "-d", "exec,nochain"]
    form = re.compile(r"Trace 0: \S+ \[[0-9a-f]+/([0-9a-f]+)/[^]]*\] (\S*)")
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=program.parent
    ) as ran:
        for line in ran.stderr:
            found = form.search(line)
            if found:
                yield int(found[1], 16), found[2]


def counted(code, blocks) -> dict[str, int]:
    """Instructions, loads, stores, taken branches, and cycles without the refills behind these."""
    counts = dict.fromkeys(("instructions", "loads", "stores", "taken", "cycles"), 0)
    before = None
    for address, symbol in blocks:
        if before is not None and not HARNESS.match(before[1]):
            at, behind_load = before[0], False
            while True:  # to the branch that ends the block
                word, operands, size = code[at]
                load, branch = (
                    bool(LOAD.match(word)),
                    bool(BRANCH.match(word) or ("pc" in operands and "{" in operands)),
                )
                counts["instructions"] += 1
                counts["loads"] += load
                counts["stores"] += bool(STORE.match(word))
                counts["cycles"] += cycles(word, operands, behind_load)
                behind_load = load and not SEVERAL.match(word)
                at += size
                if branch or (at == address and at % PAGE < 4):
                    counts["taken"] += at != address
                    break
        before = address, symbol
    return counts


def cycles(word, operands, behind_load) -> int:
    if SEVERAL.match(word):
        return 1 + (operands.count(",") + 1 if word[:3] in ("pus", "pop") else 2)
    if LOAD.match(word):
        return 1 if behind_load else 2
    return 7 if word.endswith("div") else 1


if __name__ == "__main__":
    main()
