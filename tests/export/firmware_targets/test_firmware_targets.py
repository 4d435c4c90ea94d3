"""Libraries for build systems: what can be built here is built and replays its record; the rest has the right form."""

import ast
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from small_models import altered, convolutional

from ecg_edge.training.config import SignalConfig
from export.firmware_targets import TARGETS, make_library
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.mcu import qemu

SENSOR = Sensor(250.0, (200.0, 150.0), (7, -20), -2048, 2047)
HOSTILE = "a\"b'c\\\n]]></x>&${y};$(z) # é\x1b[1m"
STRICT = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
ARDUINO = """
#pragma once
#include <stdio.h>
struct StandIn {
    void begin(long) {}
    explicit operator bool() const { return true; }
    void print(const char *text) { fputs(text, stdout); }
};
static StandIn Serial;
"""


@pytest.fixture(scope="module")
def library():
    steps = SignalConfig(fs=100.0, mode="causal").steps()
    data = altered(convolutional(), preprocessing=steps, window_preprocessing=[], labels=[HOSTILE, "~", "AF"])
    return make_library(data, HOSTILE, "0.1.0", SENSOR, "small")


def written(library, target, folder):
    for name, text in TARGETS[target].make(library).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def run(*command, folder=None):
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


def break_answers(folder):
    (path,) = folder.rglob("small_app.c")
    text = path.read_text()
    assert "answer->classes = UINT32_C(1)" in text
    path.write_text(text.replace("answer->classes = UINT32_C(1)", "answer->classes = UINT32_C(2)"))


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
def test_cmake_builds_a_library_and_ctest_replays_the_record(library, tmp_path):
    folder = written(library, "cmake", tmp_path)
    for is_broken in (False, True):
        if is_broken:
            break_answers(folder)
        for words in (["-S", folder, "-B", folder / "build"], ["--build", folder / "build"]):
            status, output = run("cmake", *words)
            assert status == 0, output
        status, output = run("ctest", "--test-dir", folder / "build", "-V")
        assert (status != 0) == is_broken, output
        assert ("this answer is wrong" if is_broken else "all answers are right") in output


@pytest.mark.skipif(bool(qemu.missing()), reason="the Arm toolchain or QEMU is not installed")
def test_the_stm32_project_replays_the_record_in_qemu(library, tmp_path):
    folder = written(library, "stm32-bare", tmp_path)
    for is_broken in (False, True):
        if is_broken:
            break_answers(folder)
        status, output = run("make", "run", folder=folder)
        assert (status != 0) == is_broken, output
        assert ("this answer is wrong" if is_broken else "all answers are right") in output


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="the Arm toolchain is not installed")
def test_the_sources_of_rp2040_compile_for_its_core(library, tmp_path):
    folder = written(library, "rp2040", tmp_path)
    sources = sorted((folder / "src").glob("*.c"))
    status, output = run(
        "arm-none-eabi-gcc", "-mcpu=cortex-m0plus", "-mthumb", "-std=c99", "-O2", *STRICT, "-c", *sources, folder=folder
    )
    assert status == 0 and len(sources) > 2, output


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
@pytest.mark.parametrize("target", ["arduino", "platformio"])
def test_the_sketch_runs_with_a_stand_in_for_arduinos_core(target, library, tmp_path):
    folder = written(library, target, tmp_path)
    (folder / "Arduino.h").write_text(ARDUINO)
    (sketch,) = [*folder.rglob("*.ino"), *folder.rglob("main.cpp")]
    (folder / "run.cpp").write_text(f'#include "Arduino.h"\n#include "{sketch}"\nint main() {{ setup(); loop(); }}\n')
    sources = sorted((folder / "src").glob("*.c"))
    assert run("gcc", "-std=c99", "-O1", "-c", *sources, folder=folder) == (0, "")
    objects = [f"{path.stem}.o" for path in sources]
    words = ["-std=c++11", "-Wall", "-Wextra", "-Werror", f"-I{folder}", f"-I{folder / 'src'}"]
    assert run("g++", *words, "-o", "run", "run.cpp", *objects, folder=folder) == (0, "")
    assert "all answers are right" in run("./run", folder=folder)[1]


def test_manifests_have_the_required_keys_and_bear_any_name(library):
    made = {name: target.make(library) for name, target in TARGETS.items()}
    lines = made["arduino"]["library.properties"].splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    required = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "architectures"}
    assert required <= properties.keys() and len(properties) == len(lines)
    manifest = json.loads(made["platformio"]["library.json"])
    assert manifest["name"] == "small" and library.title in manifest["description"]
    component = dict(line.split(": ", 1) for line in made["esp-idf"]["idf_component.yml"].splitlines())
    assert json.loads(component["version"]) == "0.1.0" and library.title in ast.literal_eval(component["description"])
    module = made["zephyr"]["zephyr/module.yml"].splitlines()
    assert module == [
        "name: small",
        "build:",
        "  cmake: .",
        "  kconfig: Kconfig",
    ]
    for target, files in made.items():
        sources = {name.split("/")[-1] for name in files}
        assert {"small.c", "small_app.c", "test_replay.h"} <= sources and "test.c" not in sources
        for name, text in files.items():
            assert "\x1b" not in text, (target, name)
            assert not name.endswith(("CMakeLists.txt", "Kconfig")) or "z)" not in text


def test_the_documentation_says_what_is_tested_of_each_target():
    page = (Path(__file__).parents[3] / "docs" / "devices" / "microcontrollers.md").read_text()
    rows = {row.split("|")[1].strip(" `"): row.split("|")[-2].strip() for row in page.splitlines() if row[:3] == "| `"}
    assert {name: rows.get(name) for name in TARGETS} == {name: target.tested for name, target in TARGETS.items()}
