"""A generated C99 program on a Cortex-M core in QEMU: does it compute the same there, and what does it take?

Needs Debian's gcc-arm-none-eabi, libnewlib-arm-none-eabi and qemu-system-arm. QEMU counts instructions, the same every
time, and does not model cycles: figures are instructions, never milliseconds.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from firmware_bench.mcu.boards import Board
from firmware_bench.mcu.cores import QEMU_MACHINES, QemuMachine
from firmware_bench.runtime.errors import ModelError

CORTEX_SOURCES = Path(__file__).parent / "cortex"
COMPILER, EMULATOR = "arm-none-eabi-gcc", "qemu-system-arm"
PACKAGES = "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"
FLAGS = ["-mthumb", "-masm-syntax-unified", "-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror",
         "-ffunction-sections", "-fdata-sections"]  # fmt: skip
SIGNAL_MEMORY = ".test_state"  # the section of the memory of one signal, which test_vector.h defines
LINK = ["-nostartfiles", "--specs=nano.specs", "-Wl,--gc-sections"]
LOOP = 2_000_000  # instructions of print.c's loop, which gives the length of a tick
TIMEOUT_S = 1800  # a 60 s window of twelve leads is a billion instructions
SECONDS_OF_A_BEAT = 0.8  # 75 beats a minute
STACK = 1024  # bytes reserved where the stack has not been measured
VECTORS = 1024  # bytes of the vector table
NON_MODEL_STEPS = {"bench", "empty", "end"}  # of a profile
MODEL_OBJECT = "program_"  # begins the names of the model's object files
NON_MODEL_OBJECTS = {
    "start.o",
    "main.o",
    "main_app.o",
    "main_front_end.o",
    "main_qrs.o",
    "print.o",
    "semihosting.o",
    "profile.o",
}
# A tick is 40 or 50 ns; an instruction that takes 64 ns of QEMU's time is counted by itself.
INSTRUCTION_SHIFT = 6  # 2 ** 6 ns


@dataclasses.dataclass(frozen=True)
class CortexFigures:
    """What a program takes on a core.

    Attributes:
        code: Bytes of flash for the code, with the parts of the C library that it calls.
        weights: Bytes of flash for all constants.
        static: Bytes of static RAM.
        stack: Bytes of stack.
        instructions: Of one window, or of one step of a recording.
        calls: Calls of the program in one window or recording: one per sample, or one for all.
        dearest: Instructions of the call that takes most: what a timer that calls at the sampling rate has to allow.
        mean: Instructions of a call on average.
        values: Outputs that were compared with those of LiteRT's reference kernels.
        differing: How many of them differ.
    """

    code: int
    weights: int
    static: int
    stack: int
    instructions: int
    calls: int
    dearest: int
    mean: float
    values: int
    differing: int


def missing() -> list[str]:
    """Return the programs of the toolchain that are not installed."""
    return [program for program in (COMPILER, EMULATOR) if shutil.which(program) is None]


class CortexProgram:
    """A generated program compiled for a core, within the `with` block.

    Args:
        folder: The generated program.
        core: The compiler's name of the core.
        portable: Whether to leave out the DSP instructions.
        profiled: Whether every step of the model reports when it begins.

    Raises:
        ModelError: On entering the block: the toolchain is missing, or the program does not compile.
    """

    application = "main"
    defines: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ("test.c", "test_pair.c")  # of the folder's sources

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
        sources = [path for path in sorted(self.folder.glob("*.c")) if path.name not in self.left_out]
        defines = [*self.defines, *(["-DECG_PORTABLE"] if self.portable else [])]
        defines += ["-include", str(CORTEX_SOURCES / "profile.h")] if self.profiled else []
        self.objects = []
        bench = ["start", self.application, "print", "semihosting", *(["profile"] if self.profiled else [])]
        for path in [*sources, *(CORTEX_SOURCES / f"{name}.c" for name in bench)]:
            kind = MODEL_OBJECT if path in sources else ""
            self.objects.append(str(self.out / f"{kind}{path.stem}.o"))
            include = [f"-I{self.folder}", f"-I{CORTEX_SOURCES}", "-c", str(path), "-o", self.objects[-1]]
            done = _command([COMPILER, f"-mcpu={self.core}", *FLAGS, *defines, *include])
            if done.returncode:
                raise ModelError(f"the program does not compile for {self.core}: {_first_error(done.stderr)}")

    def _link(self, memory, stack):
        (self.out / "memory.ld").write_text(f"{memory}STACK = {stack};\n")
        scripts = [
            "-T",
            str(self.out / "memory.ld"),
            "-T",
            str(CORTEX_SOURCES / "link.ld"),
            f"-Wl,-Map={self.out / 'map'}",
        ]
        return _command(
            [COMPILER, f"-mcpu={self.core}", "-mthumb", *LINK, *self.objects, *scripts, "-o", str(self.out / "program")]
        )

    def measure(self) -> CortexFigures:
        """Run the test windows on the core in QEMU.

        Raises:
            ModelError: The program does not link, or does not run to its end.
        """
        output = self._run()
        sizes = _sizes((self.out / "map").read_text())
        per_tick = LOOP / output["loop"]
        return CortexFigures(
            code=sizes["text"],
            weights=sizes["rodata"],
            static=sizes["bss"],
            stack=output["stack"],
            instructions=round(output["ticks"] / output["runs"] * per_tick),
            calls=output["calls"],
            dearest=round(output["most"] * per_tick),
            mean=output["ticks"] / output["calls"] * per_tick,
            values=output["values"],
            differing=output["differing"],
        )

    def profile(self) -> dict[str, int]:
        """Count the instructions of each step of the model, of a `profiled` program.

        Returns:
            Step → its instructions in one window, good to a few instructions per row. "flow" is what lies between the
            steps: which row comes next, samples in, outputs out.

        Raises:
            ModelError: As `measure`.
        """
        output = self._run()
        calls = {words[5:]: number for words, number in output.items() if words.startswith("step ")}
        ticks = {name: output[f"ticks {name}"] for name in calls}
        overhead = ticks["empty"] / calls["empty"]  # of reporting a step
        return {
            name: max(0, round((ticks[name] - calls[name] * overhead) / output["runs"] * LOOP / output["loop"]))
            for name in calls
            if name not in NON_MODEL_STEPS
        }

    def _run(self):
        """What main.c prints on the core's machine, {words: number}."""
        machine = QEMU_MACHINES[self.core]
        memory = (
            "MEMORY\n{\n"
            f"VECTORS : ORIGIN = {machine.vectors}, LENGTH = {VECTORS}\n"
            f"FLASH : ORIGIN = {machine.flash}, LENGTH = {machine.flash_size}\n"
            f"RAM : ORIGIN = {machine.ram}, LENGTH = {machine.ram_size}\n}}\n"
        )
        linked = self._link(memory, STACK)
        if linked.returncode:
            raise ModelError(f"the program does not link for {self.core}: {_first_error(linked.stderr)}")
        return _emulate(machine, self.core, self.out / "program")

    def missing_bytes(self, board: Board, stack: int = STACK) -> dict[str, int]:
        """Link the program and its test for a board.

        Args:
            board: The board.
            stack: Bytes of stack to reserve.

        Returns:
            "flash" and "RAM": the bytes that the linker reports as missing, 0 where it fits.

        Raises:
            ModelError: The program does not link for another reason.
        """
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
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT_S,
    )


def _first_error(text):
    words = ("error", "undefined", "overflowed")
    lines = [line for line in text.splitlines() if any(word in line for word in words)] or text.splitlines()
    return lines[0].strip() if lines else "no message"


class CortexApp(CortexProgram):
    """A generated program that goes from counts of a sensor to labels, compiled for a core, within the `with` block.

    `measure` counts instructions of the seconds between its first answer and the last of `answers` more.

    Args:
        folder: The generated program.
        core: The compiler's name of the core.
        sensor_fs: Rate of the sensor, Hz.
        answers: How many answers after the first.
        profiled: Whether every step reports when it begins; then all is counted from the first sample on.
    """

    application = "main_app"

    def __init__(self, folder: Path, core: str, sensor_fs: float, answers: int, profiled: bool = False):
        super().__init__(folder, core, profiled=profiled)
        (header,) = self.folder.glob("*_app.h")
        beat = max(1, round(sensor_fs * SECONDS_OF_A_BEAT))
        self.defines = (f"-DAPP={header.stem.removesuffix('_app')}", f"-DANSWERS={answers}u", f"-DBEAT={beat}u")


class CortexFrontEnd(CortexProgram):
    """The front end of a generated program alone, compiled for a core, within the `with` block.

    Args:
        folder: The generated program.
        core: The compiler's name of the core.
        samples: Samples of the sensor to count instructions over.
    """

    application = "main_front_end"

    def __init__(self, folder: Path, core: str, samples: int):
        super().__init__(folder, core)
        (header,) = self.folder.glob("*_app.h")
        self.defines = (f"-DAPP={header.stem.removesuffix('_app')}", f"-DSAMPLES={samples}u")
        self.left_out = (*self.left_out, f"{header.stem}.c")


class CortexDetector(CortexProgram):
    """The QRS detector alone, compiled for a core, within the `with` block.

    `values` of `measure` are the beats that it finds.

    Args:
        folder: Holds the kernel's headers.
        core: The compiler's name of the core.
        samples: Samples, 128 a second, to count instructions over.
    """

    application = "main_qrs"

    def __init__(self, folder: Path, core: str, samples: int):
        super().__init__(folder, core)
        self.defines = (f"-DSAMPLES={samples}u",)


def _sizes(text):
    """{"text": …, "rodata": …, "bss": …} bytes that the linker's map gives to the model, its kernels, the memory of one
    signal and the library; the benchmark's own files are left out."""
    sizes = {"text": 0, "rodata": 0, "bss": 0}
    _, text = text.split("Linker script and memory map", 1)
    pattern = r"^ \.(text|rodata|data|bss)(\S*)\s+0x\w+\s+0x(\w+) (\S+)$"
    for section, rest, size, path in re.findall(pattern, text, re.M):
        name = Path(path).name
        of_model = name not in NON_MODEL_OBJECTS and (section in ("text", "rodata") or name.startswith(MODEL_OBJECT))
        if of_model or rest == SIGNAL_MEMORY:
            sizes["bss" if section == "data" else section] += int(size, 16)
    return sizes


def _emulate(machine: QemuMachine, core: str, program: Path) -> dict[str, int]:
    """What main.c prints, {words: number}."""
    command = [EMULATOR, "-M", machine.name, "-kernel", str(program), "-nographic", "-monitor", "none"]
    command += [
        "-serial",
        "none",
        "-semihosting-config",
        "enable=on,target=native",
        "-icount",
        f"shift={INSTRUCTION_SHIFT}",
    ]
    try:
        done = _command(command, program.parent)  # where no windows.bin lies
    except subprocess.TimeoutExpired:
        raise ModelError(f"the program did not end within {TIMEOUT_S} s on {core}") from None
    lines = re.findall(r"^((?:step |ticks )?\w+) (\d+)$", done.stdout + done.stderr, re.M)
    output = {words: int(number) for words, number in lines}
    if not {"stack", "ticks", "runs", "calls", "most", "loop", "values", "differing"} <= output.keys():
        raise ModelError(f"the program stopped on {core}: {(done.stderr or done.stdout).strip()[-200:]}")
    return output
