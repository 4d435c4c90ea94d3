"""Latency and memory of exported models on the machine that runs here.

In every round each model runs with each number of threads in a process of its own, one after the other, so that a clock
that drifts does so for all of them, and so that memory and cold start belong to one model alone. A window is timed from
its integers to the model's integers: state reset, input copied, network run, output copied.
"""
# ruff: noqa: B905 - Python 3.9 has no zip(strict=)

from __future__ import annotations

import contextlib
import ctypes
import datetime
import errno
import json
import os
import platform
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from firmware_bench import machine
from firmware_bench.model_trial import program_path, try_model
from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.metadata import ModelMetadata
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.pip_command import advise_pip
from firmware_bench.runtime.reference_vector import (
    FLOAT_TOLERANCE,
    make_reference_inputs,
    read_recorded_outputs,
    read_reference,
    verify_reference,
)
from firmware_bench.runtime.tflite_model import TFLiteModel, load_runtime
from firmware_bench.runtime.tflite_reader import read_model_file


def reset_peak_memory() -> None:
    """Make the kernel count this process's peak memory from now on, where it can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def read_peak_memory() -> tuple[int, str]:
    """Return the bytes of this process's largest resident set, and the source of the figure."""
    peak = re.search(r"^VmHWM:\s*(\d+) kB", machine.read_text("/proc/self/status") or "", re.MULTILINE)
    if peak:
        return int(peak.group(1)) * 1024, "VmHWM"
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "ru_maxrss, the whole life of the process"


def exit_with_parent() -> None:
    """Make the kernel end this process when its parent process ends, even by a kill."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def measure_model(path: str, threads: int, windows: int, spawned: float) -> dict:
    """Measure one model in this process.

    Args:
        path: The .tflite file.
        threads: Threads of the runtime.
        windows: How many windows to time.
        spawned: When this process was started, as time.monotonic() of the parent.

    Returns:
        Latencies and start times in ms, memory in bytes, and what was used.

    Raises:
        ModelError: The file cannot be loaded, or the reference vector is not reproduced.
    """
    name = load_runtime().version  # its import belongs neither to the load time nor to the model's memory
    reset_peak_memory()
    before, source = read_peak_memory()

    def time_call(function, *arguments):
        begin = time.perf_counter()
        result = function(*arguments)
        return 1e3 * (time.perf_counter() - begin), result

    load, model = time_call(TFLiteModel, path, threads)
    silence = [np.full(tensor.shape, tensor.zero_point, tensor.dtype) for tensor in model.inputs]
    first, _ = time_call(model.run_raw, silence)
    cold_start = 1e3 * (time.monotonic() - spawned)

    kernels = verify_reference(model)
    vectors = make_reference_inputs(model.metadata)
    warm_up, count = time.perf_counter(), 0
    while count < 5 or time.perf_counter() - warm_up < 0.2:  # long enough for a governor to raise the clock
        model.run_raw(vectors[count % len(vectors)])
        count += 1
    began = time.time()
    latencies = [time_call(model.run_raw, vectors[window % len(vectors)])[0] for window in range(windows)]
    return {
        "began": began,
        "cold_start_ms": cold_start,
        "load_ms": load,
        "first_ms": first,
        "latencies_ms": latencies,
        "warm_up": count,
        "memory_before": before,
        "peak_memory": read_peak_memory()[0],
        "memory_source": source,
        "kernels": kernels,
        "runtime": name,
    }


def measure_in_subprocess(path: str, threads: int, windows: int) -> dict:
    """Run `measure_model` in a process of its own.

    Raises:
        ModelError: As `measure_model`, or the process crashes: old runtimes end in a segmentation fault on newer
            models.
    """
    command = [sys.executable, str(program_path()), path, "--threads", str(threads), "--windows", str(windows)]
    ran = subprocess.run([*command, "--worker", repr(time.monotonic())], capture_output=True, text=True)
    if ran.returncode == 2:
        raise ModelError(ran.stderr.strip().splitlines()[-1].replace("error: ", "", 1))
    if ran.returncode:
        how = f"signal {-ran.returncode}" if ran.returncode < 0 else f"exit status {ran.returncode}"
        raise ModelError(f"{path}: {load_runtime().version} crashes on it ({how}): {advise_pip('ai-edge-litert')}")
    return json.loads(ran.stdout)


@contextlib.contextmanager
def lock_machine(report: Callable[[str], None]) -> Iterator[None]:
    """Wait until no other benchmark measures on this machine: two at once would measure each other."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lock:
        waiting = False
        while True:
            try:
                lock.bind("\0ecg-edge-bench")  # a name that the kernel frees when its owner ends, however it ends
            except OSError as error:
                if error.errno != errno.EADDRINUSE:  # a kernel without such names has no lock
                    break
                if not waiting:
                    report("waiting: another benchmark measures on this machine")
                waiting = True
                time.sleep(0.2)
            else:
                break
        yield


def measure_models(
    paths: Sequence[str],
    threads: Sequence[int] = (1,),
    windows: int = 100,
    rounds: int = 5,
    report: Callable[[str], None] = lambda line: None,
) -> dict:
    """Measure every model with every number of threads, in alternation.

    Args:
        paths: The .tflite files.
        threads: Numbers of threads of the runtime.
        windows: Windows to time of each model and number of threads, spread over the rounds.
        rounds: Processes per model and number of threads.
        report: Called with each line of progress.

    Returns:
        The report as plain data; each figure is {"value", "unit", "label"}.

    Raises:
        ModelError: A model cannot be measured.
    """
    pairs = [(path, count) for path in paths for count in threads]
    measured = {pair: [] for pair in pairs}
    runtime = load_runtime().version
    about: dict[str, tuple[ModelMetadata, int]] = {}
    for path in paths:  # an unsuitable file is reported at once, not after the others' first round
        data = read_model_file(path)
        try:
            about[path] = read_metadata(data), len(data)
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from None
        read_recorded_outputs(about[path][0], path)
        try_model(data, path)
    with lock_machine(report):
        before = machine.read_conditions()
        for number in range(rounds):
            for path, count in pairs:
                one = measure_in_subprocess(path, count, -(-windows // rounds))
                state = machine.read_conditions()
                one["temperature_celsius"], one["clock_mhz"] = state["temperature_celsius"], state["clock_mhz"]
                measured[path, count].append(one)
                report(f"round {number + 1} of {rounds}: {os.path.basename(path)}, threads {count}")
        after = machine.read_conditions()
    facts = machine.describe_machine()
    stamp = f"emulated: {facts['emulated']}" if facts["emulated"] else None if facts["arm"] else "not Arm"
    return {
        "format": 2,
        "time": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "stamp": stamp,
        "machine": facts,
        "conditions": {"before": before, "after": after},
        "versions": {"runtime": runtime, "numpy": np.__version__, "python": platform.python_version()},
        "results": [
            {
                "file": os.path.basename(path),
                **_summarise(about[path][0], about[path][1], count, measured[path, count], facts["emulated"]),
            }
            for path, count in pairs
        ],
    }


def _summarise(metadata, size, threads, rounds, emulated):
    """One model (of `size` bytes) with one number of threads: figures, and the rounds they come from."""
    stamp = "emulated" if emulated else "measured"
    floats = any(np.dtype(output.dtype).kind == "f" for output in metadata.outputs)
    reference = read_reference(metadata)
    tolerance = reference.tolerance
    if tolerance is None and floats:
        tolerance = FLOAT_TOLERANCE
    latencies = np.concatenate([one["latencies_ms"] for one in rounds])
    median = float(np.median(latencies))
    # A window's own duration, or a step's; models of beats or RR intervals have none.
    samples = metadata.streaming.step if metadata.streaming else metadata.window.samples
    duration = samples / metadata.fs if samples and metadata.fs else None

    def latency(value, unit="ms"):
        if emulated:
            return {"value": None, "unit": unit, "label": "emulated, withheld"}
        return {"value": value if value is None else float(value), "unit": unit, "label": "measured"}

    def median_of(key):
        return np.median([one[key] for one in rounds])

    def memory(key):
        return {"value": int(median_of(key)), "unit": "bytes", "label": f"{stamp}, {rounds[0]['memory_source']}"}

    figures = {
        "latency, median": latency(median),
        "latency, p90": latency(np.percentile(latencies, 90)),
        "latency, p99": latency(np.percentile(latencies, 99)),
        "latency, worst": latency(latencies.max()),
        "latency, first window": latency(median_of("first_ms")),
        "real-time factor": latency(1e3 * duration / median if duration else None, "s of ECG per s"),
        "load time": latency(median_of("load_ms")),
        "cold start": latency(median_of("cold_start_ms")),
        "peak memory": memory("peak_memory"),
        "memory before the model": memory("memory_before"),
        "model size": {"value": size, "unit": "bytes", "label": "measured"},
    }
    keys = ("began", "cold_start_ms", "load_ms", "first_ms", "latencies_ms", "temperature_celsius", "clock_mhz")
    return {
        "architecture": metadata.architecture or None,
        "preset": metadata.preset or None,
        "threads": threads,
        "reference": {
            "vectors": reference.vectors,
            "kernels": rounds[0]["kernels"],
            "tolerance": tolerance,
        },
        "windows": len(latencies),
        "warm_up": min(one["warm_up"] for one in rounds),
        "figures": figures,
        "rounds": [] if emulated else [{key: one[key] for key in keys} for one in rounds],
    }


def write_outputs(path: str, windows: str, outputs: str, threads: int) -> None:
    """Run a model on the windows of a file and write its raw outputs to another.

    Args:
        path: The .tflite file.
        windows: An .npz file: for every input an array (n, …) of the input's type, named input_0, input_1 …
        outputs: The .npz file to write: for every output an array (n, …) of its type, named output_0, output_1 …
        threads: Threads of the runtime.

    Raises:
        ModelError: The file cannot be loaded, or the reference vector is not reproduced.
    """
    model = TFLiteModel(path, threads)
    verify_reference(model)
    with np.load(windows) as stored:
        inputs = [stored[f"input_{number}"] for number in range(len(model.inputs))]
    results = [model.run_raw([array[n : n + 1] for array in inputs]) for n in range(len(inputs[0]))]
    columns = {f"output_{i}": np.concatenate(raw) for i, raw in enumerate(zip(*results))}
    np.savez(outputs, **columns)  # pyright: ignore[reportArgumentType] - numpy types the arrays by name as bool
