"""The planned memory of a program from counts to labels is what the compiler says."""

import shutil
import subprocess

import pytest
from small_models import altered, convolutional
from small_pairs import make_pair

from ecg_edge.training.config import SignalConfig
from export.c99 import generate
from export.c99.struct_size import measure_struct
from firmware_bench.front_end.sensor import Sensor

ARM = "arm-none-eabi-gcc"
SENSOR = Sensor(250.0, (200.0,))


def make_whole(tmp_path):
    steps = SignalConfig(fs=100.0, mode="causal", normalise="running").steps()
    data = altered(convolutional(), preprocessing=steps, window_preprocessing=[])
    return generate(data, tmp_path / "program", "small", sensor=SENSOR)


def make_both(tmp_path):
    rhythm, beats = make_pair(relative=True)
    return generate(rhythm, tmp_path / "program", "small", sensor=SENSOR, beats=beats)


@pytest.mark.skipif(shutil.which(ARM) is None, reason=f"{ARM} is not installed")
@pytest.mark.parametrize("make", [make_whole, make_both])
def test_the_plan_is_what_the_compiler_says(make, tmp_path):
    program = make(tmp_path)
    (program.folder / "size.c").write_text('#include "small_app.h"\nchar memory[sizeof(struct small_app)];\n')
    subprocess.run([ARM, "-mcpu=cortex-m4", "-mthumb", "-c", "size.c"], cwd=program.folder, check=True)
    printed = subprocess.run(["arm-none-eabi-size", "-A", "size.o"], cwd=program.folder, capture_output=True, text=True)
    (measured,) = (int(line.split()[1]) for line in printed.stdout.splitlines() if line.startswith(".bss"))
    assert program.static_ram["total"] == measured
    assert sum(program.static_ram.values()) == 2 * measured and min(program.static_ram.values()) > 0
    assert f"takes {measured:,} bytes" in (program.folder / "README.md").read_text()


def test_two_programs_without_a_sensor_are_added(tmp_path):
    rhythm, beats = make_pair()
    ram = generate(rhythm, tmp_path / "program", "small", beats=beats).static_ram
    assert ram == {"small": ram["small"], "small_beats": ram["small_beats"], "total": sum(ram.values()) - ram["total"]}


def test_members_are_aligned_and_what_is_unknown_is_refused():
    header = """
#define MOST (2 * COUNT + 1) /* odd */
#define COUNT 3u
union both { int64_t wide; struct { int8_t narrow[MOST]; } small; };
struct all { int8_t first; const int16_t *place; volatile union both two[COUNT - 1]; /* int32_t not; */ int16_t last; };
"""
    assert measure_struct({"a.h": header}, "all") == {"first": 1, "place": 4, "two": 16, "last": 2, "total": 32}
    with pytest.raises(ValueError, match="struct all"):
        measure_struct({"a.h": "struct all { long x; };"}, "all")
