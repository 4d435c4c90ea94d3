"""Microcontrollers by name, with the flash and RAM that their makers state. Interpreter-free figures: what a model
finds there before any code is linked."""

from __future__ import annotations

import dataclasses

KIB, MIB = 1024, 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Board:
    """`flash` and `ram` in bytes; `block`, bytes: the largest piece of RAM without a gap in its addresses, which a
    tensor arena cannot exceed."""

    name: str
    core: str
    flash: int
    ram: int
    block: int


BOARDS = {
    board.name: board
    for board in (
        # Nordic nRF52840 Product Specification, chapter Memory.
        Board("nRF52840", "Cortex-M4F", MIB, 256 * KIB, 256 * KIB),
        # ST DS8626 (STM32F407VG): SRAM 112 + 16 KiB side by side, 64 KiB of core-coupled memory apart.
        Board("STM32F407", "Cortex-M4F", MIB, 192 * KIB, 128 * KIB),
        # ST DS12023 (STM32L4R5): SRAM 192 + 64 + 384 KiB side by side.
        Board("STM32L4R5", "Cortex-M4F", 2 * MIB, 640 * KIB, 640 * KIB),
        # ST DS13737 (STM32U575): SRAM 192 + 64 + 512 KiB side by side, 16 KiB apart.
        Board("STM32U575", "Cortex-M33", 2 * MIB, 784 * KIB, 768 * KIB),
        # ST DS12110 (STM32H743): AXI 512, D2 288 and D3 64 KiB, data TCM 128 and instruction TCM 64 KiB.
        Board("STM32H743", "Cortex-M7", 2 * MIB, 1056 * KIB, 512 * KIB),
        # Raspberry Pi RP2040 datasheet; the flash is that of the Pico board, 2 MiB.
        Board("RP2040", "2 × Cortex-M0+", 2 * MIB, 264 * KIB, 264 * KIB),
        # Raspberry Pi RP2350 datasheet; the flash is that of the Pico 2 board, 4 MiB.
        Board("RP2350", "2 × Cortex-M33", 4 * MIB, 520 * KIB, 520 * KIB),
        # Espressif ESP32-S3 datasheet and technical reference: 32 KiB for instructions, 416 + 64 KiB for data. The
        # flash is that of the ESP32-S3-WROOM-1-N8 module, 8 MiB.
        Board("ESP32-S3", "2 × Xtensa LX7", 8 * MIB, 512 * KIB, 480 * KIB),
        # Ambiq Apollo4 Plus datasheet: TCM 384 KiB and shared SRAM 1 MiB side by side, 2.75 MiB in all.
        Board("Apollo4 Plus", "Cortex-M4F", 2 * MIB, 2816 * KIB, 1408 * KIB),
        # Analog Devices MAX78000 datasheet: the core's own memory, not that of the convolution accelerator.
        Board("MAX78000", "Cortex-M4F", 512 * KIB, 128 * KIB, 128 * KIB),
        # Arm AN547 (Corstone-300 on the MPS3 FPGA board): 8 MiB of QSPI flash, SRAM 2 and 4 MiB, data TCM 512 KiB.
        Board("MPS3-AN547", "Cortex-M55", 8 * MIB, 6656 * KIB, 4 * MIB),
    )
}
