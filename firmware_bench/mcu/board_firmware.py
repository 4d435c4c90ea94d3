"""A folder of firmware for a board: the generated program, the application that runs it on windows and reports cycles,
and what links them. The sources in cortex/ are those that QEMU runs."""

from __future__ import annotations

import dataclasses

from firmware_bench.mcu.boards import BOARDS, Board, FirmwareLayout
from firmware_bench.mcu.qemu import COMPILER, CORTEX_SOURCES, LINK, PACKAGES, VECTORS
from firmware_bench.runtime.errors import InputError

STACK = 2048  # bytes that the linker reserves; the models take 200 to 400
SOURCES = ("start.c", "main.c", "print.c", "ecg_bench.h", "semihosting.c", "link.ld")


def supported_boards() -> list[str]:
    """Return the names of the boards that there is firmware for."""
    return [name for name, board in BOARDS.items() if board.firmware]


def make_files(board: Board, windows: bytes) -> dict[str, bytes]:
    """Make the application, a linker script, a Makefile and a README; the generated program joins them as model/.

    Args:
        board: The board.
        windows: The bytes that the host sends, written as windows.bin.

    Returns:
        File name → content.

    Raises:
        InputError: There is no firmware for the board.
    """
    layout = board.firmware
    if layout is None:
        raise InputError(f"no firmware for {board.name}: {board.no_firmware}")
    extra = [f"{name}.c" for name in (layout.uart, layout.image) if name] + ["uart.h", "send.py"] * bool(layout.uart)
    return {
        **{name: (CORTEX_SOURCES / name).read_bytes() for name in [*SOURCES, *extra]},
        "memory.ld": _linker_memory(board, layout).encode(),
        "Makefile": _makefile(board, layout).encode(),
        "README.md": _readme(board, layout).encode(),
        "windows.bin": windows,
    }


def make_board_files(board: Board, program: str) -> dict[str, str]:
    """Make what links an application for a board that has firmware: start code, semihosting, memory map, Makefile.

    Args:
        board: The board.
        program: The folder of the program's sources; main.c is beside it.

    Returns:
        File name → text.
    """
    layout = board.firmware
    assert layout is not None
    names = [
        "start.c",
        "print.c",
        "ecg_bench.h",
        "semihosting.c",
        "link.ld",
        *([f"{layout.image}.c"] if layout.image else []),
    ]
    return {
        **{name: (CORTEX_SOURCES / name).read_text() for name in names},
        "memory.ld": _linker_memory(board, layout),
        "Makefile": _makefile(board, dataclasses.replace(layout, uart=None))
        .replace("model/", f"{program}/")
        .replace("-Imodel", f"-I{program}"),
    }


def _linker_memory(board: Board, layout: FirmwareLayout) -> str:
    """The linker's description of the board."""
    regions = [("FLASH", layout.flash, layout.flash_size or board.flash)]
    regions += [("RAM", layout.ram, layout.ram_size or board.block)]
    regions += [] if layout.vectors is None else [("VECTORS", layout.vectors, VECTORS)]
    return "\n".join(
        [
            f"/* Firmware by ecg-edge: the memory of {board.name}. */",
            "MEMORY",
            "{",
            *(f"    {name} : ORIGIN = {origin:#010x}, LENGTH = {length}" for name, origin, length in regions),
            "}",
            *(['REGION_ALIAS("VECTORS", FLASH)'] if layout.vectors is None else []),
            f"STACK = {STACK};",
            "",
        ]
    )


def _makefile(board: Board, layout: FirmwareLayout) -> str:
    defines = [f"-D'ECG_BOARD_START={layout.flash_cache}'"] if layout.flash_cache else []
    defines += ["-DECG_CACHES"] if board.processor.compiled_for in ("cortex-m7", "cortex-m55") else []
    sources = " ".join(
        ["start.c", "main.c", "print.c", "$(CHANNEL).c", *([f"{layout.image}.c"] if layout.image else [])]
    )
    choice = f", or make CHANNEL={layout.uart}" if layout.uart else ""
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
    if layout.qemu_machine:
        lines += [
            "run: $(CHANNEL).elf",
            f"\tqemu-system-arm -M {layout.qemu_machine} -kernel $< -nographic -monitor none \\",
            "\t\t-semihosting-config enable=on,target=native -icount shift=6"
            + " -serial null" * layout.qemu_serial
            + " -serial $(SERIAL)",
            "",
            "SERIAL ?= stdio",
            "",
        ]
    return "\n".join([*lines, "clean:", "\trm -f *.elf semihosting.bin uart_*.bin", "", ".PHONY: clean run", ""])


def _readme(board: Board, layout: FirmwareLayout) -> str:
    uart = (
        f"`make CHANNEL={layout.uart}` uses a UART, 115200 baud, on the pins that `{layout.uart}.c` names;\n"
        "`send.py` sends `windows.bin` there."
        if layout.uart
        else "There is no UART driver for this board."
    )
    return f"""# Firmware for {board.name}

`make` gives `semihosting.elf` and `.bin`, with Debian's packages: `{PACKAGES}`.
Flash it with a debug probe and keep the debugger attached, with semihosting on (OpenOCD: `arm semihosting enable`;
pyOCD: `--semihosting`), in this folder, from which it reads `windows.bin`. Without a debugger it stops at the first
line that it prints.

{uart}

The application draws its test windows itself and compares the outputs with LiteRT's reference kernels (`differing 0`),
then takes windows from the host until there are none. `windows.bin` holds integers of the model's type, window after
window, sample after sample, every lead of a sample; real value = (integer - zero point) * scale, both in
the header of the model. Of each window it prints `ticks`, the outputs, and the index of the largest. On a board, ticks
are cycles of the core (`counter DWT`, or `SysTick` where there is none) at the clock that it starts with: the clock
tree is not set up, so flash has fewer wait states than at full speed. In QEMU they are a fixed share of the
instructions.

Not tried on hardware.
"""
