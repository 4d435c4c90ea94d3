"""The boards' memory, as their makers state it."""

from firmware_bench.mcu.boards import BOARDS


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
