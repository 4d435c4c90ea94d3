"""Libraries for build systems: what can be built here is built and replays its record; the rest has the right form."""

import configparser
import json
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from small_models import altered, convolutional
from small_pairs import make_pair

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


@pytest.fixture(scope="module")
def beat_library():
    """Of a beat classifier and the model that takes its features."""
    rhythm, beats = make_pair()
    return make_library(rhythm, HOSTILE, "0.1.0", SENSOR, "small", beats=beats)


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
@pytest.mark.parametrize("name", ["library", "beat_library"])
def test_the_stm32_project_replays_the_record_in_qemu(name, request, tmp_path):
    folder = written(request.getfixturevalue(name), "stm32-bare", tmp_path)
    for is_broken in (False, True):
        if is_broken:
            break_answers(folder)
        status, output = run("make", "run", folder=folder)
        assert (status != 0) == is_broken, output
        assert ("this answer is wrong" if is_broken else "all answers are right") in output


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="the Arm toolchain is not installed")
def test_the_sources_of_rp2040_link_for_its_core(library, tmp_path):
    folder = written(library, "rp2040", tmp_path)
    sources = sorted((folder / "src").glob("*.c"))
    status, output = run(
        "arm-none-eabi-gcc", "-mcpu=cortex-m0plus", "-mthumb", "-std=c99", "-O2", *STRICT, "-c", *sources, folder=folder
    )
    assert status == 0 and len(sources) > 2, output
    main = folder / "examples" / "replay" / "main.c"  # without the SDK: its start-up code, and USB
    of_sdk = ("pico/", "stdio_init", "sleep_")
    kept = [line for line in main.read_text().splitlines() if not any(word in line for word in of_sdk)]
    main.write_text("\n".join(kept) + "\n")
    words = ["-mcpu=cortex-m0plus", "-mthumb", "-std=c99", "-O2", "--specs=nano.specs", "--specs=nosys.specs", "-Isrc"]
    status, output = run("arm-none-eabi-gcc", *words, main, *sources, "-o", "replay.elf", folder=folder)
    assert status == 0 and (folder / "replay.elf").is_file(), output


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
@pytest.mark.parametrize(
    ("target", "name"), [("arduino", "library"), ("platformio", "library"), ("arduino", "beat_library")]
)
def test_the_sketch_runs_with_a_stand_in_for_arduinos_core(target, name, request, tmp_path):
    folder = written(request.getfixturevalue(name), target, tmp_path)
    (folder / "Arduino.h").write_text(ARDUINO)
    (sketch,) = [*folder.rglob("replay.ino"), *folder.rglob("main.cpp")]
    (folder / "run.cpp").write_text(f'#include "Arduino.h"\n#include "{sketch}"\nint main() {{ setup(); loop(); }}\n')
    sources = sorted((folder / "src").glob("*.c"))
    assert run("gcc", "-std=c99", "-O1", "-c", *sources, folder=folder) == (0, "")
    objects = [f"{path.stem}.o" for path in sources]
    words = ["-std=c++11", "-Wall", "-Wextra", "-Werror", f"-I{folder}", f"-I{folder / 'src'}"]
    assert run("g++", *words, "-o", "run", "run.cpp", *objects, folder=folder) == (0, "")
    assert "all answers are right" in run("./run", folder=folder)[1]


CHIPS = """
#include <assert.h>
#include <stdio.h>
#include "examples/sensor/ads1292r.h"
#include "examples/sensor/max30003.h"
static uint8_t sent[200], replies[9];
static int count, place;
static uint32_t waited;
static void wait(uint32_t ms) { waited += ms; }
static uint8_t transfer(uint8_t byte, int is_last)
{
    uint8_t reply = replies[place];
    sent[count++] = byte;
    place = is_last ? 0 : place + 1;
    return reply;
}
static void reply(const uint8_t *bytes, int n) { for (int i = 0; i < n; ++i) { replies[i] = bytes[i]; } count = 0; }
int main(void)
{
    int16_t counts[2];
    const uint8_t lowest[] = {0, 0x80, 0x00, 0x00}, empty[] = {0, 0, 0, 6 << 3}, overflow[] = {0, 0, 0, 7 << 3};
    const uint8_t frame[] = {0xC0, 0, 0, 0xFF, 0xFE, 0, 0x01, 0x02, 0x80}, wrong[9] = {0};
    reply(lowest, 4);
    assert(max30003_sample(transfer, counts) == 1 && counts[0] == -32768 && sent[0] == 0x43 && count == 4);
    reply(empty, 4);
    assert(max30003_sample(transfer, counts) == 0 && count == 4);
    reply(overflow, 4);
    assert(max30003_sample(transfer, counts) == 0 && count == 8 && sent[4] == 0x14);
    reply(wrong, 9);
    max30003_start(transfer);
    assert(count == 32 && sent[0] == 0x10 && sent[16] == 0x2A && sent[17] == 0x40 && sent[18] == 0x50);
    reply(frame, 9);
    assert(ads1292r_sample(transfer, counts) == 1 && counts[0] == -2 && counts[1] == 258 && count == 9);
    reply(wrong, 9);
    assert(ads1292r_sample(transfer, counts) == 0);
    reply(wrong, 9);
    ads1292r_start(transfer, wait);
    assert(count == 25 && waited == 120 && sent[0] == 0x06 && sent[2] == 0x41 && sent[4] == 0x01 && sent[24] == 0x08);
    return 0;
}
"""
SENSORS = """
#pragma once
#include <stdint.h>
#include <stdio.h>
#define A0 14
#define LOW 0
#define HIGH 1
#define OUTPUT 1
#define INPUT_PULLUP 2
#define MSBFIRST 1
#define SPI_MODE0 0
#define SPI_MODE1 1
static uint32_t now_us = 0;
inline uint32_t micros() { return now_us += 500; }
inline int analogRead(int pin) { return static_cast<int>(now_us / 4000 * 37 % 900) + pin; }
inline void digitalWrite(int, int) {}
inline int digitalRead(int) { now_us += 500; return now_us % 4000 != 0; }
inline void pinMode(int, int) {}
inline void delay(uint32_t) {}
struct SPISettings { SPISettings(uint32_t, int, int) {} };
struct { void begin() {} void beginTransaction(SPISettings) {} uint8_t transfer(uint8_t) { return 0; } } SPI;
struct {
    void begin(long) {}
    void print(const char *text) { fputs(text, stdout); }
    void println(unsigned long value) { printf("%lu\\n", value); }
} Serial;
"""


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_drivers_read_the_frames_of_the_data_sheets(library, tmp_path):
    folder = written(library, "arduino", tmp_path)
    (folder / "chips.c").write_text(CHIPS)
    words = ["-std=c99", *STRICT, "-fsanitize=address,undefined", "-o", "chips", "chips.c"]
    assert run("gcc", *words, folder=folder) == (0, "")
    assert run("./chips", folder=folder) == (0, "")


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
@pytest.mark.parametrize(
    ("sensor", "first"), [("ADC_PINS", "labels"), ("MAX30003_SPI", "unsure"), ("ADS1292R_SPI", "unsure")]
)
def test_the_sensor_sketch_prints_labels_of_each_sensor(sensor, first, library, tmp_path):
    """The stand-in's chips answer with zeros: a lead is flat or missing, and the sketch says that it is unsure."""
    folder = written(library, "arduino", tmp_path)
    (folder / "SPI.h").write_text(SENSORS)
    main = "int main() { setup(); for (long n = 0; n < 60000; ++n) { loop(); } }"
    (folder / "run.cpp").write_text(f'#include "SPI.h"\n#include "{folder}/examples/sensor/sensor.ino"\n{main}\n')
    sources = sorted((folder / "src").glob("*.c"))
    assert run("gcc", "-std=c99", "-O1", "-c", *sources, folder=folder) == (0, "")
    objects = [f"{path.stem}.o" for path in sources]
    words = ["-std=c++11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", f"-DSENSOR={sensor}"]
    words += [f"-I{folder}", f"-I{folder / 'src'}", "-o", "run", "run.cpp", *objects]
    assert run("g++", *words, folder=folder) == (0, "")
    status, output = run("./run", folder=folder)
    assert status == 0 and len(output.splitlines()) > 5 and output.startswith(first), output


def test_manifests_have_the_required_keys_and_bear_any_name(library):
    made = {name: target.make(library) for name, target in TARGETS.items()}
    lines = made["arduino"]["library.properties"].splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    required = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "architectures"}
    assert required <= properties.keys() and len(properties) == len(lines)
    manifest = json.loads(made["platformio"]["library.json"])
    assert manifest["name"] == "small" and library.title in manifest["description"]
    component = yaml.safe_load(made["esp-idf"]["idf_component.yml"])
    assert component["version"] == "0.1.0" and library.title in component["description"]
    module = yaml.safe_load(made["zephyr"]["zephyr/module.yml"])
    assert module == {"name": "small", "build": {"cmake": ".", "kconfig": "Kconfig"}}
    project = configparser.ConfigParser()
    project.read_string(made["platformio"]["examples/replay/platformio.ini"])
    assert project["env:uno_r4_minima"]["framework"] == "arduino"
    pack = ElementTree.fromstring(made["cmsis-pack"]["ecg-edge.small.pdsc"])
    assert [pack.findtext(tag) for tag in ("vendor", "name")] == ["ecg-edge", "small"]
    assert library.title in (pack.findtext("description") or "")
    listed = [file.attrib["name"] for file in pack.iterfind("components/component/files/file[@name]")]
    assert sorted(listed) == sorted(["src/", *(f"src/{name}" for name in library.sources)])
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
