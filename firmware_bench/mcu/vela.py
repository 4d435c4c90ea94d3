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
TIMEOUT_S = 600


@dataclasses.dataclass(frozen=True)
class EthosUProcessor:
    """A neural processor in a system.

    Attributes:
        name: Its name, with the number of its multipliers.
        accelerator: vela's name of it.
        configuration: vela's name of the system: clocks and memories.
        memory: vela's memory mode.
    """

    name: str
    accelerator: str
    configuration: str
    memory: str = "Shared_Sram"  # activations in SRAM, which the core shares; weights in flash


PROCESSORS = (
    EthosUProcessor("Ethos-U55-128", "ethos-u55-128", "Ethos_U55_High_End_Embedded"),
    EthosUProcessor("Ethos-U85-256", "ethos-u85-256", "Ethos_U85_SYS_Flash_Low"),
)


@dataclasses.dataclass(frozen=True)
class EthosUEstimate:
    """What vela estimates of a model.

    Attributes:
        cycles: Of one window.
        clock: Of the processor, Hz.
        sram: Bytes of SRAM.
        flash: Bytes of flash outside the chip.
        fallback: The operators that run on the core, whose cycles are not counted.
    """

    cycles: int
    clock: int
    sram: int
    flash: int
    fallback: tuple[str, ...]

    label = "estimated by ethos-u-vela"


def find_program() -> str | None:
    """Return where vela is, beside this Python or on the PATH; None where it is not installed."""
    return shutil.which("vela", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


def estimate(data: bytes, processor: EthosUProcessor) -> EthosUEstimate:
    """Estimate what a model takes on a neural processor beside the core.

    Args:
        data: The bytes of a .tflite file.
        processor: One of PROCESSORS.

    Raises:
        ModelError: vela is not installed, or cannot compile the file.
    """
    found = find_program()
    if found is None:
        raise ModelError(f"vela not found: {PACKAGE}")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "model.tflite").write_bytes(data)
        command = [found, "--accelerator-config", processor.accelerator, "--system-config", processor.configuration]
        command += ["--memory-mode", processor.memory, "--config", CONFIGURATION, "--output-dir", folder]
        try:
            ran = subprocess.run([*command, "model.tflite"], cwd=folder, capture_output=True, text=True,
                                 errors="replace", timeout=TIMEOUT_S)  # fmt: skip
        except subprocess.TimeoutExpired:
            raise ModelError(f"vela did not end within {TIMEOUT_S} s") from None
        summaries = list(Path(folder).glob("*_summary_*.csv"))
        if ran.returncode or not summaries:
            lines = (ran.stderr or ran.stdout).strip().splitlines()
            raise ModelError(f"vela cannot compile this file: {lines[-1].strip() if lines else 'no message'}")
        with summaries[0].open(newline="") as table:
            row = next(csv.DictReader(table))
    fallback = re.findall(r"Warning \([^)]*\) operator: (\w+)", ran.stdout + ran.stderr)
    try:
        return EthosUEstimate(
            cycles=round(float(row["cycles_total"])),
            clock=round(float(row["core_clock"])),
            sram=round(float(row["sram_memory_used"]) * 1024),
            flash=round(float(row["off_chip_flash_memory_used"]) * 1024),
            fallback=tuple(sorted(fallback)),
        )
    except (KeyError, TypeError, ValueError):
        raise ModelError("vela writes another summary: this needs ethos-u-vela 5") from None
