"""From counts to beats and rhythms: the C program says what the same path in Python says, in every integer."""

import ctypes
import re
import shutil
import subprocess

import numpy as np
import pytest
from app_programs import SANITIZED
from small_pairs import LEADS, make_pair

from ecg_edge.records.synthetic_ecg import synthesise
from export.c99 import generate
from export.c99.beat_pair import plan_pair
from export.c99.emit_beat_header import NO_BEATS
from export.c99.emit_beat_replay import describe_event
from firmware_bench.front_end.beat_path import BeatPath
from firmware_bench.front_end.plan import MISSING
from firmware_bench.front_end.sample_faults import QUALITY
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.errors import InputError

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")

MAIN = """
#include <stdio.h>
#include "small_app.h"
int main(void)
{
    static struct small_app app;
    static struct small_answer answer;
    int16_t counts[2];
    small_app_init(&app);
    while (fread(counts, sizeof counts, 1, stdin) == 1) {
        int done;
        if (small_app_push(&app, counts) == 0) { return 1; }
        while ((done = small_app_poll(&app, &answer)) != 0) {
            const int count = (answer.kind == SMALL_BEAT) ? 3 : 2;
            if (done != 2) { continue; }
            printf("%u %u %u %u %u %u %u", answer.kind, answer.sample, answer.classes, answer.quality, answer.first,
                   answer.end, answer.beats);
            for (int n = 0; n < count; ++n) { printf(" %d", answer.outputs[n]); }
            for (int n = 0; n < count; ++n) { printf(" %u", answer.probabilities[n]); }
            printf("\\n");
        }
    }
    return 0;
}
"""


def make_sensor(fs):
    return Sensor(fs, (200.0, 150.0), (7, -20), -2048, 2047)


def draw_counts(fs, seconds=120, rhythm="AF"):
    """A synthetic ECG with a gap, a saturation, and leads that are off for a long and a short time."""
    sensor = make_sensor(fs)
    signal = synthesise(rhythm, seed=5, fs=fs, leads=LEADS, seconds=seconds).signal
    counts = (np.nan_to_num(signal) * sensor.counts_per_unit + sensor.baselines).round().clip(-2048, 2047)
    for start, end, leads, value in (
        (20.0, 20.3, [0, 1], MISSING), (33.0, 33.1, [0], 2047), (41.0, 44.5, [1], 9), (70.0, 100.0, [0, 1], 0),
    ):  # fmt: skip
        counts[round(start * fs) : round(end * fs), leads] = value
    return counts.astype(np.int16)


def run_program(files, sensor, counts, folder):
    program = generate(files[0], folder / "program", "small", sensor=sensor, beats=files[1])
    (program.folder / "main_app.c").write_text(MAIN)
    sources = [str(path) for path in program.folder.glob("*.c") if path.name not in ("test.c", "test_pair.c")]
    subprocess.run(["gcc", *SANITIZED.split(), "-o", str(folder / "app"), *sources], check=True)
    done = subprocess.run([str(folder / "app")], input=counts.tobytes(), capture_output=True, check=True)
    return [[int(word) for word in line.split()] for line in done.stdout.decode().splitlines()]


def run_path(files, sensor, counts):
    """The answers of the path in Python, fed in blocks of random lengths."""
    pair, random = plan_pair(*files, sensor, "small", "small_beats"), np.random.default_rng(3)
    path = BeatPath(pair.rhythm, pair.classifier, sensor)
    rows, first = [], 0
    while first < len(counts):
        length = int(random.integers(1, 800))
        rows += [
            [value for part in describe_event(pair, event) for value in part]
            for event in path.push(counts[first : first + length])
        ]
        first += length
    return rows


@pytest.mark.parametrize(
    ("sensor_fs", "settings"),
    [
        (250.0, {"relative": True}),
        (360.0, {"scaled": False, "normalise": "running"}),
        (64.0, {"labels": "none", "notch_hz": 25.0}),
    ],
)
def test_the_program_says_what_the_path_in_python_says(sensor_fs, settings, tmp_path):
    files, sensor, counts = make_pair(**settings), make_sensor(sensor_fs), draw_counts(sensor_fs)
    expected = run_path(files, sensor, counts)
    assert run_program(files, sensor, counts, tmp_path) == expected
    beats, rhythms = ([row for row in expected if row[0] == kind] for kind in (1, 2))
    assert len(beats) > 80 and len(rhythms) == 22
    assert len({row[2] for row in beats}) > 1 and len({tuple(row[7:]) for row in rhythms}) > 5
    quality = {name for row in expected for name, flag in QUALITY.items() if row[3] & flag}
    assert {"missing", "saturated", "flat"} <= quality and any(row[3] == 0 for row in expected)
    assert any(row[3] & NO_BEATS and row[2] == 0 for row in rhythms) and max(row[6] for row in rhythms) > 8


def make_test(folder):
    words = ["make", "-j2", "-C", str(folder), "test", f"CFLAGS={SANITIZED}"]
    return subprocess.run(words, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    rhythm, beats = make_pair()
    made = generate(rhythm, tmp_path_factory.mktemp("pair") / "c", "small", sensor=make_sensor(360.0), beats=beats)
    done = make_test(made.folder)
    assert done.returncode == 0 and "answers of the replay are right" in done.stdout, done.stdout + done.stderr
    return made.folder


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("small_app.c", "app->heard - (uint32_t)age", "app->heard - (uint32_t)age + 2u"),
        ("small_app.c", "? (int8_t)largest", "? (int8_t)0"),
        ("small_app.c", "quality |= UINT32_C(1) << n", "quality |= UINT32_C(2) << n"),
    ],
)
def test_the_folder_replays_a_record_and_names_the_first_answer_that_differs(folder, name, right, wrong):
    text = (folder / name).read_text()
    assert right in text, (name, right)
    (folder / name).write_text(text.replace(right, wrong, 1))
    done = make_test(folder)
    (folder / name).write_text(text)
    assert done.returncode != 0 and "of the replay differs: kind" in done.stdout, done.stdout + done.stderr


def test_the_header_states_what_firmware_has_to_know(folder):
    header = (folder / "small_app.h").read_text()
    for line in (
        "#define SMALL_SENSOR_RATE_HZ 360.0f", "#define SMALL_RHYTHM_SAMPLES 640", "SMALL_CLASS_AFIB = 1,",
        "SMALL_BEAT_CLASS_V = 2,", "Counts in 1 mV of each lead: 200, 150; leads: II, V1.",
    ):  # fmt: skip
        assert line in header
    words = "`small_app_poll` finds R peaks"
    assert words in (folder / "README.md").read_text()


def test_a_beat_is_computed_in_slices_that_take_no_sample(folder, tmp_path):
    """Rows of the convolution, then one step of the rest after the other; the samples wait in the queue."""
    sources = [str(path) for path in folder.glob("*.c") if path.name not in ("test.c", "test_pair.c")]
    subprocess.run(["gcc", "-std=c99", "-O1", "-shared", "-fPIC", "-o", str(tmp_path / "app.so"), *sources], check=True)
    library = ctypes.CDLL(str(tmp_path / "app.so"))
    app, answer = ctypes.create_string_buffer(1 << 18), ctypes.create_string_buffer(1 << 10)
    library.small_app_init(app)
    polls = []  # of every sample
    for row in np.ascontiguousarray(draw_counts(360.0)[: 6 * 360]):
        library.small_app_push(app, row.ctypes.data_as(ctypes.c_void_p))
        results = list(iter(lambda: library.small_app_poll(app, answer), 0))
        polls.append((len(results), results.count(2)))
    quiet = {count for count, answers in polls if answers == 0}
    assert quiet == {1, 2} and all(count > 24 * answers for count, answers in polls if answers)  # 24 rows
    assert sum(answers for _, answers in polls) >= 2
    stored = [library.small_app_push(app, answer) for _ in range(600)]
    assert stored == [1] * 512 + [0] * 88


def test_misra_rules_that_are_kept(folder):
    """Those that tests/export/c99/test_linking.py names."""
    if shutil.which("cppcheck") is None:
        pytest.skip("cppcheck is not installed")
    command = ["cppcheck", "--std=c99", "--addon=misra", "--enable=style", "--inline-suppr", "-q", "small_app.c"]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True).stderr
    assert "misra-c2012-8.9" in found, "the rules are checked"
    assert not re.findall(r".*misra-c2012-(?:10\.1|12\.1|12\.3|17\.2|17\.7)\]", found)


def test_a_sensor_that_is_too_slow_is_refused(tmp_path):
    rhythm, beats = make_pair()
    with pytest.raises(InputError, match="too slow for beats"):
        generate(rhythm, tmp_path / "c", "small", sensor=make_sensor(1.0), beats=beats)
    assert not (tmp_path / "c").exists()


@pytest.mark.slow
def test_half_an_hour_of_a_real_record(real_data, tmp_path):
    import wfdb

    record = wfdb.rdrecord(str(real_data("mitdb") / "208"), physical=False)
    sensor = Sensor(record.fs, tuple(record.adc_gain), tuple(record.baseline), 0, 2047)
    files, counts = make_pair(), record.d_signal.astype(np.int16)
    expected = run_path(files, sensor, counts)
    assert run_program(files, sensor, counts, tmp_path) == expected
    assert sum(row[0] == 1 for row in expected) > 2900 and sum(row[0] == 2 for row in expected) == 359
