"""The benchmark program: the bundle, the measurement, the report, and errors in one line."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from bench_lines import WAITING, read_line, without_waiting
from loopback import until
from small_models import convolutional

from firmware_bench import bench_rpi, machine, measurement
from firmware_bench.bench_table import format_report
from firmware_bench.runtime.tflite_model import TFLiteModel


def run_bundle(folder, *arguments):
    """The bundle, away from the package."""
    bench_rpi.write_bundle(folder / "bench_rpi.pyz")
    command = [sys.executable, "-I", "bench_rpi.pyz", "--rounds", "2", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_a_file_in_a_checkout_runs_as_well(tmp_path):
    (tmp_path / "model.tflite").write_bytes(convolutional())
    command = [sys.executable, "-I", bench_rpi.__file__, "model.tflite", "--rounds", "1", "--json"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0 and json.loads(ran.stdout)["results"][0]["windows"] == 100


def test_a_file_copied_without_its_package_names_the_command_for_the_bundle(tmp_path):
    shutil.copy(bench_rpi.__file__, tmp_path)
    command = [sys.executable, "-I", "-S", "bench_rpi.py", "model.tflite"]  # -S: without what is installed
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 2 and len(ran.stderr.splitlines()) == 1
    assert "python -m firmware_bench.bench_rpi --bundle bench_rpi.pyz" in ran.stderr


def test_the_bundle_imports_nothing_else_of_this_repository(tmp_path):
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


def test_the_bundle_runs_alone_and_prints_nothing_but_json(tmp_path):
    (tmp_path / "model.tflite").write_bytes(convolutional())
    ran = run_bundle(tmp_path, "model.tflite", "--json", "--windows", "61")
    assert ran.returncode == 0
    assert without_waiting(ran.stderr.splitlines()) == [
        f"round {number} of 2: model.tflite, threads 1" for number in (1, 2)
    ]
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
    lines = []
    paths = [str(tmp_path / name) for name in ("a.tflite", "b.tflite")]
    report = measurement.measure_models(paths, (1, 2), windows=4, rounds=2, report=lines.append)
    pairs = [("a.tflite", 1), ("a.tflite", 2), ("b.tflite", 1), ("b.tflite", 2)]
    assert without_waiting(lines) == [
        f"round {number} of 2: {name}, threads {count}" for number in (1, 2) for name, count in pairs
    ]
    assert [(one["file"], one["threads"]) for one in report["results"]] == pairs
    began = [one["rounds"][number]["began"] for number in (0, 1) for one in report["results"]]
    assert began == sorted(began)
    table = format_report(report)
    assert table.splitlines()[0].split() == ["a.tflite", "a.tflite", "b.tflite", "b.tflite"]


def test_the_table_labels_every_figure(tmp_path):
    (tmp_path / "model.tflite").write_bytes(convolutional(integer=False))
    ran = run_bundle(tmp_path, "model.tflite")
    lines = ran.stdout.splitlines()
    assert ran.returncode == 0 and lines[0].strip() == "model.tflite"
    assert sum("measured" in line for line in lines) == 11


def test_a_second_benchmark_waits_for_the_first(tmp_path):
    (tmp_path / "model.tflite").write_bytes(convolutional())
    lines = []
    with measurement.lock_machine(lines.append):
        bench_rpi.write_bundle(tmp_path / "bench_rpi.pyz")
        second = subprocess.Popen(
            [sys.executable, "bench_rpi.pyz", "model.tflite", "--rounds", "1"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert second.stderr.readline() == f"{WAITING}\n"
        assert second.poll() is None
    out, errors = second.communicate(timeout=60)
    assert (
        second.returncode == 0
        and "latency, median" in out
        and errors.startswith("round 1 of 1")
        and not without_waiting(lines)
    )


def children(pid):
    every = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(child) for child, parent in (line.split() for line in every.splitlines()) if int(parent) == pid]


def test_a_worker_ends_with_its_parent(tmp_path):
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


def test_an_interrupted_benchmark_is_one_line(tmp_path):
    (tmp_path / "model.tflite").write_bytes(convolutional())
    command = [sys.executable, "-u", bench_rpi.__file__, "model.tflite", "--rounds", "50"]
    # Whoever runs the tests in the background has its children ignore Ctrl-C.
    allow = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, **allow) as bench:
        assert read_line(bench.stderr).startswith("round 1 of 50")
        bench.send_signal(signal.SIGINT)
        assert bench.stderr.read().splitlines()[-1] == "error: interrupted"
    assert bench.returncode == 130


def test_outputs_for_given_windows_are_raw(tmp_path):
    (tmp_path / "model.tflite").write_bytes(convolutional())
    windows = np.random.default_rng(0).integers(-128, 128, (3, 256, 2)).astype(np.int8)
    np.savez(tmp_path / "windows.npz", input_0=windows)
    ran = run_bundle(tmp_path, "model.tflite", "--outputs-for", "windows.npz", "--out", "outputs.npz")
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
    ran = run_bundle(tmp_path, "bad.tflite", "--json")
    assert ran.returncode == 2 and ran.stdout == ""
    assert len(ran.stderr.splitlines()) == 1 and message in ran.stderr


def test_fewer_than_50_windows_are_refused(tmp_path):
    assert run_bundle(tmp_path, "model.tflite", "--windows", "49").returncode == 2


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
def test_a_machine_that_is_not_arm_is_labelled(tmp_path, monkeypatch, processor, stamp):
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
