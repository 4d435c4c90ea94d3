"""The boards' memory, as their makers state it."""

import dataclasses

import pytest

from firmware_bench.mcu.boards import BOARDS
from firmware_bench.mcu.cores import QEMU_MACHINES


def test_known_sizes():
    assert (BOARDS["nRF52840"].flash, BOARDS["nRF52840"].ram) == (1_048_576, 262_144)
    assert (BOARDS["STM32F407"].ram, BOARDS["STM32F407"].block) == (196_608, 131_072)
    assert BOARDS["STM32H743"].block == 524_288
    assert BOARDS["Apollo4 Plus"].flash == 1_998_848  # behind the boot loader
    assert BOARDS["nRF52840"].clock == 64_000_000


def test_no_block_is_larger_than_the_ram_it_is_part_of():
    assert len(BOARDS) == 11
    for name, board in BOARDS.items():
        assert name == board.name and 0 < board.block <= board.ram and board.flash > 0
        assert 30_000_000 < board.clock < 500_000_000 and (board.processor.cpi is None) == (name == "ESP32-S3")


def test_a_board_states_its_firmware_or_why_there_is_none():
    board = BOARDS["RP2040"]
    assert board.no_firmware and board.firmware is None
    for change in ({"no_firmware": ""}, {"firmware": BOARDS["nRF52840"].firmware}):
        with pytest.raises(ValueError, match="RP2040 needs either firmware or the reason"):
            dataclasses.replace(board, **change)


def test_every_board_s_core_has_a_qemu_machine():
    assert {board.processor.compiled_for for board in BOARDS.values()} <= QEMU_MACHINES.keys()
    assert BOARDS["RP2040"].core == "2 × Cortex-M0+" and BOARDS["nRF52840"].core == "Cortex-M4F"
