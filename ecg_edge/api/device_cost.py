"""What the path from a sensor to labels takes on a microcontroller: memory, instructions a second, clock, battery."""

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecg_edge.api.c99_generation import REFERENCE_CORE, choose_hop
from firmware_bench.front_end.beat_plan import HOP_S
from firmware_bench.front_end.device_plan import plan_device
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.errors import InputError

LEAST_SECONDS = 5.0  # of signal that instructions are counted over
BEATS_SECONDS = 120.0  # the same of a pair, which answers with beats and rhythms
BEATS_PER_MINUTE = 75  # of the signal in firmware_bench/mcu/cortex/main_app.c
FRONT_END_SECONDS = 20.0
MEASURED = "measured, {core} in QEMU, from the first answer on"
ESTIMATED_SHARE = "estimated: instructions in QEMU × assumed cycles per instruction / clock"
ESTIMATED_CURRENT = (
    "estimated: share of the clock × clock × the maker's µA/MHz, the core alone, nothing else and no sleep"
)


def measure_path(
    data: bytes, sensor: Sensor, hop_s: float | None, boards: Sequence, battery_mah: float, beats: bytes | None = None
) -> dict[str, Any]:
    """Measure the generated program that goes from counts of a sensor to labels.

    Args:
        data: The .tflite file.
        sensor: The sensor.
        hop_s: Time from answer to answer, s, as for `generate_c99`.
        boards: The boards of firmware_bench to estimate for.
        battery_mah: Charge of a battery, mAh.
        beats: The file of the beat classifier whose features the model takes.

    Returns:
        Plain data: "ram" (bytes of a signal's memory, and of stack), "flash", "instructions" a second of signal, of
        which "front_end", "dearest" call of poll, and for each board the share of its clock, mA and hours; "none" says
        why there is no path or no measurement.

    Raises:
        InputError: The battery holds no charge.
    """
    if not 0 < battery_mah < math.inf:
        raise InputError(f"a battery of {battery_mah:g} mAh holds no charge: name its mAh, above 0")
    from export.c99 import generate
    from firmware_bench.mcu import qemu
    from firmware_bench.runtime.metadata_format import read_metadata

    metadata = read_metadata(data)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "program"
        try:
            sensor_fs = metadata.fs if sensor.fs is None else sensor.fs
            if beats is None:
                plan_device(metadata, sensor)
            hop_s = choose_hop(data, sensor, hop_s)
            generate(data, folder, "model", sensor=sensor, hop_s=hop_s, beats=beats)
        except InputError as error:
            return {"none": str(error)}
        if qemu.missing():
            return {"none": f"not measured, {' and '.join(qemu.missing())} missing: {qemu.PACKAGES}"}
        streaming = metadata.streaming
        answer_s = hop_s or (streaming.step if streaming else metadata.window.samples) / metadata.fs
        answers = max(1, math.ceil(LEAST_SECONDS / answer_s))
        if beats is not None:
            answers = round(BEATS_SECONDS * (BEATS_PER_MINUTE / 60 + 1 / HOP_S))
        figures = {}
        for core in sorted({board.processor.compiled_for for board in boards} | {REFERENCE_CORE}):
            with qemu.CortexApp(folder, core, sensor_fs, answers) as program:
                figures[core] = program.measure()
        with qemu.CortexFrontEnd(folder, REFERENCE_CORE, round(FRONT_END_SECONDS * sensor_fs)) as program:
            front_end = program.measure().mean * sensor_fs
    measured = figures[REFERENCE_CORE]
    rates = {core: found.mean * sensor_fs for core, found in figures.items()}
    return {
        "sensor_fs": sensor_fs,
        "answer_s": measured.calls / sensor_fs / answers,
        "core": REFERENCE_CORE,
        "label": MEASURED.format(core=REFERENCE_CORE),
        "flash": {"code": measured.code, "weights": measured.weights},
        "ram": {"signal": measured.static, "stack": measured.stack},
        "instructions": round(rates[REFERENCE_CORE]),
        "front_end": round(front_end),
        "dearest": measured.dearest,
        "battery_mah": battery_mah,
        "boards": {board.name: estimate_load(board, rates, battery_mah) for board in boards},
    }


def estimate_load(board, rates: dict[str, float], battery_mah: float) -> dict[str, Any] | None:
    """Estimate the share of a board's clock that a number of instructions a second takes, and what it draws.

    Args:
        board: A board of firmware_bench.mcu.boards.
        rates: Compiler's name of a core → instructions a second.
        battery_mah: Charge of a battery, mAh.

    Returns:
        "share" of the clock; "milliamps" and "hours", None where the maker states no current for a MHz. None for a core
        that is not compiled for.
    """
    cpi = board.processor.cpi
    if cpi is None:
        return None
    cycles = rates[board.processor.compiled_for] * cpi
    milliamps = None if board.microamps is None else cycles / 1e6 * board.microamps / 1000
    return {
        "share": cycles / board.clock,
        "label": ESTIMATED_SHARE,
        "milliamps": milliamps,
        "hours": battery_mah / milliamps if milliamps else None,
        "current_label": ESTIMATED_CURRENT,
    }
