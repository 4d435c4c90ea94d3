"""Folders of firmware: what is in them, and that QEMU runs what make makes of them."""

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import termios
import tty

import numpy as np
import pytest
from small_models import convolutional

from export.c99 import generate
from export.c99.reference_kernels import run_reference_kernels
from firmware_bench.mcu import board_firmware, qemu
from firmware_bench.mcu.boards import BOARDS
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.reference_vector import make_reference_inputs

needs_toolchain = pytest.mark.skipif(
    bool(qemu.missing()) or shutil.which("make") is None, reason=f"not installed: {', '.join(qemu.missing())} or make"
)

EMULATED = [name for name, board in BOARDS.items() if board.firmware and board.firmware.qemu_machine]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("firmware") / "model"
    generate(convolutional(), folder)
    return folder


@pytest.fixture(scope="module")
def windows():
    return make_reference_inputs(read_metadata(convolutional()))


@pytest.fixture
def folder(model, windows, tmp_path):
    """board's name → its folder of firmware"""

    def written(board):
        shutil.copytree(model, tmp_path / "model")
        sent = b"".join(a.tobytes() for arrays in windows for a in arrays)
        for name, content in board_firmware.make_files(BOARDS[board], sent).items():
            (tmp_path / name).write_bytes(content)
        return tmp_path

    return written


def make(folder, *words):
    done = subprocess.run(["make", "-s", *words], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "warning" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def assert_outputs(output, windows):
    """The test windows came out as LiteRT's, and so did those that the host sent."""
    assert "differing 0\n" in output and "counter SysTick\n" in output  # QEMU has no cycle counter
    sent = output[output.index("\nbytes ") :]
    expected = [run_reference_kernels(convolutional(), arrays)[0].ravel() for arrays in windows]
    for number, outputs in enumerate(expected, 2):
        ticks, printed, largest = re.search(
            rf"^window {number}\nticks (\d+)\noutputs((?: -?\d+)+)\nlargest (\d+)$", sent, re.M
        ).groups()
        assert int(ticks) > 10_000
        assert [int(value) for value in printed.split()] == outputs.tolist() and int(largest) == np.argmax(outputs)
    assert len({tuple(outputs) for outputs in expected}) > 1


@needs_toolchain
@pytest.mark.slow
@pytest.mark.parametrize("board", EMULATED)
def test_windows_from_a_file_by_semihosting(board, folder, windows):
    assert_outputs(make(folder(board), "run"), windows)


@needs_toolchain
@pytest.mark.slow
@pytest.mark.parametrize("board", board_firmware.supported_boards())
def test_every_board_s_firmware_is_made_and_begins_with_its_vectors(board, folder):
    path, layout = folder(board), BOARDS[board].firmware
    for channel in ["semihosting", *([layout.uart] if layout.uart else [])]:
        make(path, f"CHANNEL={channel}")
        image = np.frombuffer((path / f"{channel}.bin").read_bytes()[:84], "<u4")
        stack, reset = image[:2]
        ram = layout.ram_size or BOARDS[board].block
        assert ram <= BOARDS[board].block
        assert stack == layout.ram + ram and reset & 1 and layout.flash < reset < layout.flash + BOARDS[board].flash
        assert (image[16] == 0xFFFFDED3) == (board == "RP2350")


def over_the_uart(folder, *command):
    """What send.py prints while QEMU runs a board whose UART is its standard input and output."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    attributes = termios.tcgetattr(slave)
    attributes[1] = 0  # QEMU turns the processing of output on: then there is nothing to do
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    board = subprocess.Popen(
        command, cwd=folder, stdin=master, stdout=master, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        send = [sys.executable, str(qemu.CORTEX_SOURCES / "send.py"), os.ttyname(slave), "windows.bin"]
        return subprocess.run(send, cwd=folder, capture_output=True, text=True, timeout=60, check=True).stdout
    finally:
        os.killpg(board.pid, signal.SIGKILL)
        board.wait()
        os.close(master)
        os.close(slave)


@needs_toolchain
@pytest.mark.slow
@pytest.mark.parametrize("board", EMULATED)
def test_windows_over_the_uart(board, folder, windows):
    path, channel = folder(board), f"CHANNEL={BOARDS[board].firmware.uart}"
    make(path, channel)
    assert_outputs(over_the_uart(path, "make", "-s", channel, "run"), windows)


@needs_toolchain
@pytest.mark.slow
def test_the_nrf52_s_uart_on_an_nrf51_which_has_the_same(folder, windows):
    path = folder("nRF52840")
    script = (path / "memory.ld").read_text()
    script = re.sub(r"LENGTH = 1048576", "LENGTH = 262144", re.sub(r"LENGTH = 262144", "LENGTH = 16384", script))
    (path / "memory.ld").write_text(script)
    make(path, "CHANNEL=uart_nrf52", "CFLAGS=-mcpu=cortex-m0 -mthumb -masm-syntax-unified -std=c99 -O2")
    machine = ["-M", "microbit", "-nographic", "-monitor", "none", "-icount", "shift=6", "-serial", "stdio"]
    output = over_the_uart(path, qemu.EMULATOR, *machine, "-kernel", "uart_nrf52.elf")
    assert_outputs(output, windows)


@needs_toolchain
@pytest.mark.parametrize("board", ["nRF52840", "STM32F407", "RP2350", "MPS3-AN547"])
def test_global_names_cannot_collide_with_a_vendor_s(board, folder):
    """Every global that the application defines begins with ecg_; the linker script's, too."""
    path, layout = folder(board), BOARDS[board].firmware
    channels = ["semihosting.c", *([f"{layout.uart}.c"] if layout.uart else [])]
    for name in ["start.c", "main.c", "print.c", *channels, *([f"{layout.image}.c"] if layout.image else [])]:
        command = [qemu.COMPILER, f"-mcpu={BOARDS[board].processor.compiled_for}", *qemu.FLAGS, "-Imodel", "-c", name]
        subprocess.run([*command, "-o", "object.o"], cwd=path, check=True)
        listed = subprocess.run(["arm-none-eabi-nm", "-g", "--defined-only", "object.o"], cwd=path, capture_output=True)
        symbols = [line.split()[-1] for line in listed.stdout.decode().splitlines()]
        assert all(symbol.startswith("ecg_") or symbol == "main" for symbol in symbols), (name, symbols)
    assert all(symbol.startswith("ecg_") for symbol in re.findall(r"(\w+) = ", (path / "link.ld").read_text()))


def test_every_source_states_its_licence():
    sources = [path for path in qemu.CORTEX_SOURCES.iterdir() if path.is_file()]
    assert len(sources) > 10
    assert all("SPDX-License-Identifier: Apache-2.0" in path.read_text() for path in sources)


@pytest.mark.parametrize("board", sorted(BOARDS.keys() - set(board_firmware.supported_boards())))
def test_a_board_without_firmware_states_the_reason(board):
    with pytest.raises(InputError, match=f"no firmware for {board}: .*--c99"):
        board_firmware.make_files(BOARDS[board], b"")
