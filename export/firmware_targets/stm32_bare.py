"""A project without a vendor's software for an STM32F407: make, Debian's Arm toolchain, and QEMU to run it."""

from export.firmware_targets.library import FirmwareLibrary
from firmware_bench.mcu.board_firmware import make_board_files
from firmware_bench.mcu.boards import BOARDS

MAIN = """/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_bench.h"
#include "replay_example.h"

int main(void)
{
    return PREFIX_print_replay(ecg_host_write);
}
"""


def make_stm32_project(library: FirmwareLibrary) -> dict[str, str]:
    """Return {path: text} of a project: `make`, `make run` in QEMU. Messages go to the debugger by semihosting."""
    return {
        **make_board_files(BOARDS["STM32F407"], "src"),
        **{f"src/{file}": text for file, text in {**library.sources, **library.replay}.items()},
        "main.c": MAIN.replace("PREFIX", library.prefix),
    }
