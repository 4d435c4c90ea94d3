"""The QRS detector of a device: how many beats it finds by ANSI/AAMI EC57, and what it takes on a Cortex-M4.

    ECG_EDGE_DATA=… python benchmarks/qrs_detector.py [--records 2]

Its rules were chosen on mitdb; svdb was not looked at before. Databases that are not there are left out, and the
instructions without the toolchain for Cortex-M.
"""

import dataclasses
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import click
import numpy as np
from benchmark_result import report, result_option, run

from ecg_edge.console import log
from ecg_edge.evaluation.beat_detection import LEARNING_S, BeatDetection, add_detections, score_detection
from ecg_edge.records.record import Entry
from firmware_bench.runtime.errors import InputError

DATABASES = {"mitdb": None, "svdb": None, "nstdb": ("118e06", "119e06")}
CORE, SECONDS = "cortex-m4", 60


@dataclasses.dataclass(frozen=True)
class Scores:
    """Of a record: the counts of all of it and without the learning period, and distances from annotations, ms."""

    record: str
    whole: BeatDetection
    learnt: BeatDetection
    distances: np.ndarray


@click.command()
@click.option("--records", type=int, help="Only the first ones of each database.")
@click.option("--processes", default=2, show_default=True)
@result_option
def main(records, processes, result):
    rows = []
    with ProcessPoolExecutor(processes) as pool:
        for database in DATABASES:
            listed = list_records(database, records)
            score = map if processes == 1 else pool.map
            scores = list(score(score_record, *zip(*listed, strict=True))) if listed else []
            if scores:
                number = f"{len(scores)} record{'s' if len(scores) > 1 else ''}"
                rows += [{"database": f"{database}, {number}", **summarise(scores)}]
                rows += [{"record": f"{database}/{score.record}", **summarise([score])} for score in scores]
    rows += measure_instructions()
    if not rows:
        raise click.UsageError("neither recordings (ECG_EDGE_DATA) nor the toolchain for Cortex-M are here")
    conditions = (
        "integers, one lead, MLII where it is there; a detection within 150 ms of a beat; without "
        f"ventricular flutter; 'learnt': without the first 5 minutes; instructions emulated: {CORE} in QEMU, gcc -O2"
    )
    report(result, "R peaks found by a device's detector", "measured", conditions, rows)


def list_records(name: str, limit: int | None) -> list[tuple[str, Entry]]:
    """Return the records of a database, with its name; none where it is not there."""
    from ecg_edge.records.databases.catalogue import locate

    try:
        database, folder = locate(name)
    except InputError as error:
        log(f"left out: {error}")
        return []
    entries = [entry for entry in database.index(folder) if entry.name in (DATABASES[name] or (entry.name,))]
    return [(name, entry) for entry in entries[:limit]]


def score_record(database: str, entry: Entry) -> Scores:
    """Detect the beats of a record in the first lead of its database's order and score them."""
    from ecg_edge.evaluation.beat_detection import WINDOW_S, match_beats
    from ecg_edge.records.databases.catalogue import DATABASES, find_folder
    from ecg_edge.signals.r_peaks import detect_r_peaks_causal

    found_in = DATABASES[database]
    record = found_in.read(find_folder(found_in), entry)
    assert record.signal is not None and record.beats is not None
    found = detect_r_peaks_causal(record.signal[:, 0], record.fs)
    pairs = match_beats(record.beats.samples, found, WINDOW_S * record.fs)
    distances = (found[pairs[:, 1]] - record.beats.samples[pairs[:, 0]]) / record.fs * 1000
    return Scores(entry.name, score_detection(record, found), score_detection(record, found, LEARNING_S), distances)


def summarise(scores: list[Scores]) -> dict:
    """Return the figures of some records: gross shares in percent."""
    whole, learnt = (add_detections(getattr(score, part) for score in scores) for part in ("whole", "learnt"))
    distances = np.abs(np.concatenate([score.distances for score in scores]))
    return {
        "beats": whole.found + whole.missed,
        "missed": whole.missed,
        "extra": whole.extra,
        "sensitivity": round(100 * whole.sensitivity, 2),
        "positive_predictivity": round(100 * whole.positive_predictivity, 2),
        "sensitivity_learnt": round(100 * learnt.sensitivity, 2),
        "positive_predictivity_learnt": round(100 * learnt.positive_predictivity, 2),
        "distance_ms_95": round(float(np.percentile(distances, 95)), 1) if len(distances) else None,
    }


def measure_instructions() -> list[dict]:
    """Return the row of the detector in QEMU; none without the toolchain."""
    from export.c99.generator import KERNELS
    from firmware_bench.front_end.qrs_detector import FS, LONGEST_AGE
    from firmware_bench.mcu import qemu

    if qemu.missing():
        return []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("ecg_qrs.h", "ecg_fixed.h", "ecg_platform.h"):
            shutil.copy(KERNELS / name, folder)
        with qemu.CortexDetector(Path(folder), CORE, round(SECONDS * FS)) as program:
            figures = program.measure()
    return [
        {
            "core": CORE,
            "beats": figures.values,
            "instructions_per_second": round(figures.mean * FS),
            "instructions_of_a_sample": figures.dearest,
            "ram_bytes": figures.static,
            "flash_bytes": figures.code,
            "longest_delay_s": LONGEST_AGE / FS,
        }
    ]


if __name__ == "__main__":
    run(main)
