#!/usr/bin/env python3
# ruff: noqa: B905, UP033 - Python 3.9, which old Raspberry Pi images have, knows no zip(strict=)
"""Measure an exported ECG model on the machine this runs on. One file: copy it to a Raspberry Pi beside the model.

    python3 bench_rpi.py model.tflite [--threads N] [--windows 50] [--json]

Needs Python 3.9 or later, numpy and a TensorFlow Lite runtime: ai-edge-litert, tflite-runtime or tensorflow, the first
that can be imported. The model must carry its reference vector: nothing is reported about a runtime that computes
something else. A window is timed from its integers to the model's integers: state reset, input copied, network run,
output copied.

The reference input, in integer arithmetic only, so that a device can make it again in C. x is a 32-bit number, seed at
the start, and `draw` is Marsaglia's xorshift32: x ^= x << 13; x ^= x >> 17; x ^= x << 5; the draw is the new x.
For every vector v = 0, 1, …, and for every input in the file's order, as samples × leads (axes 1 and 2 …):

    rate = the sampling rate in Hz, rounded down, at least 50
    period = rate * (40 + draw % 80) / 100                      integer division everywhere
    jitter = period / 2 for an odd v, else 0
    for every lead: a draw d; height = 24 + d % 40, negative where bit 16 of d is set
    for every sample: a draw, noise[sample] = that draw
    beats at b = draw % period, then b += period + draw % (jitter + 1), while b < samples
    shape[t] = sum over the beats of three triangles  h * max(0, w - |t - b - o|) / w  with (o, w, h) =
        (-rate/6, rate/25 + 1, 10), (0, rate/25 + 1, 64), (rate/4, rate/10 + 1, 16)     P wave, QRS complex, T wave
    n = 1 << (v % 4)
    value = sign * (|height| * shape[t] / 64) + (noise[t] >> (lead % 16)) % (2 * n + 1) - n

The input is value + zero_point (int8, uint8), 256 * value + zero_point (int16), both clipped to the type's range, or
value * scale (float32; scale 1/32 where the metadata records none).
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import hashlib
import importlib
import json
import os
import platform
import re
import resource
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

RUNTIMES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter", "tensorflow.lite.python.interpreter")
UNSEALED = "0" * 64  # stands in the metadata for the digest while the digest is computed
FLOAT_TOLERANCE = 1e-4  # float outputs may differ by this much between processors; integers not at all


class ModelError(Exception):
    """A model file, or a runtime, that cannot be used. The message is one line."""

    exit_status = 2


# ------------------------------------------------------------------------------------------------ numbers


def quantise(values, scale: float, zero_point: int, dtype) -> np.ndarray:
    """Finite real values → integers of `dtype`, rounded half away from zero and clipped as TensorFlow Lite does.
    Scale 0 says that the tensor is not quantised: the values are only cast."""
    if not scale:
        return np.asarray(values).astype(dtype)
    ratio = (np.asarray(values, np.float32) / np.float32(scale)).astype(np.float64)
    rounded = np.copysign(np.floor(np.abs(ratio) + 0.5), ratio) + zero_point
    limits = np.iinfo(dtype)
    return np.clip(rounded, limits.min, limits.max).astype(dtype)


def dequantise(values, scale: float, zero_point: int) -> np.ndarray:
    """Integers → float32 real values; scale 0 says that the tensor is not quantised."""
    values = np.asarray(values)
    if not scale:
        return values.astype(np.float32)
    return (values.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)


# ------------------------------------------------------------------------------------------------ the file


class Table:
    """A table of a FlatBuffer. Fields are numbered as in the schema; an absent one reads as 0, None or empty."""

    def __init__(self, data: bytes, position: int):
        self.data, self.position = data, position
        self.vtable = position - self._unpack("<i", position)

    @classmethod
    def root(cls, data: bytes) -> Table:
        return cls(data, struct.unpack_from("<I", data)[0])

    def _unpack(self, form, position):
        if not 0 <= position <= len(self.data) - struct.calcsize(form):
            raise ModelError("the file is damaged: it points beyond its end")
        return struct.unpack_from(form, self.data, position)[0]

    def _field(self, number):
        slot = 4 + 2 * number
        offset = self._unpack("<H", self.vtable + slot) if slot < self._unpack("<H", self.vtable) else 0
        return self.position + offset if offset else None

    def integer(self, number: int) -> int:
        """A uint32 field."""
        field = self._field(number)
        return 0 if field is None else self._unpack("<I", field)

    def table(self, number: int) -> Table | None:
        field = self._field(number)
        return None if field is None else Table(self.data, field + self._unpack("<I", field))

    def span(self, number: int, size: int = 1) -> range:
        """Where the elements of a vector (of `size` bytes each) or of a string begin."""
        field = self._field(number)
        if field is None:
            return range(0)
        start = field + self._unpack("<I", field)
        stop = start + 4 + size * self._unpack("<I", start)
        if stop > len(self.data):
            raise ModelError("the file is damaged: it points beyond its end")
        return range(start + 4, stop, size)

    def bytes(self, number: int) -> bytes:
        span = self.span(number)
        return self.data[span.start : span.stop]

    def tables(self, number: int) -> list[Table]:
        return [Table(self.data, place + self._unpack("<I", place)) for place in self.span(number, 4)]


def model_table(data: bytes) -> Table:
    """The root of a TensorFlow Lite file, whose buffers are seen to be whole. ModelError for anything else."""
    if data[4:8] != b"TFL3":
        raise ModelError("this is not a TensorFlow Lite file")
    model = Table.root(data)
    for buffer in model.tables(4):
        buffer.span(0)
    if not model.tables(2):
        raise ModelError("the file is damaged: it holds no graph")
    return model


def read_metadata(data: bytes) -> dict:
    """What an exported model says of itself. ModelError for a file that is damaged or not ours."""
    metadata = _metadata(model_table(data))
    if not metadata:
        raise ModelError("the file carries no ecg_edge metadata: export it with ecg-edge export")
    return metadata


def _metadata(model):
    for entry in model.tables(6):
        if entry.bytes(0) == b"ecg_edge":
            try:
                metadata = json.loads(model.tables(4)[entry.integer(1)].bytes(0))
                digest = metadata.get("digest", "")
            except (AttributeError, IndexError, ValueError):
                raise ModelError("the file is damaged: its ecg_edge metadata are unreadable") from None
            if digest and digest != _digest(model.data.replace(digest.encode(), UNSEALED.encode(), 1)):
                raise ModelError("the file is damaged: its bytes do not match its own digest; copy it again")
            return metadata
    return {}


def seal(data: bytes) -> bytes:
    """An exported file whose metadata say "digest": UNSEALED → the file with its digest (SHA-256 of `data`) there.

    A runtime may crash on a damaged file, or predict nonsense; with the digest a damaged file is refused before.
    """
    return data.replace(UNSEALED.encode(), _digest(data).encode(), 1)


def _digest(data):
    return hashlib.sha256(data).hexdigest()


# ------------------------------------------------------------------------------------------------ the model


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or output: `shape` with the batch axis, `dtype` as numpy names it, scale 0 where not quantised."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


@functools.lru_cache(maxsize=None)
def runtime():
    """(Interpreter, OpResolverType, "package version") of the first runtime that can be imported."""
    for name in RUNTIMES:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        package = name.split(".")[0]
        version = importlib.import_module(package).__version__
        return module.Interpreter, module.OpResolverType, f"{package.replace('_', '-')} {version}"
    raise ModelError("no TensorFlow Lite runtime here: python3 -m pip install ai-edge-litert")


@contextlib.contextmanager
def _quiet():
    """The runtime's own notes ("INFO: Created TensorFlow Lite XNNPACK delegate") stay off stderr; errors are raised."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


class TFLiteModel:
    """A model ready to run. `kernels`: "optimised" as the runtime chooses, or "reference", the plain C++ ones that
    TensorFlow Lite Micro equals. ModelError when the runtime cannot take the file."""

    def __init__(self, source: str | os.PathLike | bytes, threads: int = 1, kernels: str = "optimised"):
        self.name = "model" if isinstance(source, bytes) else os.fspath(source)
        try:
            data = source if isinstance(source, bytes) else Path(source).read_bytes()
        except OSError as error:
            raise ModelError(f"{self.name}: {error.strerror}") from None
        try:
            self.metadata = _metadata(model_table(data))
        except ModelError as error:
            raise ModelError(f"{self.name}: {error}") from None

        interpreter, resolver, self.runtime = runtime()
        self.kernels = kernels
        choice = {"optimised": resolver.AUTO, "reference": resolver.BUILTIN_REF}[kernels]
        try:
            with _quiet():
                self._interpreter = interpreter(
                    model_content=data, num_threads=threads, experimental_op_resolver_type=choice
                )
                self._interpreter.allocate_tensors()
            self._in, self._out = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{self.name}: {self.runtime} cannot load it: {' '.join(str(error).split())}") from None
        self.inputs = self._tensors(self._in, "inputs")
        self.outputs = self._tensors(self._out, "outputs")

    def _tensors(self, details, kind):
        names = [tensor.get("name", "") for tensor in self.metadata.get(kind, ())]
        if len(names) != len(details):  # a file of somebody else: "serving_default_ecg:0" is "ecg"
            names = [detail["name"].replace("serving_default_", "").split(":")[0] for detail in details]
        return [
            Tensor(
                name,
                tuple(int(n) for n in detail["shape"]),
                np.dtype(detail["dtype"]).name,
                float(detail["quantization"][0]),
                int(detail["quantization"][1]),
            )
            for name, detail in zip(names, details)
        ]

    def run_raw(self, arrays) -> list[np.ndarray]:
        """One window: arrays of the inputs' shapes and types, in order → copies of the outputs. No state of the
        window before is left: the variables of LSTMs are reset first."""
        self._interpreter.reset_all_variables()
        try:
            for array, detail in zip(arrays, self._in):
                self._interpreter.set_tensor(detail["index"], array)
            self._interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{self.name}: {' '.join(str(error).split())}") from None
        return [self._interpreter.get_tensor(detail["index"]) for detail in self._out]

    def run(self, window):
        """float32 (samples, leads), or a dict of arrays by input name for a model of several inputs → float32 output
        without the batch axis, or a dict by output name for a model of several outputs."""
        if not isinstance(window, dict):
            window = {self.inputs[0].name: window}
        arrays = []
        for tensor in self.inputs:
            if tensor.name not in window:
                raise ModelError(f"{self.name}: input {tensor.name} is missing")
            values = np.asarray(window[tensor.name], np.float32)
            if values.shape != tensor.shape[1:]:
                raise ModelError(f"{self.name}: input {tensor.name} takes {tensor.shape[1:]}, got {values.shape}")
            arrays.append(quantise(values[None], tensor.scale, tensor.zero_point, tensor.dtype))
        values = {
            tensor.name: dequantise(raw[0], tensor.scale, tensor.zero_point)
            for tensor, raw in zip(self.outputs, self.run_raw(arrays))
        }
        return values if len(values) > 1 else next(iter(values.values()))


# ------------------------------------------------------------------------------------------------ the proof


def _triangle(shape, centre, width, height):
    """Add a triangle to `shape`, integers (samples,), as far as it lies within."""
    start, stop = max(0, centre - width + 1), min(len(shape), centre + width)
    if start < stop:
        shape[start:stop] += height * (width - abs(np.arange(start, stop) - centre)) // width


def reference_inputs(metadata: dict) -> list[list[np.ndarray]]:
    """The inputs of the reference vectors, per vector and input: ECG-like pulses and noise, as described above."""
    try:
        reference, inputs, rate = metadata["reference"], metadata["inputs"], max(50, int(metadata.get("fs") or 0))
        x = int(reference["seed"]) & 0xFFFFFFFF or 1  # xorshift never leaves 0
        vectors = range(reference["vectors"])
        tensors = [(tuple(t["shape"]), np.dtype(t["dtype"]), t["scale"], t["zero_point"]) for t in inputs]
    except (LookupError, TypeError, ValueError) as error:
        raise ModelError(f"the metadata do not describe the reference inputs: {error!r}") from None

    def draw():
        nonlocal x
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        return x

    def values(vector, samples, leads):
        period = rate * (40 + draw() % 80) // 100
        jitter = period // 2 if vector % 2 else 0
        heights = np.array([(24 + d % 40) * (-1 if d >> 16 & 1 else 1) for d in (draw() for _ in range(leads))])
        noise = np.array([draw() for _ in range(samples)], np.int64)
        shape = np.zeros(samples, np.int64)
        beat = draw() % period
        while beat < samples:
            _triangle(shape, beat - rate // 6, rate // 25 + 1, 10)
            _triangle(shape, beat, rate // 25 + 1, 64)
            _triangle(shape, beat + rate // 4, rate // 10 + 1, 16)
            beat += period + draw() % (jitter + 1)
        n = 1 << vector % 4
        pulses = np.sign(heights) * (abs(heights) * shape[:, None] // 64)  # (samples, leads)
        return pulses + (noise[:, None] >> np.arange(leads) % 16) % (2 * n + 1) - n

    def array(vector, shape, dtype, scale, zero_point):
        samples = shape[1] if len(shape) > 1 else 1
        signal = values(vector, samples, int(np.prod(shape[2:]))).reshape(shape)
        if dtype.kind == "f":
            return (signal * np.float32(scale or 1 / 32)).astype(dtype)
        limits = np.iinfo(dtype)
        signal = signal * (256 if dtype.itemsize > 1 else 1) + zero_point
        return np.clip(signal, limits.min, limits.max).astype(dtype)

    return [[array(vector, *tensor) for tensor in tensors] for vector in vectors]


def reference_outputs(model: TFLiteModel) -> list[str]:
    """What the model answers to its reference inputs: per vector the bytes of all outputs in order, as hex."""
    return [
        b"".join(np.ascontiguousarray(raw).tobytes() for raw in model.run_raw(arrays)).hex()
        for arrays in reference_inputs(model.metadata)
    ]


def verify(model: TFLiteModel) -> str:
    """Which set of recorded outputs the model reproduces here: "optimised" or "reference". ModelError when neither."""
    recorded = _recorded(model)
    outputs = reference_outputs(model)
    kinds = [kind for kind in ("optimised", "reference") if kind in recorded]
    for kind in sorted(kinds, key=lambda kind: kind != model.kernels):  # its own kernels' outputs first
        if len(recorded[kind]) == len(outputs) and all(
            _same(model, ours, theirs) for ours, theirs in zip(outputs, recorded[kind])
        ):
            return kind
    version = model.metadata.get("versions", {}).get("ai-edge-litert")
    package = "ai-edge-litert" + (f"=={version}" if version else "")
    raise ModelError(
        f"{model.name}: {model.runtime} does not compute the recorded reference vector, so its figures "
        f"would be another model's: python3 -m pip install {package}, or copy a damaged file again"
    )


def _recorded(model):
    outputs = model.metadata.get("reference", {}).get("outputs")
    if not outputs:
        raise ModelError(
            f"{model.name}: its metadata hold no reference vector, so nothing proves that what runs here "
            "is the model: export it with ecg-edge export"
        )
    return outputs


def _same(model, ours, theirs):
    """Whether two outputs in hex are equal: to the byte in integers, within FLOAT_TOLERANCE in floats."""
    try:
        ours, theirs = bytes.fromhex(ours), bytes.fromhex(theirs)
    except ValueError:
        return False
    if len(ours) != len(theirs):
        return False
    start = 0
    for tensor in model.outputs:
        dtype = np.dtype(tensor.dtype)
        stop = start + int(np.prod(tensor.shape)) * dtype.itemsize
        a, b = (np.frombuffer(side[start:stop], dtype.newbyteorder("<")) for side in (ours, theirs))
        if not (np.allclose(a, b, FLOAT_TOLERANCE, FLOAT_TOLERANCE) if dtype.kind == "f" else np.array_equal(a, b)):
            return False
        start = stop
    return True


# ------------------------------------------------------------------------------------------------ the machine


def _read(path):
    """The text of a file of /proc or /sys; None where there is none."""
    try:
        return Path(path).read_text(errors="replace").strip("\0\n ")
    except OSError:
        return None


ARM_CORES = {  # by the part number in /proc/cpuinfo: Raspberry Pi 1 and Zero, 2, 3 and Zero 2, 4, 5
    "0xb76": "ARM1176",
    "0xc07": "Cortex-A7",
    "0xd03": "Cortex-A53",
    "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76",
}
THROTTLING = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "near its temperature limit"}


def cpu_model(cpuinfo: str) -> str:
    """The processor's name out of /proc/cpuinfo, which on Arm has only its part number."""
    named = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    part = re.search(r"^CPU part\s*:\s*(\w+)$", cpuinfo, re.MULTILINE)
    if part:
        return ARM_CORES.get(part.group(1), f"Arm part {part.group(1)}")
    return named.group(1).strip() if named else platform.processor() or platform.machine()


def throttling() -> str | None:
    """What a Raspberry Pi's firmware says of its power and temperature since it booted; None on other machines."""
    try:
        answer = subprocess.run(["vcgencmd", "get_throttled"], capture_output=True, text=True, timeout=5).stdout
        bits = int(answer.strip().split("=")[1], 16)
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return None
    now = [word for bit, word in THROTTLING.items() if bits >> bit & 1]
    before = [f"{word} since boot" for bit, word in THROTTLING.items() if bits >> bit + 16 & 1 and word not in now]
    return ", ".join(now + before) or "none"


def emulation(machine: str, cpuinfo: str, modalias: str, executable: str) -> str | None:
    """Why this machine's times would mean nothing: a processor that is simulated by another. None on a real one."""
    x86 = machine.lower() in ("x86_64", "amd64", "i386", "i686")
    if "qemu" in os.path.basename(executable).lower():  # qemu-user hides itself in /proc/self, not in thread-self
        return f"runs under {os.path.basename(executable)}"
    if re.search(r"QEMU (TCG|Virtual) CPU", cpuinfo):
        return "the processor is QEMU's"
    if not x86 and ("vendor_id" in cpuinfo or "type:x86" in modalias):
        return f"claims to be {machine} on an x86 processor"
    return None


def describe_machine() -> dict:
    """What a reader has to know of the machine to read its figures. None: this machine does not tell."""
    cpuinfo = _read("/proc/cpuinfo") or ""
    temperature = _read("/sys/class/thermal/thermal_zone0/temp")
    try:
        executable = os.readlink("/proc/thread-self/exe")
    except OSError:
        executable = ""
    modalias = _read("/sys/devices/system/cpu/modalias") or ""
    os_name = re.search(r'^PRETTY_NAME="?([^"\n]*)', _read("/etc/os-release") or "", re.MULTILINE)
    return {
        "board": _read("/proc/device-tree/model"),
        "cpu": cpu_model(cpuinfo),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "temperature_celsius": round(int(temperature) / 1000, 1) if temperature else None,
        "throttling": throttling(),
        "emulated": emulation(platform.machine(), cpuinfo, modalias, executable),
        "host": platform.node(),
        "os": os_name.group(1) if os_name else platform.system(),
        "kernel": platform.release(),
    }


# ------------------------------------------------------------------------------------------------ the measurement


def reset_peak_memory() -> None:
    """Let the kernel count this process's peak memory from now on, where it can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> tuple[int, str]:
    """Bytes of this process's largest resident set, and where the figure is from."""
    peak = re.search(r"^VmHWM:\s*(\d+) kB", _read("/proc/self/status") or "", re.MULTILINE)
    if peak:
        return int(peak.group(1)) * 1024, "VmHWM"
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "ru_maxrss, the whole life of the process"


def measure(path: str, threads: int = 1, windows: int = 50) -> dict:
    """The report as plain data; every figure is {"value", "unit", "label"}. ModelError when the file cannot be
    loaded or the reference vector is not reproduced."""
    runtime()  # its import belongs neither to the load time nor to the model's memory
    reset_peak_memory()
    before, _ = peak_memory()
    start = time.perf_counter()
    model = TFLiteModel(path, threads)
    load = time.perf_counter() - start
    _recorded(model)
    vectors = reference_inputs(model.metadata)

    def seconds(window):
        begin = time.perf_counter()
        model.run_raw(vectors[window % len(vectors)])
        return time.perf_counter() - begin

    first = seconds(0)
    kernels = verify(model)
    warm, warmed = time.perf_counter(), 0
    while warmed < 5 or time.perf_counter() - warm < 0.5:  # long enough for a governor to raise the clock
        seconds(warmed)
        warmed += 1
    times = np.array([seconds(window) for window in range(windows)])
    peak, source = peak_memory()

    machine = describe_machine()
    stamp = "emulated" if machine["emulated"] else "measured"
    metadata, size = model.metadata, os.path.getsize(path)
    median = float(np.median(times))
    # A window's own duration, or a step's; models of beats or RR intervals have none.
    samples = metadata.get("streaming", {}).get("step") or (metadata.get("window") or {}).get("samples")
    duration = samples / metadata["fs"] if samples and metadata.get("fs") else None

    def timed(value, unit):
        if machine["emulated"]:
            return {"value": None, "unit": unit, "label": "emulated, withheld"}
        return {"value": value, "unit": unit, "label": "measured"}

    figures = {
        "latency, median": timed(median * 1e3, "ms"),
        "latency, p90": timed(float(np.percentile(times, 90)) * 1e3, "ms"),
        "latency, worst": timed(float(times.max()) * 1e3, "ms"),
        "latency, first window": timed(first * 1e3, "ms"),
        "real-time factor": timed(duration / median if duration else None, "s of ECG per s"),
        "load time": timed(load * 1e3, "ms"),
        "peak memory": {"value": peak, "unit": "bytes", "label": f"{stamp}, {source}"},
        "memory before the model": {"value": before, "unit": "bytes", "label": f"{stamp}, {source}"},
        "model size": {"value": size, "unit": "bytes", "label": "measured"},
    }
    return {
        "file": os.path.basename(path),
        "architecture": metadata.get("architecture"),
        "preset": metadata.get("preset"),
        "reference": {"vectors": len(vectors), "kernels": kernels},
        "windows": windows,
        "warm_up": warmed,
        "threads": threads,
        "figures": figures,
        "machine": machine,
        "versions": {"runtime": model.runtime, "numpy": np.__version__, "python": platform.python_version()},
    }


def survive(path: str, threads: int) -> None:
    """Load and prove the model in a child process first: old runtimes end in a segmentation fault on newer models."""
    name = runtime()[2]
    child = [sys.executable, __file__, path, "--threads", str(threads), "--prove"]
    status = subprocess.run(child, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    if status < 0:  # by a signal; what the model lacks, measure says
        raise ModelError(f"{path}: {name} crashes on it (signal {-status}): python3 -m pip install ai-edge-litert")


def text(report: dict) -> str:
    """The report as an aligned table."""

    def value(figure):
        if figure["value"] is None:
            return "-"
        if figure["unit"] == "bytes":
            return f"{figure['value']:,} bytes ({figure['value'] / 1e6:.2f} MB)"
        return f"{figure['value']:,.{0 if figure['value'] >= 1000 else 2}f} {figure['unit']}"

    rows = [(name, value(figure), figure["label"]) for name, figure in report["figures"].items()]
    rows.append(("windows", f"{report['windows']} after {report['warm_up']} to warm up", ""))
    rows.append(("threads", str(report["threads"]), ""))
    rows.append(
        (
            "reference vector",
            f"{report['reference']['vectors']} windows equal, {report['reference']['kernels']} kernels",
            "",
        )
    )
    for name, entry in {**report["machine"], **report["versions"]}.items():
        rows.append((name.replace("_", " "), "-" if entry is None else str(entry), ""))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"{name:{widths[0]}}  {entry:{widths[1]}}  {label}".rstrip() for name, entry, label in rows]
    return "\n".join([report["file"], *lines])


def main(argv=None) -> int:
    """The command line. 0: reported; 2: the file or the runtime cannot be used, one line on stderr says why."""
    parser = argparse.ArgumentParser(description="Latency and memory of an exported ECG model on this machine.")
    parser.add_argument("file", help="the .tflite file")
    parser.add_argument("--threads", type=int, default=1, help="threads of the runtime (1)")
    parser.add_argument("--windows", type=int, default=50, help="windows to time after the warm-up, at least 50 (50)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--prove", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.windows < 50 or arguments.threads < 1:
        parser.error("at least 50 windows and 1 thread")
    try:
        if arguments.prove:
            verify(TFLiteModel(arguments.file, arguments.threads))
            return 0
        survive(arguments.file, arguments.threads)
        report = measure(arguments.file, arguments.threads, arguments.windows)
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    print(json.dumps(report, indent=2) if arguments.json else text(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
