"""The path from counts of a sensor to labels: the C program says what the same path in Python says, in every bit."""

import ctypes
import dataclasses
import functools
import itertools
import re
import shutil
import subprocess

import numpy as np
import pytest
from app_programs import FS, SANITIZED, SENSOR, counts_with_faults, run_path, run_program
from small_models import altered, convolutional, recurrent

from ecg_edge.training.config import SignalConfig
from export.c99 import generate
from firmware_bench.front_end.device_path import DevicePath
from firmware_bench.front_end.sample_faults import QUALITY
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.temperature import ONE
from firmware_bench.runtime.tflite_model import TFLiteModel

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


@functools.cache
def _converted(made):
    return made()


def model_for(settings, made=convolutional, **metadata):
    """A small model whose metadata state causal preprocessing."""
    steps = SignalConfig(fs=FS, mode="causal", **settings).steps()
    return altered(_converted(made), preprocessing=steps, window_preprocessing=[], **metadata)


@pytest.mark.parametrize("settings", [{}, {"normalise": "running", "notch_hz": 30.0, "lowpass_hz": 40.0}])
@pytest.mark.parametrize("sensor_fs", [100.0, 250.0, 360.0, 50.0])
def test_the_program_says_what_the_path_in_python_says(settings, sensor_fs, tmp_path):
    data, sensor = model_for(settings), dataclasses.replace(SENSOR, fs=sensor_fs)
    counts = counts_with_faults(int(30 * sensor_fs))
    expected = run_path(data, sensor, counts)
    assert run_program(data, sensor, counts, tmp_path) == expected
    assert len(expected) >= 10 and len({tuple(row[3:]) for row in expected}) > 5
    quality = {name for row in expected for name, flag in QUALITY.items() if row[2] & flag}
    assert {"missing", "saturated", "flat"} <= quality and any(row[2] == 0 for row in expected)
    assert ("warm-up" in quality) == bool(settings)


@pytest.mark.parametrize("sensor_fs", [50.0, 250.0])
def test_windows_that_are_scaled_as_a_whole(sensor_fs, tmp_path):
    data = altered(model_for({"highpass_hz": None}), window_preprocessing=[{"step": "zscore"}])
    sensor, counts = dataclasses.replace(SENSOR, fs=sensor_fs), counts_with_faults(int(30 * sensor_fs))
    expected = run_path(data, sensor, counts)
    assert run_program(data, sensor, counts, tmp_path) == expected and len(expected) >= 10
    offset = np.where(counts == -32768, counts, counts - 300).astype(np.int16)
    assert [row[3:] for row in run_path(data, dataclasses.replace(sensor, baselines=(-293, -320)), offset)] == [
        row[3:] for row in expected
    ]  # a mean does not count
    with pytest.raises(InputError, match="normalise=running"):
        generate(data, tmp_path / "hops", sensor=sensor, hop_s=1.0)


@pytest.mark.parametrize("sensor_fs", [50.0, 250.0, 360.0])
def test_answers_of_every_hop_and_faults_as_long_as_their_samples_count(sensor_fs, tmp_path):
    data, sensor = model_for({"normalise": "running"}), dataclasses.replace(SENSOR, fs=sensor_fs)
    counts = counts_with_faults(int(30 * sensor_fs))
    expected = run_path(data, sensor, counts, 0.5)
    assert run_program(data, sensor, counts, tmp_path, hop_s=0.5) == expected and len(expected) > 40
    saturated = [row[2] & QUALITY["saturated"] > 0 for row in expected]
    assert 5 <= sum(saturated) <= 8  # a window is 2.56 s, and an answer comes every 0.48 s
    assert sum(a != b for a, b in itertools.pairwise(saturated)) == 2


@pytest.mark.parametrize("temperature", [0.6, 2.5])
def test_the_temperature_changes_probabilities_and_no_label(temperature, tmp_path):
    data, counts = model_for({}), counts_with_faults(3000)
    plain = run_path(data, SENSOR, counts)
    data = altered(data, decision={"temperature": temperature})
    expected = run_path(data, SENSOR, counts)
    assert run_program(data, SENSOR, counts, tmp_path) == expected and len(expected) > 3
    labels = 3 + (len(expected[0]) - 3) // 2
    assert [row[:labels] for row in expected] == [row[:labels] for row in plain]
    assert all(
        (max(row[labels:]) < max(old[labels:])) == (temperature > 1) for row, old in zip(expected, plain, strict=True)
    )


def test_thresholds_decide_where_a_model_has_some(tmp_path):
    data, counts = model_for({}), counts_with_faults(6000)
    path = DevicePath(TFLiteModel(data), SENSOR)
    middle = np.median([answer.probabilities for answer in path.push(counts)], axis=0)
    data = altered(data, decision={"thresholds": (middle / ONE).tolist(), "temperature": 1.7})
    expected = run_path(data, SENSOR, counts)
    assert run_program(data, SENSOR, counts, tmp_path) == expected
    assert len({row[1] for row in expected}) > 1


@pytest.mark.parametrize(
    "change, words",
    [
        ({"preprocessing": [{"step": "highpass", "cutoff": 0.5}]}, "signal.mode=causal"),
        ({"window_preprocessing": [{"step": "fill_gaps"}]}, "of a window"),
        ({"labels": ["A"]}, "no classifier"),
        ({"labels": []}, "labels"),
    ],
)
def test_a_model_without_a_path_is_refused_in_one_line(change, words, tmp_path):
    data = altered(model_for({}), **change)
    with pytest.raises(InputError, match=words) as caught:
        generate(data, tmp_path / "program", sensor=SENSOR)
    assert "\n" not in str(caught.value) and not (tmp_path / "program").exists()


@pytest.mark.parametrize(
    "values",
    [
        {"counts_per_unit": (1.0, 2.0, 3.0)}, {"counts_per_unit": (0.0,)}, {"fs": 0.0}, {"baselines": (40_000,)},
        {"lowest": 5, "highest": 5}, {"fs": float("nan")},
    ],
)  # fmt: skip
def test_a_sensor_that_is_none_is_refused_in_one_line(values, tmp_path):
    with pytest.raises(InputError) as caught:
        generate(model_for({}), tmp_path / "program", sensor=dataclasses.replace(SENSOR, **values))
    assert "\n" not in str(caught.value)


def test_the_queue_takes_what_arrives_during_a_computation_and_counts_what_it_loses(tmp_path):
    program = generate(model_for({}), tmp_path / "program", "small", sensor=SENSOR)
    sources = [str(path) for path in program.folder.glob("*.c") if path.name != "test.c"]
    subprocess.run(["gcc", "-std=c99", "-O2", "-shared", "-fPIC", "-o", str(tmp_path / "app.so"), *sources], check=True)
    library = ctypes.CDLL(str(tmp_path / "app.so"))
    app, answer = ctypes.create_string_buffer(1 << 20), ctypes.create_string_buffer(1 << 10)
    library.small_app_init(app)
    counts = np.ascontiguousarray(counts_with_faults(6000))
    stored = [library.small_app_push(app, row.ctypes.data_as(ctypes.c_void_p)) for row in counts[:300]]
    assert stored == [1] * 256 + [0] * 44
    results = [library.small_app_poll(app, answer) for _ in range(257)]
    assert results[-1] == 0 and set(results[:-1]) <= {1, 2}
    while True:
        library.small_app_push(app, counts[0].ctypes.data_as(ctypes.c_void_p))
        if library.small_app_poll(app, answer) == 2:
            break
    assert int.from_bytes(answer.raw[8:12], "little") & QUALITY["lost"]


def test_an_answer_is_computed_in_slices_that_take_no_sample(tmp_path):
    """As many as there are turns of the steps that need all samples; the samples wait in the queue."""
    program = generate(model_for({}), tmp_path / "program", "small", sensor=SENSOR, hop_s=0.5)
    source = (program.folder / "small.c").read_text()
    slices = source.partition("int small_compute_slice(")[2]
    turns = sum(map(int, re.findall(r"turn < (\d+)\)", slices)))
    count = len(re.findall(r"case \d+:", slices)) - slices.count("turn < ") + turns + 1  # and one that writes outputs
    sources = [str(path) for path in program.folder.glob("*.c") if path.name != "test.c"]
    subprocess.run(["gcc", "-std=c99", "-O2", "-shared", "-fPIC", "-o", str(tmp_path / "app.so"), *sources], check=True)
    library = ctypes.CDLL(str(tmp_path / "app.so"))
    app, answer = ctypes.create_string_buffer(1 << 20), ctypes.create_string_buffer(1 << 10)
    library.small_app_init(app)
    polls = []  # of every sample
    for row in np.ascontiguousarray(counts_with_faults(1500)):
        library.small_app_push(app, row.ctypes.data_as(ctypes.c_void_p))
        results = list(iter(lambda: library.small_app_poll(app, answer), 0))
        polls.append(len(results))
        assert results[0] == 1 and set(results) <= {1, 2}
    assert count >= 3 and set(polls) == {1, 1 + count} and polls.count(1 + count) >= 5


def test_the_header_states_what_firmware_has_to_know(tmp_path):
    data = model_for({}, labels=["AF", "~", "é/x"])
    program = generate(data, tmp_path / "program", "small", sensor=SENSOR)
    header = (program.folder / "small_app.h").read_text()
    for line in (
        "#define SMALL_SENSOR_RATE_HZ 250.0f", '#define SMALL_UNIT "mV"', "#define SMALL_DELAY_SAMPLES 25",
        "SMALL_CLASS_AF = 0,", "SMALL_CLASS_LABEL_1 = 1,", "SMALL_CLASS_X = 2,", read_metadata(data).digest,
        "Counts in 1 mV of each lead: 200, 150; leads: I, II.",
    ):  # fmt: skip
        assert line in header


@pytest.mark.parametrize("hop_s", [None, 0.5])
@pytest.mark.parametrize("sensor_fs", [50.0, 360.0])
def test_the_folder_replays_a_record_and_names_the_first_answer_that_differs(sensor_fs, hop_s, tmp_path):
    sensor = dataclasses.replace(SENSOR, fs=sensor_fs)
    data = model_for({"normalise": "running"})
    folder = generate(data, tmp_path / "program", "small", sensor=sensor, hop_s=hop_s).folder
    flags = f"CFLAGS={SANITIZED} -Wno-unused-function"
    done = subprocess.run(["make", "-C", str(folder), "test", flags], capture_output=True, text=True)
    assert done.returncode == 0 and "answers of the replay are right" in done.stdout, done.stdout + done.stderr
    replay = (folder / "test_replay.h").read_text()
    quality = {int(row.split(",")[2].strip(" u")) for row in replay.splitlines() if row.startswith("    {")}
    assert all(any(flags & QUALITY[name] for flags in quality) for name in ("missing", "saturated", "flat", "warm-up"))
    for name, right, wrong in (
        ("small_app.c", "quality |= UINT32_C(1) << n", "quality |= UINT32_C(2) << n"),
        ("small_app.c", "answer->classes = UINT32_C(1)", "answer->classes = UINT32_C(2)"),
        ("ecg_front_end_kernel.h", "count == ECG_MISSING", "count == 12345"),
    ):
        text = (folder / name).read_text()
        assert right in text, (name, right)
        (folder / name).write_text(text.replace(right, wrong, 1))
        done = subprocess.run(["make", "-C", str(folder), "test", flags], capture_output=True, text=True)
        assert done.returncode != 0 and "of the replay differs: sample" in done.stdout, (name, done.stdout, done.stderr)
        (folder / name).write_text(text)


@pytest.mark.parametrize("form", ["every hop", "whole windows"])
def test_misra_rules_that_are_kept(form, tmp_path):
    """Those that tests/export/c99/test_linking.py names."""
    if shutil.which("cppcheck") is None:
        pytest.skip("cppcheck is not installed")
    data, hop_s = model_for({"normalise": "running"}), 0.5
    if form == "whole windows":
        data, hop_s = altered(model_for({}), window_preprocessing=[{"step": "zscore"}]), None
    folder = generate(data, tmp_path / "program", "small", sensor=SENSOR, hop_s=hop_s).folder
    command = ["cppcheck", "--std=c99", "--addon=misra", "--enable=style", "--inline-suppr", "-q", "small_app.c"]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True).stderr
    assert "misra-c2012-8.9" in found, "the rules are checked"
    assert not re.findall(r".*misra-c2012-(?:10\.1|12\.1|12\.3|17\.2|17\.7)\]", found)


@pytest.mark.slow
def test_an_lstm_and_real_records(real_data, tmp_path):
    import wfdb

    data = model_for({"normalise": "running"}, recurrent)
    for name in ("100", "208"):
        record = wfdb.rdrecord(str(real_data("mitdb") / name), physical=False, sampto=60_000)
        sensor = Sensor(record.fs, tuple(record.adc_gain), tuple(record.baseline), 0, 2047)
        counts = record.d_signal.astype(np.int16)
        expected = run_path(data, sensor, counts)
        assert run_program(data, sensor, counts, tmp_path) == expected and len(expected) > 100
