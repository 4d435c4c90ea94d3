"""A generated C99 program on a Cortex-M core in QEMU: does it compute the same there, and what does it take?

Needs Debian's gcc-arm-none-eabi, libnewlib-arm-none-eabi and qemu-system-arm. QEMU counts instructions, the same every
time, and knows nothing of cycles: figures are instructions, never milliseconds.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from firmware_bench.mcu.boards import Board
from firmware_bench.runtime.errors import ModelError

HARNESS = Path(__file__).parent / "cortex"
COMPILER, EMULATOR = "arm-none-eabi-gcc", "qemu-system-arm"
PACKAGES = "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"
FLAGS = ["-mthumb", "-masm-syntax-unified", "-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror",
         "-ffunction-sections", "-fdata-sections"]  # fmt: skip
LINK = ["-nostartfiles", "--specs=nano.specs", "-Wl,--gc-sections"]
LOOP = 2_000_000  # instructions of main.c's loop, by which its ticks are told
TIMEOUT = 1800  # s; a 60 s window of twelve leads is a billion instructions
STACK = 1024  # bytes reserved where the stack has not been measured
VECTORS = 1024
OUTSIDE = {"harness", "empty", "end"}  # of a profile: not the model
HARNESS_OBJECTS = {"start.o", "main.o", "semihosting.o", "profile.o"}
# A tick is 40 or 50 ns; an instruction that takes 64 ns of QEMU's time is seen by itself.
INSTRUCTION = 6  # 2 ** 6 ns


@dataclasses.dataclass(frozen=True)
class Machine:
    """A core and the QEMU board that has it: where its vectors, code and data lie, and how much of each."""

    core: str
    board: str
    vectors: int
    flash: int
    flash_size: int
    ram: int
    ram_size: int


# Arm's FPGA images AN386, AN500, AN505 and AN547, of which the largest memory, 16 MiB and more of RAM beside the core's
# own, stands for flash, in AN505 for both. A Cortex-M4 runs the instructions of a Cortex-M0+, too.
MACHINES = {
    machine.core: machine
    for machine in (
        Machine("cortex-m0plus", "mps2-an386", 0x00000000, 0x21000000, 16 << 20, 0x20000000, 4 << 20),
        Machine("cortex-m4", "mps2-an386", 0x00000000, 0x21000000, 16 << 20, 0x20000000, 4 << 20),
        Machine("cortex-m7", "mps2-an500", 0x00000000, 0x60000000, 16 << 20, 0x20000000, 4 << 20),
        Machine("cortex-m33", "mps2-an505", 0x10000000, 0x80000000, 12 << 20, 0x80C00000, 4 << 20),
        Machine("cortex-m55", "mps3-an547", 0x10000000, 0x60000000, 16 << 20, 0x31000000, 4 << 20),
    )
}


@dataclasses.dataclass(frozen=True)
class Measured:
    """Bytes of flash (code with the parts of the C library that it calls, weights with all constants), of RAM (static,
    stack), and instructions of one window, or of one step of a recording; of `values` outputs `differing` are not
    LiteRT's."""

    code: int
    weights: int
    static: int
    stack: int
    instructions: int
    values: int
    differing: int


def missing() -> list[str]:
    """The programs that are not installed."""
    return [program for program in (COMPILER, EMULATOR) if shutil.which(program) is None]


class Program:
    """A generated program compiled for a core, for as long as the `with` block lasts; `portable`: without the DSP
    instructions; `profiled`: every step tells when it begins. ModelError where the toolchain is missing or the program
    does not compile."""

    def __init__(self, folder: Path, core: str, portable: bool = False, profiled: bool = False):
        self.folder, self.core, self.portable, self.profiled = Path(folder), core, portable, profiled

    def __enter__(self):
        if missing():
            raise ModelError(f"{' and '.join(missing())} not found: {PACKAGES}")
        self._temporary = tempfile.TemporaryDirectory()
        self.out = Path(self._temporary.name)
        try:
            self._compile()
        except BaseException:
            self._temporary.cleanup()
            raise
        return self

    def __exit__(self, *error):
        self._temporary.cleanup()

    def _compile(self):
        sources = [path for path in sorted(self.folder.glob("*.c")) if path.name != "test.c"]
        defines = ["-DECG_PORTABLE"] if self.portable else []
        defines += ["-include", str(HARNESS / "profile.h")] if self.profiled else []
        self.objects = []
        harness = ["start", "main", "semihosting", *(["profile"] if self.profiled else [])]
        for path in [*sources, *(HARNESS / f"{name}.c" for name in harness)]:
            self.objects.append(str(self.out / f"{path.stem}.o"))
            include = [f"-I{self.folder}", f"-I{HARNESS}", "-c", str(path), "-o", self.objects[-1]]
            done = _command([COMPILER, f"-mcpu={self.core}", *FLAGS, *defines, *include])
            if done.returncode:
                raise ModelError(f"the program does not compile for {self.core}: {_first_error(done.stderr)}")

    def _link(self, memory, stack):
        (self.out / "memory.ld").write_text(f"{memory}STACK = {stack};\n")
        scripts = ["-T", str(self.out / "memory.ld"), "-T", str(HARNESS / "link.ld"), f"-Wl,-Map={self.out / 'map'}"]
        return _command(
            [COMPILER, f"-mcpu={self.core}", "-mthumb", *LINK, *self.objects, *scripts, "-o", str(self.out / "program")]
        )

    def measure(self) -> Measured:
        """Runs the test windows on the core in QEMU. ModelError where the program does not run to its end."""
        told = self._told()
        sizes = _sizes((self.out / "map").read_text())
        return Measured(
            code=sizes["text"],
            weights=sizes["rodata"],
            static=sizes["bss"],
            stack=told["stack"],
            instructions=round(told["ticks"] / told["runs"] * LOOP / told["loop"]),
            values=told["values"],
            differing=told["differing"],
        )

    def profile(self) -> dict[str, int]:
        """{step of the model: its instructions in one window}, of a `profiled` program. "flow" is what lies between the
        steps: which row comes next, samples in, outputs out. Each step is good to a few instructions per row."""
        told = self._told()
        calls = {words[5:]: number for words, number in told.items() if words.startswith("step ")}
        ticks = {name: told[f"ticks {name}"] for name in calls}
        itself = ticks["empty"] / calls["empty"]  # what telling adds
        return {
            name: max(0, round((ticks[name] - calls[name] * itself) / told["runs"] * LOOP / told["loop"]))
            for name in calls
            if name not in OUTSIDE
        }

    def _told(self):
        """What main.c tells on the core's machine, {words: number}."""
        machine = MACHINES[self.core]
        memory = (
            "MEMORY\n{\n"
            f"VECTORS : ORIGIN = {machine.vectors}, LENGTH = {VECTORS}\n"
            f"FLASH : ORIGIN = {machine.flash}, LENGTH = {machine.flash_size}\n"
            f"RAM : ORIGIN = {machine.ram}, LENGTH = {machine.ram_size}\n}}\n"
        )
        linked = self._link(memory, STACK)
        if linked.returncode:
            raise ModelError(f"the program does not link for {self.core}: {_first_error(linked.stderr)}")
        return _run(machine, self.out / "program")

    def missing_bytes(self, board: Board, stack: int = STACK) -> dict[str, int]:
        """What the linker says that a board lacks for the program, its test and `stack` bytes of stack: {"flash": …,
        "RAM": …}, zero where it fits."""
        memory = (
            "MEMORY\n{\n"
            f"FLASH : ORIGIN = 0x08000000, LENGTH = {board.flash}\n"
            f"RAM : ORIGIN = 0x20000000, LENGTH = {board.block}\n}}\n"
            'REGION_ALIAS("VECTORS", FLASH)\n'
        )
        linked = self._link(memory, stack)
        over = dict(re.findall(r"region `(\w+)' overflowed by (\d+) bytes", linked.stderr))
        if linked.returncode and not over:
            raise ModelError(f"the program does not link for {self.core}: {_first_error(linked.stderr)}")
        return {"flash": int(over.get("FLASH", 0)), "RAM": int(over.get("RAM", 0))}


def _command(command, folder=None):
    return subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=TIMEOUT
    )


def _first_error(text):
    words = ("error", "undefined", "overflowed")
    lines = [line for line in text.splitlines() if any(word in line for word in words)] or text.splitlines()
    return lines[0].strip() if lines else "no message"


def _sizes(text):
    """{"text": …, "rodata": …, "bss": …} bytes that the linker's map gives to the model, its kernels and the library;
    the harness itself is left out."""
    sizes = {"text": 0, "rodata": 0, "bss": 0}
    _, text = text.split("Linker script and memory map", 1)
    for section, size, path in re.findall(r"^ \.(text|rodata|data|bss)\S*\s+0x\w+\s+0x(\w+) (\S+)$", text, re.M):
        name = Path(path).name
        if name not in HARNESS_OBJECTS and (section in ("text", "rodata") or name == "model.o"):
            sizes["bss" if section == "data" else section] += int(size, 16)
    return sizes


def _run(machine, program):
    """What main.c tells, {word: number}."""
    command = [EMULATOR, "-M", machine.board, "-kernel", str(program), "-nographic", "-monitor", "none"]
    command += ["-serial", "none", "-semihosting-config", "enable=on,target=native", "-icount", f"shift={INSTRUCTION}"]
    try:
        done = _command(command, program.parent)  # where no windows.bin lies
    except subprocess.TimeoutExpired:
        raise ModelError(f"the program did not end within {TIMEOUT} s on {machine.core}") from None
    lines = re.findall(r"^((?:step |ticks )?\w+) (\d+)$", done.stdout + done.stderr, re.M)
    told = {words: int(number) for words, number in lines}
    if not {"stack", "ticks", "runs", "loop", "values", "differing"} <= told.keys():
        raise ModelError(f"the program stopped on {machine.core}: {(done.stderr or done.stdout).strip()[-200:]}")
    return told
