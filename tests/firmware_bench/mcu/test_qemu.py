"""Generated programs on Cortex-M cores in QEMU."""

import dataclasses
import runpy
import subprocess
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from handmade_tflite import TFLiteBuilder
from small_models import convolutional, recurrent

from export.c99 import generate
from firmware_bench.mcu import qemu
from firmware_bench.mcu.boards import BOARDS
from firmware_bench.runtime.errors import ModelError

needs_toolchain = pytest.mark.skipif(bool(qemu.missing()), reason=f"not installed: {', '.join(qemu.missing())}")


@pytest.fixture(scope="module")
def convolutions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("convolutions") / "program"
    return folder, generate(convolutional(), folder).memory


@needs_toolchain
@pytest.mark.slow
@pytest.mark.parametrize("core", qemu.QEMU_MACHINES)
def test_every_core_computes_the_same_in_the_memory_that_was_planned(core, convolutions):
    folder, plan = convolutions
    with qemu.CortexProgram(folder, core) as program:
        measured = program.measure()
    assert measured.differing == 0 and measured.values > 0
    assert measured.static == plan.total
    assert 64 < measured.stack < 1024
    assert measured.code < 8192


@needs_toolchain
@pytest.mark.slow
@pytest.mark.parametrize("model", [convolutional, recurrent])
def test_without_dsp_instructions_the_bits_are_the_same(model, tmp_path):
    generate(model(), tmp_path / "program")
    with qemu.CortexProgram(tmp_path / "program", "cortex-m4", portable=True) as program:
        portable = program.measure()
    with qemu.CortexProgram(tmp_path / "program", "cortex-m4") as program:
        measured = program.measure()
    assert measured.differing == portable.differing == 0
    assert measured.code > portable.code  # they were really used
    if model is convolutional:  # an LSTM of two inputs and eight units has no sums to speak of
        assert measured.instructions < portable.instructions


@needs_toolchain
@pytest.mark.slow
def test_weights_of_several_megabytes_are_counted(tmp_path):
    file, depth, channels = TFLiteBuilder(), 8000, 320
    x, y = file.tensor((1, depth), np.int8, 0.1), file.tensor((1, channels), np.int8, 20.0)
    values = np.random.default_rng(0).integers(-127, 128, (channels, depth))
    weights = file.constant(values, np.int8, 0.01)
    file.operator("FULLY_CONNECTED", 4, [x, weights, -1], y, schema.FullyConnectedOptionsT())
    generate(file.data([x], [y]), tmp_path / "program")
    with qemu.CortexProgram(tmp_path / "program", "cortex-m4") as program:
        measured = program.measure()
    assert measured.differing == 0 and measured.weights > values.size > 2 << 20
    assert measured.instructions > values.size


@needs_toolchain
@pytest.mark.slow
def test_instructions_are_the_same_every_time(convolutions, tmp_path, monkeypatch):
    folder, _ = convolutions
    with qemu.CortexProgram(folder, "cortex-m4") as program:
        first = program.measure()
        monkeypatch.chdir(tmp_path)
        (tmp_path / "windows.bin").write_bytes(bytes(1024))  # of firmware that somebody is working on
        second = program.measure()
    assert first == second
    assert first.instructions > 256 * 2 * 9  # more than there are taps


@needs_toolchain
@pytest.mark.slow
def test_a_small_cnn_takes_fewer_instructions_than_interpreters(monkeypatch):
    benchmarks = Path(__file__).parents[3] / "benchmarks"
    monkeypatch.syspath_prepend(benchmarks)
    script = runpy.run_path(str(benchmarks / "instructions_per_mac.py"))
    row = script["measure"]("a small CNN", script["small_cnn"]())
    count = 300 * 16 * 7 * 2 + 150 * 16 * 7 * 16 + 75 * 32 * 7 * 16 + 32 * 4
    assert row["macs_millions"] == round(count / 1e6, 2)
    assert row["instructions_dsp_millions"] < 2.4 and row["instructions_millions"] < 7


@needs_toolchain
@pytest.mark.slow
def test_the_profile_adds_up_to_the_instructions_of_a_window(convolutions):
    folder, _ = convolutions
    with qemu.CortexProgram(folder, "cortex-m4") as program:
        whole = program.measure().instructions
    with qemu.CortexProgram(folder, "cortex-m4", profiled=True) as program:
        steps = program.profile()
    assert steps.keys() == {"flow", "conv1", "conv2", "mean1", "dense1", "softmax1"}
    assert sum(steps.values()) == pytest.approx(whole, rel=0.02)
    taps, more = (64 * 8 * 9 * 2, 16 * 8 * 9 * 8)  # multiplications of the two convolutions
    assert taps < steps["conv1"] > steps["conv2"] > more and steps["conv1"] > steps["flow"] > 0


@needs_toolchain
@pytest.mark.slow
def test_a_program_of_many_steps_is_profiled(tmp_path):
    file = TFLiteBuilder()
    x = file.tensor((1, 1, 2, 4), np.int16, 2.0**-12)
    y = x
    for _ in range(900):
        y = file.operator("ADD", 2, [y, x], file.tensor((1, 1, 2, 4), np.int16, 2.0**-12), schema.AddOptionsT())
    generate(file.data([x], [y]), tmp_path / "program")
    with qemu.CortexProgram(tmp_path / "program", "cortex-m4", profiled=True) as program:
        steps = program.profile()
    assert len(steps) == 900 + 1 and steps["add900"] == pytest.approx(steps["add2"], rel=0.2)  # and the flow


@needs_toolchain
def test_without_profiling_the_marks_generate_no_code(convolutions, tmp_path):
    folder, _ = convolutions
    marked = (folder / "small.c").read_text()
    assert marked.count("ECG_PROFILE(") > 6
    plain = "".join(line for line in marked.splitlines(True) if "ECG_PROFILE(" not in line or "#define" in line)
    codes = []
    for text in (marked, plain):
        (tmp_path / "small.c").write_text(text)
        command = [qemu.COMPILER, "-mcpu=cortex-m4", *qemu.FLAGS, f"-I{folder}", "-c", "small.c", "-o", "small.o"]
        assert subprocess.run(command, cwd=tmp_path).returncode == 0
        codes.append((tmp_path / "small.o").read_bytes())
    assert codes[0] == codes[1]


@needs_toolchain
@pytest.mark.slow
def test_the_linker_reports_the_bytes_that_a_board_lacks(convolutions):
    folder, plan = convolutions
    board = BOARDS["nRF52840"]
    with qemu.CortexProgram(folder, "cortex-m4") as program:
        assert program.missing_bytes(board) == {"flash": 0, "RAM": 0}
        small = dataclasses.replace(board, block=plan.total, flash=2048)
        missing = program.missing_bytes(small, stack=512)
        assert missing["RAM"] >= 512 and missing["flash"] > 0
        more = program.missing_bytes(dataclasses.replace(small, block=plan.total + 256), stack=512)
    assert missing["RAM"] - more["RAM"] == 256


def test_a_missing_toolchain_names_its_packages(convolutions, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ModelError, match="gcc-arm-none-eabi"), qemu.CortexProgram(convolutions[0], "cortex-m4"):
        pass
