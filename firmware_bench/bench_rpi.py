#!/usr/bin/env python3
# ruff: noqa: B905, UP033 - Python 3.9, which old Raspberry Pi images have, knows no zip(strict=)
"""Measure an exported ECG model on the machine this runs on. One file: copy it to a Raspberry Pi beside the model.

    python3 bench_rpi.py model.tflite [another.tflite …] [--threads 1,2,4] [--windows 100] [--rounds 5] [--json]

Needs Python 3.9 or later, numpy and a TensorFlow Lite runtime: ai-edge-litert, tflite-runtime or tensorflow, the first
that can be imported. The model must carry its reference vector: nothing is reported about a runtime that computes
something else. A window is timed from its integers to the model's integers: state reset, input copied, network run,
output copied.

In every round each model runs with each number of threads in a process of its own, one after the other, so that a clock
that drifts does so for all of them, and so that memory and cold start are nobody else's.

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
value * scale (float32; scale 1/32 where the metadata records none). What is compared is every output, or where the
metadata say how many "values", so many of each, at even distances from its first to its last.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import dataclasses
import datetime
import errno
import functools
import hashlib
import importlib
import json
import math
import os
import platform
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

try:
    import numpy as np
except ImportError:
    print("error: numpy is missing here: python3 -m pip install numpy", file=sys.stderr)
    sys.exit(2)

RUNTIMES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter", "tensorflow.lite.python.interpreter")
UNSEALED = "0" * 64  # stands in the metadata for the digest while the digest is computed
FLOAT_TOLERANCE = 1e-4  # of float outputs, where the metadata say none; integers may not differ at all


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


def contents(path: str | os.PathLike) -> bytes:
    """The bytes of a file. ModelError where it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"{os.fspath(path)}: {error.strerror}") from None


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
        data = source if isinstance(source, bytes) else contents(source)
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
    """What the model answers to its reference inputs: per vector the bytes of its outputs in order, as hex."""
    inputs = reference_inputs(model.metadata)
    chosen = [_compared(model.metadata, tensor) for tensor in model.outputs]
    return [
        b"".join(raw.ravel()[places].tobytes() for raw, places in zip(model.run_raw(arrays), chosen)).hex()
        for arrays in inputs
    ]


def _compared(metadata, tensor):
    """The positions of the values of an output that the reference vector has."""
    size, most = int(np.prod(tensor.shape)), metadata["reference"].get("values")
    if most is None:
        return np.arange(size)
    if isinstance(most, bool) or not isinstance(most, int) or most < 2:
        raise ModelError(f"the metadata's number of reference values is {most!r}, not a number from 2 on")
    return np.arange(size) if size <= most else np.arange(most) * (size - 1) // (most - 1)


def verify(model: TFLiteModel) -> str:
    """Which set of recorded outputs the model reproduces here: "optimised" or "reference". ModelError when neither.

    Integers have to be equal to the byte. A file that computes partly in floats says by how much its outputs may differ
    between processors: metadata["reference"]["tolerance"], absolute, in the outputs' own unit.
    """
    recorded = recorded_outputs(model.metadata, model.name)
    limit = tolerance(model.metadata)
    outputs = reference_outputs(model)
    kinds = [kind for kind in ("optimised", "reference") if kind in recorded]
    for kind in sorted(kinds, key=lambda kind: kind != model.kernels):  # its own kernels' outputs first
        if len(recorded[kind]) == len(outputs) and all(
            _same(model, ours, theirs, limit) for ours, theirs in zip(outputs, recorded[kind])
        ):
            return kind
    version = model.metadata.get("versions", {}).get("ai-edge-litert")
    package = "ai-edge-litert" + (f"=={version}" if version else "")
    raise ModelError(
        f"{model.name}: {model.runtime} does not compute the recorded reference vector, so its figures "
        f"would be another model's: python3 -m pip install {package}, or copy a damaged file again"
    )


def tolerance(metadata: dict) -> float | None:
    """By how much outputs may differ from the recorded ones, in their own unit; None: the metadata do not say."""
    value = metadata.get("reference", {}).get("tolerance")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ModelError(f"the metadata's tolerance of the reference vector is {value!r}, not a number from 0 on")
    return float(value)


def recorded_outputs(metadata: dict, name: str) -> dict:
    """The outputs that the file called `name` says are right, by kind of kernels. ModelError where it says none."""
    outputs = metadata.get("reference", {}).get("outputs")
    if not outputs:
        raise ModelError(
            f"{name}: its metadata hold no reference vector, so nothing proves that what runs here "
            "is the model: export it with ecg-edge export"
        )
    return outputs


def outputs_digest(outputs: str) -> str:
    """What stands for outputs in hex of which there are many, in integers."""
    return f"sha256:{hashlib.sha256(bytes.fromhex(outputs)).hexdigest()}"


def _same(model, ours, theirs, limit):
    """Whether outputs in hex are the recorded ones, within `limit` where there is one, or those of a digest."""
    if theirs.startswith("sha256:"):
        return outputs_digest(ours) == theirs
    try:
        ours, theirs = bytes.fromhex(ours), bytes.fromhex(theirs)
    except ValueError:
        return False
    if len(ours) != len(theirs):
        return False
    start = 0
    for tensor in model.outputs:
        dtype = np.dtype(tensor.dtype)
        stop = start + len(_compared(model.metadata, tensor)) * dtype.itemsize
        sides = [np.frombuffer(side[start:stop], dtype.newbyteorder("<")) for side in (ours, theirs)]
        if not within(tensor, *sides, limit):
            return False
        start = stop
    return True


def within(tensor: Tensor, ours, theirs, limit: float | None) -> bool:
    """Whether two raw outputs of `tensor` agree: within `limit` in the output's unit; without one integers to the byte
    and floats within FLOAT_TOLERANCE. NaN agrees with nothing."""
    if limit is None:
        if np.dtype(tensor.dtype).kind != "f":
            return np.array_equal(ours, theirs)
        return np.allclose(ours, theirs, FLOAT_TOLERANCE, FLOAT_TOLERANCE)
    ours, theirs = (dequantise(side, tensor.scale, tensor.zero_point).astype(np.float64) for side in (ours, theirs))
    return bool(np.all(np.abs(ours - theirs) <= limit))


# ------------------------------------------------------------------------------------------------ the machine


def _read(path):
    """The text of a file of /proc or /sys; None where there is none."""
    try:
        return Path(path).read_text(errors="replace").strip("\0\n ")
    except OSError:
        return None


def _each(pattern):
    """The texts of the files of /sys that match, in order."""
    return [text for text in (_read(path) for path in sorted(Path("/sys").glob(pattern))) if text is not None]


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
    """What the machine says of its power and temperature: a Raspberry Pi's firmware of now and since it booted, other
    kernels of now alone; None where nobody tells."""
    try:
        answer = subprocess.run(["vcgencmd", "get_throttled"], capture_output=True, text=True, timeout=5).stdout
        bits = int(answer.strip().split("=")[1], 16)
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        told = _each("devices/platform/soc*/soc*:firmware/get_throttled")
        if not told:
            return _throttling_of_the_kernel()
        bits = int(told[0], 16)
    now = [word for bit, word in THROTTLING.items() if bits >> bit & 1]
    before = [f"{word} since boot" for bit, word in THROTTLING.items() if bits >> bit + 16 & 1 and word not in now]
    return ", ".join(now + before) or "none"


def _throttling_of_the_kernel():
    """The same by the kernel's cooling devices that hold the processor's clock down, and its voltage alarm."""
    alarms = _each("class/hwmon/hwmon*/in0_lcrit_alarm")
    coolers = zip(_each("class/thermal/cooling_device*/type"), _each("class/thermal/cooling_device*/cur_state"))
    held = [state for kind, state in coolers if "cpufreq" in kind]
    if not alarms and not held:
        return None
    words = [("under-voltage", "1" in alarms), ("throttled", any(state != "0" for state in held))]
    return ", ".join(word for word, applies in words if applies) or "none"


def power() -> str | None:
    """battery or mains, as the kernel's power supplies tell; None where it knows of none, as on a Raspberry Pi."""
    if "Discharging" in _each("class/power_supply/*/status"):
        return "battery"
    return "mains" if "1" in _each("class/power_supply/*/online") else None


def emulation(machine: str, cpuinfo: str, modalias: str, executable: str) -> str | None:
    """Why this machine's times would mean nothing: a processor that is simulated by another. None on a real one."""
    x86 = machine.lower() in ("x86_64", "amd64", "i386", "i686")
    if "qemu" in os.path.basename(executable).lower():  # qemu-user hides itself in /proc/self, not in thread-self
        return f"runs under {os.path.basename(executable)}"
    if re.search(r"QEMU (TCG|Virtual) CPU", cpuinfo):
        return "the processor is QEMU's"
    if not x86 and ("vendor_id" in cpuinfo or "type:x86" in modalias):
        return f"claims to be {machine} on an x86 processor"
    if not x86 and not executable:
        return "cannot tell, for want of /proc/thread-self/exe"
    return None


def describe_machine() -> dict:
    """What a reader has to know of the machine to read its figures. None: this machine does not tell."""
    cpuinfo = _read("/proc/cpuinfo") or ""
    memory = re.search(r"^MemTotal:\s*(\d+) kB", _read("/proc/meminfo") or "", re.MULTILINE)
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
        "memory_bytes": int(memory.group(1)) * 1024 if memory else None,
        "machine": platform.machine(),
        "arm": platform.machine().lower().startswith(("arm", "aarch64")),
        "emulated": emulation(platform.machine(), cpuinfo, modalias, executable),
        "host": platform.node(),
        "os": os_name.group(1) if os_name else platform.system(),
        "kernel": platform.release(),
    }


def conditions() -> dict:
    """What may change while a bench runs. None: this machine does not tell."""
    temperature = _read("/sys/class/thermal/thermal_zone0/temp")
    clock = _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")  # kHz
    told = re.search(r"^cpu MHz\s*:\s*([\d.]+)", _read("/proc/cpuinfo") or "", re.MULTILINE)
    return {
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "clock_mhz": round(int(clock) / 1000) if clock else round(float(told.group(1))) if told else None,
        "temperature_celsius": round(int(temperature) / 1000, 1) if temperature else None,
        "throttling": throttling(),
        "power": power(),
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


def die_with_parent() -> None:
    """Let the kernel end this process when the one that started it is gone, even by a kill."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def measure(path: str, threads: int, windows: int, spawned: float) -> dict:
    """One model in this process, which began at `spawned` (time.monotonic()): times in ms, memory in bytes.
    ModelError when the file cannot be loaded or the reference vector is not reproduced."""
    name = runtime()[2]  # its import belongs neither to the load time nor to the model's memory
    reset_peak_memory()
    before, source = peak_memory()

    def milliseconds(act, *arguments):
        begin = time.perf_counter()
        result = act(*arguments)
        return 1e3 * (time.perf_counter() - begin), result

    load, model = milliseconds(TFLiteModel, path, threads)
    silence = [np.full(tensor.shape, tensor.zero_point, tensor.dtype) for tensor in model.inputs]
    first, _ = milliseconds(model.run_raw, silence)
    cold_start = 1e3 * (time.monotonic() - spawned)

    kernels = verify(model)
    vectors = reference_inputs(model.metadata)
    warm, warmed = time.perf_counter(), 0
    while warmed < 5 or time.perf_counter() - warm < 0.2:  # long enough for a governor to raise the clock
        model.run_raw(vectors[warmed % len(vectors)])
        warmed += 1
    began = time.time()
    latencies = [milliseconds(model.run_raw, vectors[window % len(vectors)])[0] for window in range(windows)]
    return {
        "began": began,
        "cold_start_ms": cold_start,
        "load_ms": load,
        "first_ms": first,
        "latencies_ms": latencies,
        "warm_up": warmed,
        "memory_before": before,
        "peak_memory": peak_memory()[0],
        "memory_source": source,
        "kernels": kernels,
        "runtime": name,
    }


def in_a_process_of_its_own(path: str, threads: int, windows: int) -> dict:
    """What `measure` says in a fresh process. ModelError with its line, and where it crashes: old runtimes end in a
    segmentation fault on newer models."""
    own = [sys.executable, __file__, path, "--threads", str(threads), "--windows", str(windows)]
    ran = subprocess.run([*own, "--worker", repr(time.monotonic())], capture_output=True, text=True)
    if ran.returncode == 2:
        raise ModelError(ran.stderr.strip().splitlines()[-1].replace("error: ", "", 1))
    if ran.returncode:
        how = f"signal {-ran.returncode}" if ran.returncode < 0 else f"exit status {ran.returncode}"
        raise ModelError(f"{path}: {runtime()[2]} crashes on it ({how}): python3 -m pip install ai-edge-litert")
    return json.loads(ran.stdout)


@contextlib.contextmanager
def alone(say):
    """Waits until no other bench measures on this machine: two at once would measure each other."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lock:
        waiting = False
        while True:
            try:
                lock.bind("\0ecg-edge-bench")  # a name that the kernel frees when its owner ends, however it ends
            except OSError as error:
                if error.errno != errno.EADDRINUSE:  # a kernel without such names has no lock
                    break
                if not waiting:
                    say("waiting: another bench measures on this machine")
                waiting = True
                time.sleep(0.2)
            else:
                break
        yield


def bench(paths, threads=(1,), windows: int = 100, rounds: int = 5, say=lambda text: None) -> dict:
    """The report on every model with every number of threads as plain data; `windows` are spread over the rounds, and
    each figure is {"value", "unit", "label"}. ModelError where one of them cannot be reported on."""
    pairs = [(path, count) for path in paths for count in threads]
    measured = {pair: [] for pair in pairs}
    runtime()
    about = {}
    for path in paths:  # what a file lacks is told at once, not after the others' round
        data = contents(path)
        try:
            about[path] = read_metadata(data), len(data)
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from None
        recorded_outputs(about[path][0], path)
    with alone(say):
        before = conditions()
        for number in range(rounds):
            for path, count in pairs:
                one = in_a_process_of_its_own(path, count, -(-windows // rounds))
                state = conditions()
                one["temperature_celsius"], one["clock_mhz"] = state["temperature_celsius"], state["clock_mhz"]
                measured[path, count].append(one)
                say(f"round {number + 1} of {rounds}: {os.path.basename(path)}, threads {count}")
        after = conditions()
    machine = describe_machine()
    stamp = f"emulated: {machine['emulated']}" if machine["emulated"] else None if machine["arm"] else "not Arm"
    versions = {"runtime": one["runtime"], "numpy": np.__version__, "python": platform.python_version()}
    return {
        "format": 2,
        "time": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "stamp": stamp,
        "machine": machine,
        "conditions": {"before": before, "after": after},
        "versions": versions,
        "results": [
            {"file": os.path.basename(path), **result(*about[path], count, measured[path, count], machine["emulated"])}
            for path, count in pairs
        ],
    }


def result(metadata: dict, size: int, threads: int, rounds: list, emulated: str | None) -> dict:
    """One model (of `size` bytes) with one number of threads: figures, and the rounds they come from."""
    stamp = "emulated" if emulated else "measured"
    floats = any(np.dtype(output["dtype"]).kind == "f" for output in metadata["outputs"])
    allowed = tolerance(metadata)
    if allowed is None and floats:
        allowed = FLOAT_TOLERANCE
    latencies = np.concatenate([one["latencies_ms"] for one in rounds])
    median = float(np.median(latencies))
    # A window's own duration, or a step's; models of beats or RR intervals have none.
    samples = metadata.get("streaming", {}).get("step") or (metadata.get("window") or {}).get("samples")
    duration = samples / metadata["fs"] if samples and metadata.get("fs") else None

    def timed(value, unit="ms"):
        if emulated:
            return {"value": None, "unit": unit, "label": "emulated, withheld"}
        return {"value": value if value is None else float(value), "unit": unit, "label": "measured"}

    def middle(key):
        return np.median([one[key] for one in rounds])

    def memory(key):
        return {"value": int(middle(key)), "unit": "bytes", "label": f"{stamp}, {rounds[0]['memory_source']}"}

    figures = {
        "latency, median": timed(median),
        "latency, p90": timed(np.percentile(latencies, 90)),
        "latency, p99": timed(np.percentile(latencies, 99)),
        "latency, worst": timed(latencies.max()),
        "latency, first window": timed(middle("first_ms")),
        "real-time factor": timed(1e3 * duration / median if duration else None, "s of ECG per s"),
        "load time": timed(middle("load_ms")),
        "cold start": timed(middle("cold_start_ms")),
        "peak memory": memory("peak_memory"),
        "memory before the model": memory("memory_before"),
        "model size": {"value": size, "unit": "bytes", "label": "measured"},
    }
    kept = ("began", "cold_start_ms", "load_ms", "first_ms", "latencies_ms", "temperature_celsius", "clock_mhz")
    return {
        "architecture": metadata.get("architecture"),
        "preset": metadata.get("preset"),
        "threads": threads,
        "reference": {
            "vectors": metadata["reference"]["vectors"],
            "kernels": rounds[0]["kernels"],
            "tolerance": allowed,
        },
        "windows": len(latencies),
        "warm_up": min(one["warm_up"] for one in rounds),
        "figures": figures,
        "rounds": [] if emulated else [{key: one[key] for key in kept} for one in rounds],
    }


def text(report: dict) -> str:
    """The report as aligned tables: the figures, a column for each model and number of threads, then the machine."""

    def value(figure):
        number, unit = figure["value"], figure["unit"]
        if number is None:
            return "-"
        if unit == "bytes":
            return f"{number:,} bytes"
        return f"{number:,.0f} {unit}" if number >= 100 else f"{number:.3g} {unit}"

    def proof(reference):
        limit = reference["tolerance"]
        return f"{reference['vectors']} " + ("equal" if limit is None else f"within {limit:g}")

    def changed(name):
        sides = [report["conditions"][side][name] for side in ("before", "after")]
        return " to ".join(map(told, sides if sides[0] != sides[1] else sides[:1]))

    def told(fact):
        return "-" if fact is None else str(fact)

    results = report["results"]
    rows = [("", [one["file"] for one in results], ""), ("threads", [str(one["threads"]) for one in results], "")]
    for name, first in results[0]["figures"].items():
        rows.append((name, [value(one["figures"][name]) for one in results], first["label"]))
    rows.append(("reference windows", [proof(one["reference"]) for one in results], "asked for before any figure"))
    rows.append(("windows", [str(one["windows"]) for one in results], "after those to warm up"))
    facts = {"stamp": report["stamp"], **report["machine"], **report["versions"]}
    machine = [(name.replace("_", " "), [told(fact)], "") for name, fact in facts.items()]
    machine += [(name.replace("_", " "), [changed(name)], "") for name in report["conditions"]["before"]]
    return "\n".join([*aligned(rows), "", *aligned(machine)])


def aligned(rows) -> list:
    """Rows of a name, cells and a note → lines of equal columns."""
    name = max(len(row[0]) for row in rows)
    widths = [max(map(len, column)) for column in zip(*(row[1] for row in rows))]
    return [
        "  ".join([f"{row[0]:{name}}", *(f"{cell:{width}}" for cell, width in zip(row[1], widths)), row[2]]).rstrip()
        for row in rows
    ]


def answer(path: str, windows: str, answers: str, threads: int) -> None:
    """What the model answers to the windows in the .npz file `windows`: for every input an array (n, …) of the input's
    type, called input_0, input_1 …, as raw outputs output_0 … in the .npz file `answers`."""
    model = TFLiteModel(path, threads)
    verify(model)
    with np.load(windows) as stored:
        inputs = [stored[f"input_{number}"] for number in range(len(model.inputs))]
    outputs = [model.run_raw([array[n : n + 1] for array in inputs]) for n in range(len(inputs[0]))]
    np.savez(answers, **{f"output_{i}": np.concatenate(raw) for i, raw in enumerate(zip(*outputs))})


def counts(words: str) -> list:
    """ "1,2,4" → the numbers of threads, each once."""
    numbers = list(dict.fromkeys(int(word) for word in words.split(",")))
    if min(numbers) < 1:
        raise ValueError(words)
    return numbers


def main(argv=None) -> int:
    """The command line. 0: reported; 2: a file or the runtime cannot be used, one line on stderr says why."""
    parser = argparse.ArgumentParser(description="Latency and memory of exported ECG models on this machine.")
    parser.add_argument("files", nargs="+", metavar="FILE.tflite")
    parser.add_argument("--threads", type=counts, default=[1], metavar="1,2,4", help="threads of the runtime (1)")
    parser.add_argument("--windows", type=int, default=100, help="windows to time of each, at least 50 (100)")
    parser.add_argument("--rounds", type=int, default=5, help="processes that they are spread over, in alternation (5)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--out", metavar="FILE.json", help="the JSON object into this file")
    parser.add_argument(
        "--answer", metavar="WINDOWS.npz", help="no bench: the outputs for these windows, as .npz to --out"
    )
    parser.add_argument("--worker", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.worker is None and (arguments.windows < 50 or not 1 <= arguments.rounds <= arguments.windows):
        parser.error("at least 50 windows, and from 1 round to as many as there are windows")
    if arguments.answer and not arguments.out:
        parser.error("--answer needs --out")
    try:
        if arguments.worker is not None:
            die_with_parent()
            one = measure(arguments.files[0], arguments.threads[0], arguments.windows, arguments.worker)
            print(json.dumps(one))
            return 0
        if arguments.answer:
            answer(arguments.files[0], arguments.answer, arguments.out, arguments.threads[0])
            return 0
        report = bench(
            arguments.files,
            arguments.threads,
            arguments.windows,
            arguments.rounds,
            lambda line: print(line, file=sys.stderr, flush=True),
        )
        if arguments.out:
            Path(arguments.out).write_text(json.dumps(report, indent=2))
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    except OSError as error:
        print(f"error: {error.filename or 'bench'}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 130
    if arguments.json:
        print(json.dumps(report, indent=2))
    elif not arguments.out:
        print(text(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
