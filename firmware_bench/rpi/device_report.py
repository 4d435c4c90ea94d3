"""What a device answers is checked here before anything else uses it: reports, and arrays of outputs.

A device may be broken, or somebody else's. Numbers have to be finite and plausible, lists as long as was asked for;
texts are shortened and their control characters escaped.
"""
# ruff: noqa: UP045 - Python 3.9 cannot evaluate "X | None", which decoding does

from __future__ import annotations

import dataclasses
import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np

from firmware_bench.runtime.errors import InputError, make_printable
from firmware_bench.runtime.npz_file import read_npz
from firmware_bench.runtime.typed_json import decode_json

REPORT_FORMAT = 2
MAX_REPORT_BYTES = 64 << 20
MAX_TEXT = 200
LATENCY, SIZE = "latency, median", "model size"  # figures that every result has


@dataclass(frozen=True)
class Figure:
    """A figure, None where it is withheld, with its unit and how it was come by."""

    value: Optional[float]
    unit: str
    label: str

    def __post_init__(self):
        _check(self.value is None or 0 <= self.value < 1e15, "value", "from 0 to 10^15", self.value)


@dataclass(frozen=True)
class Round:
    """The windows of one process; see measurement.measure_model."""

    began: float
    latencies_ms: tuple[float, ...]
    cold_start_ms: Optional[float] = None
    load_ms: Optional[float] = None
    first_ms: Optional[float] = None
    temperature_celsius: Optional[float] = None
    clock_mhz: Optional[float] = None

    def __post_init__(self):
        _check(0 <= self.began < 1e11, "began", "a time", self.began)
        _check(0 < len(self.latencies_ms) <= 10**6, "latencies_ms", "1 to 10^6 numbers", len(self.latencies_ms))
        _check(all(0 < each < 1e9 for each in self.latencies_ms), "latencies_ms", "all above 0 and below 10^9", "not")
        for name, low, high in (("temperature_celsius", -100, 1000), ("clock_mhz", 0, 1e6), ("load_ms", 0, 1e9),
                                ("cold_start_ms", 0, 1e9), ("first_ms", 0, 1e9)):  # fmt: skip
            value = getattr(self, name)
            _check(value is None or low <= value <= high, name, f"from {low} to {high:g}", value)


@dataclass(frozen=True)
class Reference:
    """The reference vectors that were reproduced."""

    vectors: int = 0
    kernels: str = ""
    tolerance: Optional[float] = None

    def __post_init__(self):
        _check(0 <= self.vectors <= 1000, "vectors", "from 0 to 1000", self.vectors)
        _check(self.tolerance is None or self.tolerance >= 0, "tolerance", "0 or more", self.tolerance)


@dataclass(frozen=True)
class Result:
    """One model with one number of threads."""

    file: str
    threads: int
    figures: dict[str, Figure]
    rounds: tuple[Round, ...]
    architecture: Optional[str] = None
    preset: Optional[str] = None
    reference: Reference = dataclasses.field(default_factory=Reference)
    windows: int = 0
    warm_up: int = 0

    def __post_init__(self):
        _check(1 <= self.threads <= 4096, "threads", "from 1 to 4096", self.threads)
        _check(0 <= self.windows <= 10**8 and 0 <= self.warm_up <= 10**8, "windows", "from 0 to 10^8", self.windows)
        _check(len(self.figures) <= 100, "figures", "at most 100", len(self.figures))
        _check({LATENCY, SIZE} <= set(self.figures), "figures", f"{LATENCY} and {SIZE} among them", "others")
        _check(self.figures[SIZE].value is not None, "figures", "with the size of the model", None)
        _check(len(self.rounds) <= 1000, "rounds", "at most 1000", len(self.rounds))
        counts = {len(one.latencies_ms) for one in self.rounds}
        _check(len(counts) <= 1, "rounds", "equally many windows each", sorted(counts))


@dataclass(frozen=True)
class Machine:
    """The facts of machine.describe_machine."""

    board: Optional[str] = None
    cpu: Optional[str] = None
    cores: Optional[int] = None
    memory_bytes: Optional[int] = None
    machine: Optional[str] = None
    arm: bool = False
    emulated: Optional[str] = None
    host: str = ""
    os: Optional[str] = None
    kernel: Optional[str] = None

    def __post_init__(self):
        _check(self.cores is None or 0 <= self.cores <= 10**5, "cores", "from 0 to 10^5", self.cores)
        _check(self.memory_bytes is None or self.memory_bytes >= 0, "memory_bytes", "0 or more", self.memory_bytes)


@dataclass(frozen=True)
class Conditions:
    """The conditions of machine.read_conditions."""

    governor: Optional[str] = None
    clock_mhz: Optional[float] = None
    temperature_celsius: Optional[float] = None
    throttling: Optional[str] = None
    power: Optional[str] = None


@dataclass(frozen=True)
class BothConditions:
    """The conditions before and after the measurement."""

    before: Conditions = dataclasses.field(default_factory=Conditions)
    after: Conditions = dataclasses.field(default_factory=Conditions)


@dataclass(frozen=True)
class Versions:
    """Versions of what measured."""

    runtime: str
    numpy: Optional[str] = None
    python: Optional[str] = None


@dataclass(frozen=True)
class Report:
    """A report of measurement.measure_models."""

    format: int
    time: str
    stamp: Optional[str]
    machine: Machine
    versions: Versions
    results: tuple[Result, ...]
    conditions: BothConditions = dataclasses.field(default_factory=BothConditions)

    def __post_init__(self):
        _check(self.format == REPORT_FORMAT, "format", f"{REPORT_FORMAT}", self.format)
        _check(1 <= len(self.results) <= 1000, "results", "1 to 1000", len(self.results))
        names = {tuple(one.figures) for one in self.results}
        _check(len(names) == 1, "results", "with the same figures each", f"{len(names)} kinds")


def read_report(path: Path) -> dict[str, Any]:
    """Read a report of a device.

    Args:
        path: The JSON file, from a device or from anybody.

    Returns:
        The report of `measurement.measure_models` as plain data, without fields that it does not have.

    Raises:
        InputError: The file cannot be read, is larger than MAX_REPORT_BYTES, or is no such report.
    """
    try:
        if not path.is_file():
            raise FileNotFoundError(2, "there is no such file")
        if os.path.getsize(path) > MAX_REPORT_BYTES:
            raise ValueError(f"it has more than {MAX_REPORT_BYTES:,} bytes")
        report = decode_json(Report, json.loads(path.read_bytes()))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is not a report of ecg-edge bench ({str(error)[:200]}): make one with --out"
        ) from None
    return _to_plain(report)


def check_results(report: dict[str, Any], files: int, threads: Sequence[int]) -> None:
    """Check that a report is about what was asked: every file with every number of threads, in order.

    Raises:
        InputError: It is not.
    """
    if [one["threads"] for one in report["results"]] != [*threads] * files:
        raise InputError(f"its report has results for other models or threads than the {files} files that were sent")
    rounds = {len(one["rounds"]) for one in report["results"]}
    if len(rounds) != 1:
        raise InputError("its report has more rounds for one model than for another")


def read_outputs(path: Path, expected: Sequence[tuple[tuple[int, ...], Any]]) -> list[np.ndarray]:
    """Read the outputs that a device computed.

    Args:
        path: The .npz file.
        expected: Shape and type of every output.

    Returns:
        The outputs in order.

    Raises:
        InputError: The file holds something else.
    """
    try:
        arrays = read_npz(path, {f"output_{i}": form for i, form in enumerate(expected)})
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"its outputs are not those that were asked for: {str(error)[:200]}") from None
    return list(arrays.values())


def _to_plain(value) -> Any:
    """Dataclasses as dicts, tuples as lists; texts printable and short."""
    if dataclasses.is_dataclass(value):
        return {part.name: _to_plain(getattr(value, part.name)) for part in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {clean_text(name): _to_plain(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return [_to_plain(each) for each in value]
    return clean_text(value) if isinstance(value, str) else value


def clean_text(text: str, limit: int = MAX_TEXT) -> str:
    """Return a text of a device in printable characters, at most `limit` of them."""
    text = make_printable(text[: limit + 1])
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _check(condition, name, expected, value):
    if not condition:
        raise ValueError(f"{name} is {value!r}, not {expected}")
