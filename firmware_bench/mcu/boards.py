"""Microcontroller boards: one row per board, with its memory, its clock, its linker layout and what QEMU runs of it."""

from __future__ import annotations

import dataclasses

from firmware_bench.mcu.cores import CORES, Core

KIB, MIB = 1024, 1024 * 1024
MHZ = 1_000_000


@dataclasses.dataclass(frozen=True)
class FirmwareLayout:
    """What the firmware of a board is linked from.

    Attributes:
        flash: Address of the flash.
        ram: Address of the RAM.
        flash_size: Bytes to link into, where that is not the board's flash.
        ram_size: Bytes to link into, where that is not the board's largest block of RAM.
        vectors: Address of the vector table, where it is not in flash.
        uart: The UART driver in cortex/, without suffix; empty where there is none.
        flash_cache: C statement that turns on the cache of the flash.
        image: Another source in cortex/, without suffix, that the boot ROM needs.
        qemu_machine: The QEMU machine that runs the linked file unchanged; empty where there is none.
        qemu_serial: Number of the UART in QEMU.
    """

    flash: int
    ram: int
    flash_size: int | None = None
    ram_size: int | None = None
    vectors: int | None = None
    uart: str = ""
    flash_cache: str = ""
    image: str = ""
    qemu_machine: str = ""
    qemu_serial: int = 0


@dataclasses.dataclass(frozen=True)
class Board:
    """A board, as its maker states it. Exactly one of `firmware` and `no_firmware` is given.

    Attributes:
        name: Its name.
        core_name: Its core, a key of CORES.
        flash: Bytes of flash.
        ram: Bytes of RAM.
        block: Bytes of the largest piece of RAM without a gap in its addresses, which a tensor arena cannot exceed.
        clock: The highest clock of the core, Hz.
        firmware: What its firmware is linked from.
        no_firmware: Why there is no firmware for it, and what to do instead.
        cores: Number of cores.
        microamps: Current of the running core for each MHz, µA, as the feature list of the data sheet states it; None
            where it states none.
    """

    name: str
    core_name: str
    flash: int
    ram: int
    block: int
    clock: int
    firmware: FirmwareLayout | None = None
    no_firmware: str = ""
    cores: int = 1
    microamps: float | None = None

    def __post_init__(self):
        if bool(self.firmware) == bool(self.no_firmware):
            raise ValueError(f"board {self.name} needs either firmware or the reason why there is none")

    @property
    def core(self) -> str:
        """The core and how many there are, in words."""
        return self.core_name if self.cores == 1 else f"{self.cores} × {self.core_name}"

    @property
    def processor(self) -> Core:
        """What is known of the core."""
        return CORES[self.core_name]

    def milliseconds(self, instructions: int) -> float | None:
        """Estimate the time of a number of instructions, in ms, without wait states of the memory.

        Returns:
            Instructions times the core's assumed cycles per instruction at the board's clock; None where the program
            is not compiled for the core.
        """
        cpi = self.processor.cpi
        return cpi and instructions * cpi / self.clock * 1000


_BOARDS = (
    # Nordic nRF52840 Product Specification, chapters Memory, CPU and NVMC (ICACHECNF.CACHEEN).
    Board(
        "nRF52840", "Cortex-M4F", MIB, 256 * KIB, 256 * KIB, 64 * MHZ,
        FirmwareLayout(0x00000000, 0x20000000, uart="uart_nrf52", flash_cache="*(volatile uint32_t *)0x4001E540u = 1"),
        microamps=52,  # from flash, with the DC/DC converter at 3 V
    ),
    # ST DS8626 (STM32F407VG), RM0090: SRAM 112 + 16 KiB side by side, 64 KiB of core-coupled memory apart. QEMU's board
    # has the STM32F405, whose memory and USARTs are the same.
    Board(
        "STM32F407", "Cortex-M4F", MIB, 192 * KIB, 128 * KIB, 168 * MHZ,
        FirmwareLayout(0x08000000, 0x20000000, uart="uart_stm32f4", qemu_machine="netduinoplus2", qemu_serial=1),
    ),
    # ST DS12023 (STM32L4R5), RM0432: SRAM 192 + 64 + 384 KiB side by side.
    Board(
        "STM32L4R5", "Cortex-M4F", 2 * MIB, 640 * KIB, 640 * KIB, 120 * MHZ, FirmwareLayout(0x08000000, 0x20000000),
        microamps=110,  # with the LDO
    ),
    # ST DS13737 (STM32U575), RM0456: SRAM 192 + 64 + 512 KiB side by side, 16 KiB apart.
    Board(
        "STM32U575", "Cortex-M33", 2 * MIB, 784 * KIB, 768 * KIB, 160 * MHZ, FirmwareLayout(0x08000000, 0x20000000),
        microamps=19.5,  # with the SMPS at 3.3 V
    ),
    # ST DS12110 (STM32H743), RM0433: AXI 512, D2 288 and D3 64 KiB, data TCM 128 and instruction TCM 64 KiB.
    Board(
        "STM32H743", "Cortex-M7", 2 * MIB, 1056 * KIB, 512 * KIB, 480 * MHZ, FirmwareLayout(0x08000000, 0x24000000)
    ),
    # Raspberry Pi RP2040 datasheet, 2.2 and 2.8.1; the flash is that of the Pico board, 2 MiB, of which the second
    # stage of the boot takes 256 bytes.
    Board(
        "RP2040", "Cortex-M0+", 2 * MIB - 256, 264 * KIB, 264 * KIB, 133 * MHZ, cores=2,
        no_firmware="its flash begins with a second stage of the boot, which Raspberry Pi's SDK has: "
        "ecg-edge export --c99, and add the program to a project of that",
    ),
    # Raspberry Pi RP2350 datasheet, 2.2; the flash is that of the Pico 2 board, 4 MiB.
    Board(
        "RP2350", "Cortex-M33", 4 * MIB, 520 * KIB, 520 * KIB, 150 * MHZ, cores=2,
        firmware=FirmwareLayout(0x10000000, 0x20000000, image="image_rp2350"),
    ),
    # Espressif ESP32-S3 datasheet and technical reference: 32 KiB for instructions, 416 + 64 KiB for data. The flash is
    # that of the ESP32-S3-WROOM-1-N8 module, 8 MiB.
    Board(
        "ESP32-S3", "Xtensa LX7", 8 * MIB, 512 * KIB, 480 * KIB, 240 * MHZ, cores=2,
        no_firmware="its cores are not Arm's: ecg-edge export --c99, and add the program to a project of "
        "Espressif's SDK",
    ),
    # Ambiq Apollo4 Plus datasheet and the linker scripts of AmbiqSuite: 2 MiB of MRAM, of which the boot loader takes
    # 96 KiB; TCM 384 KiB and shared SRAM 1 MiB side by side, 2.75 MiB in all. 96 MHz; 192 in bursts. The firmware uses
    # the TCM alone, for the shared SRAM may be without power.
    Board(
        "Apollo4 Plus", "Cortex-M4F", 1952 * KIB, 2816 * KIB, 1408 * KIB, 96 * MHZ,
        FirmwareLayout(0x00018000, 0x10000000, ram_size=384 * KIB), microamps=4,
    ),
    # Analog Devices MAX78000 datasheet: SRAM 32 + 32 + 48 + 16 KiB side by side, the core's own, not that of the
    # convolution accelerator.
    Board(
        "MAX78000", "Cortex-M4F", 512 * KIB, 128 * KIB, 128 * KIB, 100 * MHZ, FirmwareLayout(0x10000000, 0x20000000),
        microamps=22.2,  # a loop from the cache, at 3.0 V
    ),
    # Arm AN547 (Corstone-300 on the MPS3 FPGA board): 8 MiB of QSPI flash, SRAM 2 and 4 MiB, data TCM 512 KiB. Vectors
    # in the instruction TCM, code and data in an SRAM each, as QEMU's machine has them.
    Board(
        "MPS3-AN547", "Cortex-M55", 8 * MIB, 6656 * KIB, 4 * MIB, 32 * MHZ,
        FirmwareLayout(0x11000000, 0x31000000, 2 * MIB, 4 * MIB, 0x10000000, "uart_cmsdk", qemu_machine="mps3-an547"),
    ),
)  # fmt: skip
BOARDS = {board.name: board for board in _BOARDS}
