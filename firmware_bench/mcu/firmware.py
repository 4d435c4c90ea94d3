"""A folder of firmware for a board: the generated program, the application that runs it on windows and tells cycles,
and what links them. The sources are those that QEMU runs (firmware_bench/mcu/cortex)."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from firmware_bench.mcu.boards import KIB, MIB, Board
from firmware_bench.mcu.qemu import COMPILER, HARNESS, LINK, PACKAGES, VECTORS
from firmware_bench.runtime.errors import InputError

MARK = "/* Firmware by ecg-edge"
STACK = 2048  # bytes that the linker keeps free; the models take 200 to 400
SOURCES = ("start.c", "main.c", "board.h", "tell.h", "semihosting.c", "link.ld")


@dataclasses.dataclass(frozen=True)
class Target:
    """Where flash and RAM begin, and their bytes where they are not the board's flash and largest block of RAM; where
    the vectors lie if not in flash; the UART that there is a driver for; what turns on the flash's cache (a C
    statement); what else is linked; the QEMU machine that runs the board's file as it is, and its UART's number."""

    flash: int
    ram: int
    flash_size: int | None = None
    ram_size: int | None = None
    vectors: int | None = None
    uart: str = ""
    cache: str = ""
    image: str = ""
    machine: str = ""
    serial: int = 0


TARGETS = {
    # Product Specification, chapter NVMC: ICACHECNF.CACHEEN.
    "nRF52840": Target(0x00000000, 0x20000000, uart="uart_nrf52", cache="*(volatile uint32_t *)0x4001E540u = 1"),
    # QEMU's board has the STM32F405, whose memory and USARTs are the same.
    "STM32F407": Target(0x08000000, 0x20000000, uart="uart_stm32f4", machine="netduinoplus2", serial=1),
    "STM32L4R5": Target(0x08000000, 0x20000000),
    "STM32U575": Target(0x08000000, 0x20000000),
    "STM32H743": Target(0x08000000, 0x24000000),
    "RP2350": Target(0x10000000, 0x20000000, image="image_rp2350"),
    # Behind the boot loader; the TCM alone, for the shared SRAM may be without power.
    "Apollo4 Plus": Target(0x00018000, 0x10000000, ram_size=384 * KIB),
    "MAX78000": Target(0x10000000, 0x20000000),
    # Vectors in the instruction TCM, code and data in an SRAM each, as QEMU's machine has them.
    "MPS3-AN547": Target(0x11000000, 0x31000000, 2 * MIB, 4 * MIB, 0x10000000, "uart_cmsdk", machine="mps3-an547"),
}
WITHOUT = {
    "RP2040": "its flash begins with a second stage of the boot, which Raspberry Pi's SDK has: ecg-edge export --c99, "
    "and add the program to a project of that",
    "ESP32-S3": "its cores are not Arm's: ecg-edge export --c99, and add the program to a project of Espressif's SDK",
}


def write(folder: Path, board: Board, windows: bytes) -> None:
    """Adds the application, a linker script, a Makefile and a README to `folder`, which holds the generated program as
    model/, and `windows`, bytes that the host sends, as windows.bin. InputError for a board that there is none for."""
    if board.name not in TARGETS:
        raise InputError(f"no firmware for {board.name}: {WITHOUT[board.name]}")
    target = TARGETS[board.name]
    extra = [f"{name}.c" for name in (target.uart, target.image) if name] + ["uart.h", "send.py"] * bool(target.uart)
    for name in [*SOURCES, *extra]:
        shutil.copyfile(HARNESS / name, folder / name)
    (folder / "memory.ld").write_text(memory(board, target))
    (folder / "Makefile").write_text(makefile(board, target))
    (folder / "README.md").write_text(readme(board, target))
    (folder / "windows.bin").write_bytes(windows)


def replaceable(folder: Path) -> bool:
    """Whether `folder` is empty or was written by `write`."""
    script = folder / "memory.ld"
    return folder.is_dir() and (not any(folder.iterdir()) or (script.is_file() and MARK in script.read_text()))


def memory(board: Board, target: Target) -> str:
    """The linker's description of the board."""
    regions = [("FLASH", target.flash, target.flash_size or board.flash)]
    regions += [("RAM", target.ram, target.ram_size or board.block)]
    regions += [] if target.vectors is None else [("VECTORS", target.vectors, VECTORS)]
    return "\n".join(
        [
            f"{MARK}: the memory of {board.name}. */",
            "MEMORY",
            "{",
            *(f"    {name} : ORIGIN = {origin:#010x}, LENGTH = {length}" for name, origin, length in regions),
            "}",
            *(['REGION_ALIAS("VECTORS", FLASH)'] if target.vectors is None else []),
            f"STACK = {STACK};",
            "",
        ]
    )


def makefile(board: Board, target: Target) -> str:
    defines = [f"-D'BOARD_START={target.cache}'"] if target.cache else []
    defines += ["-DCACHES"] if board.processor.compiled_for in ("cortex-m7", "cortex-m55") else []
    sources = " ".join(["start.c", "main.c", "$(CHANNEL).c", *([f"{target.image}.c"] if target.image else [])])
    choice = f", or make CHANNEL={target.uart}" if target.uart else ""
    lines = [
        f"# Firmware for {board.name}: make{choice}.",
        "CHANNEL ?= semihosting",
        f"CC = {COMPILER}",
        f"CFLAGS = -mcpu={board.processor.compiled_for} -mthumb -masm-syntax-unified -std=c99 -O2 -Wall -Wextra \\",
        f"\t-ffunction-sections -fdata-sections {' '.join(defines)}".rstrip(),
        f"LDFLAGS = {' '.join(LINK)} -T memory.ld -T link.ld",
        f"SOURCES = {sources} $(filter-out model/test.c,$(wildcard model/*.c))",
        "",
        "$(CHANNEL).bin: $(CHANNEL).elf",
        "\tarm-none-eabi-objcopy -O binary $< $@",
        "",
        "$(CHANNEL).elf: $(SOURCES) $(wildcard *.h model/*.h *.ld)",
        "\t$(CC) $(CFLAGS) -Imodel $(SOURCES) $(LDFLAGS) -o $@",
        "",
    ]
    if target.machine:
        lines += [
            "run: $(CHANNEL).elf",
            f"\tqemu-system-arm -M {target.machine} -kernel $< -nographic -monitor none \\",
            "\t\t-semihosting-config enable=on,target=native -icount shift=6"
            + " -serial null" * target.serial
            + " -serial $(SERIAL)",
            "",
            "SERIAL ?= stdio",
            "",
        ]
    return "\n".join([*lines, "clean:", "\trm -f *.elf semihosting.bin uart_*.bin", "", ".PHONY: clean run", ""])


def readme(board: Board, target: Target) -> str:
    uart = (
        f"`make CHANNEL={target.uart}` talks over a UART, 115200 baud, on the pins that `{target.uart}.c` names;\n"
        "`send.py` sends `windows.bin` there."
        if target.uart
        else "There is no UART driver for this board."
    )
    return f"""# Firmware for {board.name}

`make` gives `semihosting.elf` and `.bin`, with Debian's packages: `{PACKAGES}`.
Flash it with a debug probe and keep the debugger attached, with semihosting on (OpenOCD: `arm semihosting enable`;
pyOCD: `--semihosting`), in this folder, from which it reads `windows.bin`. Without a debugger it stops at the first
line that it says.

{uart}

The application draws its test windows itself and compares the outputs with LiteRT's reference kernels (`differing 0`),
then takes windows from the host until there are none. `windows.bin` holds integers of the model's type, window after
window, sample after sample, every lead of a sample; real value = (integer - zero point) * scale, both in
`model/model.h`. Of each window it tells `ticks`, the outputs, and the place of the largest. On a board, ticks are
cycles of the core (`counter DWT`, or `SysTick` where there is none) at the clock that it starts with: the clock tree is
not set up, so flash is waited for less than at full speed. In QEMU they are a fixed share of the instructions.

Not tried on hardware.
"""
