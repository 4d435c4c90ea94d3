"""Arm's compiler for Ethos-U (package ethos-u-vela): what it estimates of a file on a neural processor beside the core.

Its figures come from a model of the processor and of its memories, not from hardware: estimates, every one.
"""

from __future__ import annotations

import csv
import dataclasses
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from firmware_bench.runtime.errors import ModelError

PACKAGE = "pip install ethos-u-vela"
CONFIGURATION = "Arm/vela.ini"  # part of the package
TIMEOUT = 600  # s


@dataclasses.dataclass(frozen=True)
class Processor:
    """A neural processor by the number of its multipliers, in a system of `configuration`: clocks and memories."""

    name: str
    accelerator: str
    configuration: str
    memory: str = "Shared_Sram"  # activations in SRAM, which the core shares; weights in flash


PROCESSORS = (
    Processor("Ethos-U55-128", "ethos-u55-128", "Ethos_U55_High_End_Embedded"),
    Processor("Ethos-U85-256", "ethos-u85-256", "Ethos_U85_SYS_Flash_Low"),
)


@dataclasses.dataclass(frozen=True)
class Estimate:
    """Cycles of a window at `clock` Hz; bytes of SRAM and of flash off the chip; `fallback`: the operators that stay
    with the core, whose cycles are not counted."""

    cycles: int
    clock: int
    sram: int
    flash: int
    fallback: tuple[str, ...]

    label = "estimated by ethos-u-vela"


def program() -> str | None:
    """Where vela is: beside this Python, or on the PATH."""
    return shutil.which("vela", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


def estimate(data: bytes, processor: Processor) -> Estimate:
    """ModelError where vela is not installed, or cannot compile the file."""
    found = program()
    if found is None:
        raise ModelError(f"vela not found: {PACKAGE}")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "model.tflite").write_bytes(data)
        command = [found, "--accelerator-config", processor.accelerator, "--system-config", processor.configuration]
        command += ["--memory-mode", processor.memory, "--config", CONFIGURATION, "--output-dir", folder]
        try:
            ran = subprocess.run([*command, "model.tflite"], cwd=folder, capture_output=True, text=True,
                                 errors="replace", timeout=TIMEOUT)  # fmt: skip
        except subprocess.TimeoutExpired:
            raise ModelError(f"vela did not end within {TIMEOUT} s") from None
        summaries = list(Path(folder).glob("*_summary_*.csv"))
        if ran.returncode or not summaries:
            lines = (ran.stderr or ran.stdout).strip().splitlines()
            raise ModelError(f"vela cannot compile this file: {lines[-1].strip() if lines else 'no message'}")
        with summaries[0].open(newline="") as table:
            row = next(csv.DictReader(table))
    fallback = re.findall(r"Warning \([^)]*\) operator: (\w+)", ran.stdout + ran.stderr)
    try:
        return Estimate(
            cycles=round(float(row["cycles_total"])),
            clock=round(float(row["core_clock"])),
            sram=round(float(row["sram_memory_used"]) * 1024),
            flash=round(float(row["off_chip_flash_memory_used"]) * 1024),
            fallback=tuple(sorted(fallback)),
        )
    except (KeyError, TypeError, ValueError):
        raise ModelError("vela writes another summary: this needs ethos-u-vela 5") from None
