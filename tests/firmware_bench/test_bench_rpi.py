"""The harness for devices: numbers, file, model, proof, machine, report."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from loopback import until
from small_models import LABELS, altered, convolutional, read_json_metadata, recurrent

from firmware_bench import bench_rpi, machine, measurement
from firmware_bench.bench_table import format_report
from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.metadata import ModelMetadata, ReferenceMetadata, Tensor
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.quantisation import dequantise, quantise
from firmware_bench.runtime.reference_vector import make_reference_inputs, verify_reference
from firmware_bench.runtime.tflite_model import TFLiteModel


def test_quantise_rounds_half_away_from_zero_and_clips():
    values = [0.5, -0.5, 1.5, -1.5, 2.4, 1e9, -1e9]
    assert quantise(values, 1.0, 0, "int8").tolist() == [1, -1, 2, -2, 2, 127, -128]
    assert quantise([0.25, -0.25], 0.5, -3, "int8").tolist() == [-2, -4]
    assert quantise([1.0], 0.0001, 0, "int16").tolist() == [10000]
    assert quantise([0.3], 0.0, 0, "float32").dtype == np.float32


@pytest.mark.parametrize("zero_point", [0, -7])
def test_dequantise_undoes_quantise(zero_point):
    integers = np.arange(-128, 128, dtype=np.int8)
    assert np.array_equal(quantise(dequantise(integers, 0.03, zero_point), 0.03, zero_point, "int8"), integers)


def test_metadata_are_read_without_a_flatbuffer_library():
    metadata = read_metadata(convolutional())
    assert metadata.labels == LABELS and metadata.inputs[0].shape == (1, 256, 2)


def test_a_file_of_somebody_else_has_no_metadata_and_cannot_be_verified():
    foreign = altered(convolutional(), reference=None)
    with pytest.raises(ModelError, match="hold no reference vector"):
        verify_reference(TFLiteModel(foreign))
    bare = convolutional().replace(b"ecg_edge", b"gce_edge")
    with pytest.raises(ModelError, match="no ecg_edge metadata"):
        read_metadata(bare)
    model = TFLiteModel(bare)
    assert model.metadata == ModelMetadata() and model.inputs[0].name == "ecg" and model.inputs[0].shape == (1, 256, 2)


def test_truncated_files_are_refused():
    data = convolutional()
    for length in range(0, len(data), 97):
        with pytest.raises(ModelError):
            TFLiteModel(data[:length])


def test_a_flipped_byte_is_refused_before_the_runtime_sees_it():
    data, chance = convolutional(), random.Random(0)
    name = data.index(b"ecg_edge")
    for _ in range(200):
        position = chance.randrange(64, len(data))
        damaged = bytearray(data)
        damaged[position] ^= 1 << chance.randrange(8)
        if name <= position < name + 8:
            continue  # without its name the metadata is somebody else's
        try:
            model = TFLiteModel(bytes(damaged))
        except ModelError:
            continue
        assert model.metadata == ModelMetadata(), f"byte {position} was flipped unnoticed"


@pytest.mark.parametrize("made", [convolutional, pytest.param(recurrent, marks=pytest.mark.slow)])
def test_what_the_runtime_computes_is_proved_for_both_kernel_sets(made):
    assert verify_reference(TFLiteModel(made())) == "optimised"
    assert verify_reference(TFLiteModel(made(), kernels="reference")) == "reference"


def test_another_outcome_than_the_recorded_one_is_refused():
    reference = read_json_metadata(convolutional())["reference"]
    wrong = {kind: [f"{int(out, 16) ^ 1:06x}" for out in outs] for kind, outs in reference["outputs"].items()}
    model = TFLiteModel(altered(convolutional(), reference={**reference, "outputs": wrong}))
    with pytest.raises(ModelError, match=r"pip install ai-edge-litert==2\.3\.0"):
        verify_reference(model)


def test_a_float_model_is_proved_within_its_tolerance():
    model = TFLiteModel(convolutional(integer=False))
    assert model.inputs[0].dtype == "float32" and verify_reference(model) == "optimised"
    reference = read_json_metadata(convolutional(integer=False))["reference"]
    moved = [
        (np.frombuffer(bytes.fromhex(out), "<f4") + 0.01).astype("<f4").tobytes().hex()
        for out in reference["outputs"]["optimised"]
    ]
    other = altered(convolutional(integer=False), reference={**reference, "outputs": {"optimised": moved}})
    with pytest.raises(ModelError, match="does not compute"):
        verify_reference(TFLiteModel(other))


def test_of_many_outputs_so_many_are_compared_as_the_metadata_say():
    data = convolutional(integer=False)
    reference = read_json_metadata(data)["reference"]
    full = reference["outputs"]["optimised"]
    ends = [output[:8] + output[-8:] for output in full]  # of three floats, eight digits each
    fewer = altered(data, reference={**reference, "values": 2, "outputs": {"optimised": ends}})
    assert verify_reference(TFLiteModel(fewer)) == "optimised"
    swapped = [output[-8:] + output[:8] for output in full]
    for values, outputs in ((2, full), (2, swapped), (1, ends), (True, ends), ("2", ends)):
        wrong = altered(data, reference={**reference, "values": values, "outputs": {"optimised": outputs}})
        with pytest.raises(ModelError, match="does not compute|reference.values is"):
            verify_reference(TFLiteModel(wrong))


def with_tolerance(data, tolerance, shift):
    """`data` with a tolerance, and float or integer reference outputs moved by `shift`."""
    reference = read_json_metadata(data)["reference"]
    kind = np.dtype(read_metadata(data).outputs[0].dtype)
    moved = [
        np.concatenate([values[:-1], values[-1:] + kind.type(shift)]).tobytes().hex()
        for values in (np.frombuffer(bytes.fromhex(out), kind) for out in reference["outputs"]["optimised"])
    ]
    return altered(data, reference={**reference, "outputs": {"optimised": moved}, "tolerance": tolerance})


@pytest.mark.parametrize("integer, shift", [(False, 0.04), (True, -2)])
def test_a_tolerance_in_the_metadata_is_absolute_and_in_the_unit_of_the_output(integer, shift):
    data = convolutional(integer=integer)
    difference = abs(shift) * (read_metadata(data).outputs[0].scale if integer else 1)
    assert verify_reference(TFLiteModel(with_tolerance(data, 1.01 * difference, shift))) == "optimised"
    for tolerance in (0.99 * difference, 0, None):
        with pytest.raises(ModelError, match="does not compute"):
            verify_reference(TFLiteModel(with_tolerance(data, tolerance, shift)))


def test_not_a_number_is_within_no_tolerance():
    with pytest.raises(ModelError, match="does not compute"):
        verify_reference(TFLiteModel(with_tolerance(convolutional(integer=False), 1e9, np.nan)))


@pytest.mark.parametrize("tolerance", [-0.1, "0.1", True, [0.1], float("inf")])
def test_a_tolerance_that_is_no_number_is_refused(tolerance):
    with pytest.raises(ModelError, match="tolerance"):
        verify_reference(TFLiteModel(with_tolerance(convolutional(integer=False), tolerance, 0)))


@pytest.mark.slow
def test_state_does_not_reach_the_next_window():
    model = TFLiteModel(recurrent())
    window = make_reference_inputs(model.metadata)[2]
    first = model.run_raw(window)[0]
    assert np.array_equal(model.run_raw(window)[0], first)
    model._interpreter.invoke()  # without a reset
    assert not np.array_equal(model._interpreter.get_tensor(model._out[0]["index"]), first)


def test_run_takes_a_window_or_a_dict_and_refuses_other_shapes():
    model = TFLiteModel(convolutional())
    window = np.random.default_rng(0).normal(size=(256, 2)).astype(np.float32)
    probabilities = model.run(window)
    assert probabilities.shape == (3,) and probabilities.sum() == pytest.approx(1.0, abs=0.02)
    assert np.array_equal(model.run({"ecg": window}), probabilities)
    with pytest.raises(ModelError, match=r"ecg takes \(256, 2\), got \(2, 256\)"):
        model.run(window.T)
    with pytest.raises(ModelError, match="input ecg is missing"):
        model.run({"signal": window})


def reference_value(seed, vectors, samples, leads, rate):
    """The generator as the module's docstring says it, one integer after the other."""
    x = seed

    def draw():
        nonlocal x
        x = (x ^ x << 13) % 2**32
        x = (x ^ x >> 17) % 2**32
        x = (x ^ x << 5) % 2**32
        return x

    for v in range(vectors):
        period = rate * (40 + draw() % 80) // 100
        jitter = period // 2 if v % 2 else 0
        drawn = [draw() for _ in range(leads)]
        noise = [draw() for _ in range(samples)]
        beats, b = [], draw() % period
        while b < samples:
            beats.append(b)
            b += period + draw() % (jitter + 1)
        triangles = ((-(rate // 6), rate // 25 + 1, 10), (0, rate // 25 + 1, 64), (rate // 4, rate // 10 + 1, 16))
        n, values = 1 << (v % 4), []
        for t in range(samples):
            shape = sum(h * max(0, w - abs(t - b - o)) // w for b in beats for o, w, h in triangles)
            for lead in range(leads):
                pulse = (24 + drawn[lead] % 40) * shape // 64
                values.append((-pulse if drawn[lead] >> 16 & 1 else pulse) + (noise[t] >> lead % 16) % (2 * n + 1) - n)
        yield values


@pytest.mark.parametrize("dtype, factor", [("int8", 1), ("int16", 256), ("float32", None)])
def test_reference_inputs_are_what_their_description_says(dtype, factor):
    tensor = Tensor("ecg", (1, 300, 3), dtype, 0.25, 5)
    metadata = ModelMetadata(fs=250.0, inputs=(tensor,), reference=ReferenceMetadata(seed=7, vectors=4))
    made = make_reference_inputs(metadata)
    for (array,), values in zip(made, reference_value(7, 4, 300, 3, 250), strict=True):
        assert array.shape == (1, 300, 3) and array.dtype == dtype
        if factor is None:
            assert array.ravel().tolist() == [0.25 * value for value in values]
        else:
            limits = np.iinfo(dtype)
            expected = np.clip(np.array(values) * factor + 5, limits.min, limits.max)
            assert array.ravel().tolist() == expected.tolist()
            assert np.mean((array == limits.min) | (array == limits.max)) < 0.01


@pytest.mark.parametrize(
    "processor, cpuinfo, modalias, executable, emulated",
    [
        ("x86_64", "vendor_id : GenuineIntel", "cpu:type:x86,ven0000", "/usr/bin/python3.11", False),
        ("aarch64", "CPU part : 0xd08", "", "/usr/bin/python3.11", False),
        ("aarch64", "CPU part : 0xd08", "", "/usr/bin/qemu-aarch64-static", True),
        ("aarch64", "vendor_id : AuthenticAMD", "", "/usr/bin/python3.11", True),
        ("aarch64", "", "cpu:type:x86,ven0002", "/usr/bin/python3.11", True),
        ("aarch64", "CPU part : 0xd08", "", "", True),
        ("x86_64", "", "", "", False),
        ("x86_64", "model name : QEMU TCG CPU version 2.5+", "", "/usr/bin/python3.11", True),
    ],
)
def test_emulated_processors_are_recognised(processor, cpuinfo, modalias, executable, emulated):
    assert bool(machine.detect_emulation(processor, cpuinfo, modalias, executable)) is emulated


def test_arm_cores_are_named_by_their_part_number():
    assert machine.parse_cpu_model("processor : 0\nCPU part\t: 0xd0b\n") == "Cortex-A76"
    assert machine.parse_cpu_model("model name\t: Intel(R) N100\n") == "Intel(R) N100"


def test_throttling_is_told_in_words(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    tool = tmp_path / "vcgencmd"
    tool.write_text("#!/bin/sh\necho throttled=0x50001\n")
    tool.chmod(0o755)
    assert machine.read_throttling() == "under-voltage, throttled since boot"


@pytest.mark.parametrize(
    "told, expected",
    [
        ({}, None),
        ({"devices/platform/soc*/soc*:firmware/get_throttled": ["50005"]}, "under-voltage, throttled"),
        ({"class/hwmon/hwmon*/in0_lcrit_alarm": ["1"]}, "under-voltage"),
        ({"class/hwmon/hwmon*/in0_lcrit_alarm": ["0"]}, "none"),
        (
            {
                "class/thermal/cooling_device*/type": ["pwm-fan", "cpufreq-cpu0"],
                "class/thermal/cooling_device*/cur_state": ["3", "2"],
            },
            "throttled",
        ),
        (
            {
                "class/thermal/cooling_device*/type": ["pwm-fan", "cpufreq-cpu0"],
                "class/thermal/cooling_device*/cur_state": ["3", "0"],
            },
            "none",
        ),
        ({"class/thermal/cooling_device*/type": ["pwm-fan"], "class/thermal/cooling_device*/cur_state": ["1"]}, None),
    ],
)
def test_without_vcgencmd_the_kernel_is_asked(tmp_path, monkeypatch, told, expected):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(machine, "_read_matches", lambda pattern: told.get(pattern, []))
    assert machine.read_throttling() == expected


@pytest.mark.parametrize(
    "status, online, expected",
    [([], [], None), (["Discharging"], ["0"], "battery"), (["Charging"], ["1"], "mains"), ([], ["0"], None)],
)
def test_battery_or_mains(monkeypatch, status, online, expected):
    told = {"class/power_supply/*/status": status, "class/power_supply/*/online": online}
    monkeypatch.setattr(machine, "_read_matches", told.__getitem__)
    assert machine.read_power_source() == expected


def test_conditions_are_in_the_units_that_they_are_named_by(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    cpu = "/sys/devices/system/cpu/cpu0/cpufreq"
    files = {
        f"{cpu}/scaling_cur_freq": "1800457",
        f"{cpu}/scaling_governor": "ondemand",
        "/sys/class/thermal/thermal_zone0/temp": "48686",
    }
    monkeypatch.setattr(machine, "read_text", files.get)
    monkeypatch.setattr(machine, "_read_matches", lambda pattern: [])
    assert machine.read_conditions() == {
        "governor": "ondemand",
        "clock_mhz": 1800,
        "temperature_celsius": 48.7,
        "throttling": None,
        "power": None,
    }


def run_alone(folder, *arguments):
    """The harness as a copied file, far from the package."""
    bench_rpi.write_bundle(folder / "bench_rpi.pyz")
    command = [sys.executable, "-I", "bench_rpi.pyz", "--rounds", "2", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_a_file_in_a_checkout_runs_as_well(tmp_path):
    (tmp_path / "model.tflite").write_bytes(convolutional())
    command = [sys.executable, "-I", bench_rpi.__file__, "model.tflite", "--rounds", "1", "--json"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0 and json.loads(ran.stdout)["results"][0]["windows"] == 100


def test_a_file_copied_without_its_package_says_how_to_make_the_bundle(tmp_path):
    shutil.copy(bench_rpi.__file__, tmp_path)
    command = [sys.executable, "-I", "-S", "bench_rpi.py", "model.tflite"]  # -S: without what is installed
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 2 and len(ran.stderr.splitlines()) == 1
    assert "python -m firmware_bench.bench_rpi --bundle bench_rpi.pyz" in ran.stderr


def test_the_bundle_is_made_on_the_command_line_and_imports_nothing_else_of_this_repository(tmp_path):
    command = [sys.executable, "-m", "firmware_bench.bench_rpi", "--bundle", tmp_path / "bench_rpi.pyz"]
    subprocess.run(command, check=True)
    (tmp_path / "model.tflite").write_bytes(convolutional())
    program = (
        "import runpy, sys; sys.argv = ['bench_rpi.pyz', 'model.tflite', '--rounds', '1']\n"
        "try: runpy.run_path('bench_rpi.pyz', run_name='__main__')\n"
        "except SystemExit as end: assert end.code == 0\n"
        "for name, module in sys.modules.items():\n"
        "    if name.split('.')[0] in ('firmware_bench', 'ecg_edge', 'export', 'models_keras'):\n"
        "        assert 'bench_rpi.pyz' in module.__file__, name\n"
    )
    ran = subprocess.run([sys.executable, "-I", "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "latency, median" in ran.stdout


def test_the_file_stands_alone_and_prints_nothing_but_json(tmp_path):
    (tmp_path / "model.tflite").write_bytes(convolutional())
    ran = run_alone(tmp_path, "model.tflite", "--json", "--windows", "61")
    assert ran.returncode == 0
    assert ran.stderr.splitlines() == [f"round {number} of 2: model.tflite, threads 1" for number in (1, 2)]
    report = json.loads(ran.stdout)
    (result,) = report["results"]
    figures, rounds = result["figures"], result["rounds"]
    latencies = np.concatenate([one["latencies_ms"] for one in rounds])
    assert [len(one["latencies_ms"]) for one in rounds] == [31, 31] and result["windows"] == 62
    for name, quantile in {"median": 50, "p90": 90, "p99": 99, "worst": 100}.items():
        assert figures[f"latency, {name}"]["value"] == pytest.approx(np.percentile(latencies, quantile)), name
    median, load, cold = (figures[name]["value"] for name in ("latency, median", "load time", "cold start"))
    assert median > 0 and 0 < load < cold < 60_000 and result["warm_up"] >= 5
    assert figures["real-time factor"]["value"] == pytest.approx(2.56 / median * 1e3)
    assert figures["model size"] == {"value": len(convolutional()), "unit": "bytes", "label": "measured"}
    assert 10e6 < figures["memory before the model"]["value"] <= figures["peak memory"]["value"] < 500e6
    assert all(figure["label"].startswith("measured") for figure in figures.values())
    assert result["reference"] == {"vectors": 4, "kernels": "optimised", "tolerance": None}
    assert report["conditions"].keys() == {"before", "after"} and report["machine"]["cores"] == os.cpu_count()


def test_the_cold_start_counts_from_the_start_of_the_process(tmp_path):
    (tmp_path / "model.tflite").write_bytes(convolutional())
    one = measurement.measure_model(str(tmp_path / "model.tflite"), 1, 5, time.monotonic() - 100)
    assert 100_000 < one["cold_start_ms"] < 160_000 and len(one["latencies_ms"]) == 5


@pytest.mark.slow
def test_models_and_threads_are_measured_in_alternation(tmp_path):
    (tmp_path / "a.tflite").write_bytes(convolutional())
    (tmp_path / "b.tflite").write_bytes(convolutional(integer=False))
    said = []
    paths = [str(tmp_path / name) for name in ("a.tflite", "b.tflite")]
    report = measurement.measure_models(paths, (1, 2), windows=4, rounds=2, report=said.append)
    pairs = [("a.tflite", 1), ("a.tflite", 2), ("b.tflite", 1), ("b.tflite", 2)]
    assert said == [f"round {number} of 2: {name}, threads {count}" for number in (1, 2) for name, count in pairs]
    assert [(one["file"], one["threads"]) for one in report["results"]] == pairs
    began = [one["rounds"][number]["began"] for number in (0, 1) for one in report["results"]]
    assert began == sorted(began)
    table = format_report(report)
    assert table.splitlines()[0].split() == ["a.tflite", "a.tflite", "b.tflite", "b.tflite"]


def test_the_table_labels_every_figure(tmp_path):
    (tmp_path / "model.tflite").write_bytes(convolutional(integer=False))
    ran = run_alone(tmp_path, "model.tflite")
    lines = ran.stdout.splitlines()
    assert ran.returncode == 0 and lines[0].strip() == "model.tflite"
    assert sum("measured" in line for line in lines) == 11


def test_two_benches_do_not_measure_each_other(tmp_path):
    (tmp_path / "model.tflite").write_bytes(convolutional())
    said = []
    with measurement.lock_machine(said.append):
        bench_rpi.write_bundle(tmp_path / "bench_rpi.pyz")
        second = subprocess.Popen(
            [sys.executable, "bench_rpi.pyz", "model.tflite", "--rounds", "1"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert second.stderr.readline() == "waiting: another benchmark measures on this machine\n"
        assert second.poll() is None
    out, errors = second.communicate(timeout=60)
    assert second.returncode == 0 and "latency, median" in out and errors.startswith("round 1 of 1") and said == []


def children(pid):
    every = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(child) for child, parent in (line.split() for line in every.splitlines()) if int(parent) == pid]


def test_a_worker_ends_with_the_process_that_started_it(tmp_path):
    (tmp_path / "model.tflite").write_bytes(convolutional())
    command = [sys.executable, bench_rpi.__file__, "model.tflite", "--windows", "100000000"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as bench:
        until(lambda: children(bench.pid), "no worker begins")
        (worker,) = children(bench.pid)
        until(lambda: b"ai_edge_litert" in Path(f"/proc/{worker}/maps").read_bytes(), "the worker does not load it")
        bench.kill()
    until(lambda: not is_running(worker), "the worker runs on")


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_an_interrupted_bench_says_so_in_one_line(tmp_path):
    (tmp_path / "model.tflite").write_bytes(convolutional())
    command = [sys.executable, "-u", bench_rpi.__file__, "model.tflite", "--rounds", "50"]
    # Whoever runs the tests in the background has its children ignore Ctrl-C.
    allow = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, **allow) as bench:
        assert bench.stderr.readline().startswith("round 1 of 50")
        bench.send_signal(signal.SIGINT)
        assert bench.stderr.read().splitlines()[-1] == "error: interrupted"
    assert bench.returncode == 130


def test_outputs_for_given_windows_are_raw(tmp_path):
    (tmp_path / "model.tflite").write_bytes(convolutional())
    windows = np.random.default_rng(0).integers(-128, 128, (3, 256, 2)).astype(np.int8)
    np.savez(tmp_path / "windows.npz", input_0=windows)
    ran = run_alone(tmp_path, "model.tflite", "--outputs-for", "windows.npz", "--out", "outputs.npz")
    assert ran.returncode == 0 and ran.stdout == ran.stderr == ""
    outputs = np.load(tmp_path / "outputs.npz")["output_0"]
    model = TFLiteModel(convolutional())
    assert outputs.tobytes() == b"".join(model.run_raw([window[None]])[0].tobytes() for window in windows)


def test_a_missing_numpy_is_one_line(tmp_path):
    (tmp_path / "numpy.py").write_text("raise ModuleNotFoundError(name='numpy')")
    bench_rpi.write_bundle(tmp_path / "bench_rpi.pyz")
    command = [sys.executable, tmp_path / "bench_rpi.pyz", "model.tflite"]
    ran = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
    assert ran.returncode == 2 and ran.stderr == "error: numpy is not installed: python3 -m pip install numpy\n"


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "No such file"),
        (b"no model", "not a TensorFlow Lite file"),
        (convolutional, "damaged"),
    ],
)
def test_a_bad_file_is_one_line_and_exit_status_2(tmp_path, content, message):
    if content:
        (tmp_path / "bad.tflite").write_bytes(content()[:3000] if callable(content) else content)
    ran = run_alone(tmp_path, "bad.tflite", "--json")
    assert ran.returncode == 2 and ran.stdout == ""
    assert len(ran.stderr.splitlines()) == 1 and message in ran.stderr


def test_fewer_than_50_windows_are_refused(tmp_path):
    assert run_alone(tmp_path, "model.tflite", "--windows", "49").returncode == 2


def test_times_of_an_emulated_machine_are_withheld(tmp_path, monkeypatch):
    path = tmp_path / "model.tflite"
    path.write_bytes(convolutional())
    monkeypatch.setattr(machine, "detect_emulation", lambda *facts: "runs under qemu-aarch64")
    report = measurement.measure_models([str(path)], rounds=1)
    (result,) = report["results"]
    figures = result["figures"]
    assert report["stamp"] == "emulated: runs under qemu-aarch64" and result["rounds"] == []
    assert figures.pop("model size")["label"] == "measured"
    timed = [figure for figure in figures.values() if figure["unit"] != "bytes"]
    assert len(timed) == 8 and all(figure["value"] is None for figure in timed)
    assert all(figure["label"].startswith("emulated") for figure in figures.values())
    assert "runs under qemu-aarch64" in format_report(report)


@pytest.mark.parametrize("processor, stamp", [("x86_64", "not Arm"), ("aarch64", None), ("armv7l", None)])
def test_a_machine_that_is_no_arm_is_stamped(tmp_path, monkeypatch, processor, stamp):
    path = tmp_path / "model.tflite"
    path.write_bytes(convolutional())
    monkeypatch.setattr(machine.platform, "machine", lambda: processor)
    monkeypatch.setattr(machine, "detect_emulation", lambda *facts: None)
    assert measurement.measure_models([str(path)], rounds=1)["stamp"] == stamp


def test_a_runtime_that_crashes_is_one_line(tmp_path):
    (tmp_path / "model.tflite").write_bytes(convolutional())
    (tmp_path / "ai_edge_litert").mkdir()
    (tmp_path / "ai_edge_litert" / "__init__.py").write_text("__version__ = '0.1'")
    (tmp_path / "ai_edge_litert" / "interpreter.py").write_text(
        "import enum, os, signal\n"
        "OpResolverType = enum.Enum('OpResolverType', 'AUTO BUILTIN_REF')\n"
        "Interpreter = lambda **arguments: os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    bench_rpi.write_bundle(tmp_path / "bench_rpi.pyz")
    ran = subprocess.run(
        [sys.executable, "bench_rpi.pyz", "model.tflite"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 2 and len(ran.stderr.splitlines()) == 1
    assert "ai-edge-litert 0.1 crashes on it (signal 11)" in ran.stderr
