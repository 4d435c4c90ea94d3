"""The cores of the boards: how programs are compiled for them, and the QEMU machine that counts their instructions."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class QemuMachine:
    """A QEMU machine that has a core: where it keeps vectors, code and data.

    Attributes:
        name: QEMU's name of it.
        vectors: Address of the vector table.
        flash: Address of the memory that stands for flash.
        flash_size: Its bytes.
        ram: Address of the RAM.
        ram_size: Its bytes.
    """

    name: str
    vectors: int
    flash: int
    flash_size: int
    ram: int
    ram_size: int


@dataclasses.dataclass(frozen=True)
class Core:
    """A core.

    Attributes:
        compiled_for: The compiler's name of it.
        cpi: Cycles per instruction that an estimate of time assumes, with memory that does not keep the core waiting;
            None where the program is not compiled for the core.
    """

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

# By the compiler's name of the core: Arm's FPGA images AN386, AN500, AN505 and AN547, of which the largest memory,
# 16 MiB and more of RAM beside the core's own, stands for flash, in AN505 for both. A Cortex-M4 runs the instructions
# of a Cortex-M0+, too.
QEMU_MACHINES = {
    "cortex-m0plus": QemuMachine("mps2-an386", 0x00000000, 0x21000000, 16 << 20, 0x20000000, 4 << 20),
    "cortex-m4": QemuMachine("mps2-an386", 0x00000000, 0x21000000, 16 << 20, 0x20000000, 4 << 20),
    "cortex-m7": QemuMachine("mps2-an500", 0x00000000, 0x60000000, 16 << 20, 0x20000000, 4 << 20),
    "cortex-m33": QemuMachine("mps2-an505", 0x10000000, 0x80000000, 12 << 20, 0x80C00000, 4 << 20),
    "cortex-m55": QemuMachine("mps3-an547", 0x10000000, 0x60000000, 16 << 20, 0x31000000, 4 << 20),
}
