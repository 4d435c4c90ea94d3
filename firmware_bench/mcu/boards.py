"""Microcontrollers by name, with the flash, RAM and clock that their makers state. Interpreter-free figures: what a
model finds there before any code is linked."""

from __future__ import annotations

import dataclasses

KIB, MIB = 1024, 1024 * 1024
MHZ = 1_000_000


@dataclasses.dataclass(frozen=True)
class Core:
    """`compiled_for`: the compiler's name of it. `cpi`: cycles per instruction that an estimate of time assumes, with
    memory that does not keep the core waiting; None where the program is not compiled for the core."""

    compiled_for: str
    cpi: float | None


# Assumed, not measured on hardware. Cortex-M4: Arm's timings (DDI 0439: a load 2 cycles, 1 right behind another; a
# taken branch 2 to 4; the rest 1) over all that cnn_att_bilstm, tiny, executes in QEMU, 21 % of it loads and 7 % taken
# branches, are 1.26 to 1.39 (benchmarks/cycles_per_instruction.py). The others are set against that by their manuals:
# Cortex-M0+ (DDI 0484) as it; Cortex-M33 (100230) issues some pairs of 16-bit instructions at once; Cortex-M55 (101051)
# loads in 1 cycle besides; Cortex-M7 (DDI 0489) issues two instructions where they do not depend on each other. Xtensa
# has no compiler here: its memory is compared with the Cortex-M4 program.
CORES = {
    "Cortex-M0+": Core("cortex-m0plus", 1.4),
    "Cortex-M4F": Core("cortex-m4", 1.4),
    "Cortex-M33": Core("cortex-m33", 1.3),
    "Cortex-M7": Core("cortex-m7", 1.0),
    "Cortex-M55": Core("cortex-m55", 1.2),
    "Xtensa LX7": Core("cortex-m4", None),
}


@dataclasses.dataclass(frozen=True)
class Board:
    """`flash` and `ram` in bytes; `block`, bytes: the largest piece of RAM without a gap in its addresses, which a
    tensor arena cannot exceed; `clock`, Hz: the highest of the core."""

    name: str
    core: str
    flash: int
    ram: int
    block: int
    clock: int

    @property
    def processor(self) -> Core:
        return CORES[self.core.removeprefix("2 × ")]

    def milliseconds(self, instructions: int) -> float | None:
        """Estimated from the core's assumed cycles per instruction at the board's clock, without wait states."""
        cpi = self.processor.cpi
        return cpi and instructions * cpi / self.clock * 1000


BOARDS = {
    board.name: board
    for board in (
        # Nordic nRF52840 Product Specification, chapters Memory and CPU.
        Board("nRF52840", "Cortex-M4F", MIB, 256 * KIB, 256 * KIB, 64 * MHZ),
        # ST DS8626 (STM32F407VG), RM0090: SRAM 112 + 16 KiB side by side, 64 KiB of core-coupled memory apart.
        Board("STM32F407", "Cortex-M4F", MIB, 192 * KIB, 128 * KIB, 168 * MHZ),
        # ST DS12023 (STM32L4R5), RM0432: SRAM 192 + 64 + 384 KiB side by side.
        Board("STM32L4R5", "Cortex-M4F", 2 * MIB, 640 * KIB, 640 * KIB, 120 * MHZ),
        # ST DS13737 (STM32U575), RM0456: SRAM 192 + 64 + 512 KiB side by side, 16 KiB apart.
        Board("STM32U575", "Cortex-M33", 2 * MIB, 784 * KIB, 768 * KIB, 160 * MHZ),
        # ST DS12110 (STM32H743), RM0433: AXI 512, D2 288 and D3 64 KiB, data TCM 128 and instruction TCM 64 KiB.
        Board("STM32H743", "Cortex-M7", 2 * MIB, 1056 * KIB, 512 * KIB, 480 * MHZ),
        # Raspberry Pi RP2040 datasheet, 2.2 and 2.8.1; the flash is that of the Pico board, 2 MiB, of which the second
        # stage of the boot takes 256 bytes.
        Board("RP2040", "2 × Cortex-M0+", 2 * MIB - 256, 264 * KIB, 264 * KIB, 133 * MHZ),
        # Raspberry Pi RP2350 datasheet, 2.2; the flash is that of the Pico 2 board, 4 MiB.
        Board("RP2350", "2 × Cortex-M33", 4 * MIB, 520 * KIB, 520 * KIB, 150 * MHZ),
        # Espressif ESP32-S3 datasheet and technical reference: 32 KiB for instructions, 416 + 64 KiB for data. The
        # flash is that of the ESP32-S3-WROOM-1-N8 module, 8 MiB.
        Board("ESP32-S3", "2 × Xtensa LX7", 8 * MIB, 512 * KIB, 480 * KIB, 240 * MHZ),
        # Ambiq Apollo4 Plus datasheet and the linker scripts of AmbiqSuite: 2 MiB of MRAM, of which the boot loader
        # takes 96 KiB; TCM 384 KiB and shared SRAM 1 MiB side by side, 2.75 MiB in all. 96 MHz; 192 in bursts.
        Board("Apollo4 Plus", "Cortex-M4F", 1952 * KIB, 2816 * KIB, 1408 * KIB, 96 * MHZ),
        # Analog Devices MAX78000 datasheet: SRAM 32 + 32 + 48 + 16 KiB side by side, the core's own, not that of the
        # convolution accelerator.
        Board("MAX78000", "Cortex-M4F", 512 * KIB, 128 * KIB, 128 * KIB, 100 * MHZ),
        # Arm AN547 (Corstone-300 on the MPS3 FPGA board): 8 MiB of QSPI flash, SRAM 2 and 4 MiB, data TCM 512 KiB.
        Board("MPS3-AN547", "Cortex-M55", 8 * MIB, 6656 * KIB, 4 * MIB, 32 * MHZ),
    )
}
