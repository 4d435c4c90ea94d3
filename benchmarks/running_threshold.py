"""How often the running threshold of an anomaly detector calls windows of a stream abnormal.

    python benchmarks/running_threshold.py FILE.tflite --run RUN

Recordings of the run's test part are joined to streams, those of a rate to one: normal ones alone, abnormal ones alone,
and a normal minute before each abnormal one. They go through the path of a device, as `ecg-edge live` has it. A window
counts as its recording; those near a join, where another person's heart begins, are left out.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np
from benchmark_result import report, result_option, run

from ecg_edge.api.live_signal import LiveSignal
from ecg_edge.records.record import Record
from firmware_bench.front_end.plan import MISSING
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ModelMetadata

GAIN = 1000.0  # counts in a unit
MARGIN_S = 1.5  # after a join and before one
BETWEEN = 6  # normal recordings before an abnormal one
STREAMS = {
    "normal recordings": lambda normal, abnormal: normal,
    "abnormal recordings": lambda normal, abnormal: abnormal,
    f"{BETWEEN} normal ones, an abnormal one, and so on": lambda normal, abnormal: alternate(normal, abnormal),
}


@dataclasses.dataclass(frozen=True)
class Joined:
    """Recordings joined to a stream: a source of `ecg_edge.watch`."""

    records: Sequence[Record]

    def open(self, metadata: ModelMetadata, reporter) -> LiveSignal:
        """Begin the signal: see `ecg_edge.api.live_signal.LiveSource`."""
        fs = self.records[0].fs
        return LiveSignal(Sensor(fs, (GAIN,)), fs, self._count(metadata.leads))

    def _count(self, leads: Sequence[str]) -> Iterator[np.ndarray]:
        for record in self.records:
            assert record.signal is not None
            signal = record.signal[:, record.find_columns(leads)].astype(np.float64)
            counts = np.rint((signal - np.nanmedian(signal, axis=0)) * GAIN)  # no step where they are joined
            yield np.where(np.isnan(counts), MISSING, counts.clip(-32767, 32767)).astype(np.int16)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--run", "folder", type=click.Path(path_type=Path), required=True, help="The run that FILE comes from.")
@click.option("--records", type=int, help="Only the first ones of the test part.")
@result_option
def main(file, folder, records, result):
    from firmware_bench.runtime.metadata_format import read_metadata
    from firmware_bench.runtime.tflite_reader import read_model_file

    own = read_metadata(read_model_file(file)).decision.get("threshold")
    if own is None:
        raise InputError(f"{file} is no detector of anomalies: it has no threshold")
    parts = read_test_part(folder, records)
    rows = []
    for title, choose in STREAMS.items():
        streams = [choose(*part) for part in parts.values()]
        windows = [window for stream in streams if stream for window in judge_stream(file, stream)]
        rows.append({"stream": title, **summarise(windows, own)})
    normal, abnormal = (sum(len(part[kind]) for part in parts.values()) for kind in (0, 1))
    conditions = (
        f"{file.name} in integers, test part, {normal} normal and {abnormal} abnormal recordings, "
        f"a stream for each rate; windows within {MARGIN_S:g} s of a join left out"
    )
    report(result, "Windows of a stream that are called abnormal", "measured", conditions, rows)


def read_test_part(folder: Path, limit: int | None) -> dict[float, tuple[list, list]]:
    """Return a run's test part: rate, Hz → its normal and its abnormal recordings, each a Record and whether it is
    abnormal."""
    from ecg_edge import Run

    trained = Run(folder)
    dataset, wanted = trained.dataset, set(trained.split["test"])
    found: dict[float, tuple[list, list]] = defaultdict(lambda: ([], []))
    chosen = [entry for entry in dataset.entries if entry.name in wanted and entry.labels]
    for entry in chosen[:limit]:
        record = dataset.database.read(dataset.folder, entry)
        found[record.fs][0 if entry.normal else 1].append((record, not entry.normal))
    if not found:
        raise InputError(f"{folder} has no test part")
    return dict(found)


def alternate(normal: Sequence, abnormal: Sequence) -> list:
    """Return each abnormal recording behind some normal ones, which come again from the first on."""
    mixed = []
    for number, ill in enumerate(abnormal):
        mixed += [normal[(number * BETWEEN + n) % len(normal)] for n in range(BETWEEN)] if normal else []
        mixed.append(ill)
    return mixed


def judge_stream(file: Path, stream: Sequence[tuple[Record, bool]]) -> list[tuple[bool, float, float]]:
    """Return the windows of a stream that count: whether the recording is abnormal, the score and the threshold."""
    import ecg_edge

    ends = np.cumsum([record.seconds for record, _ in stream])
    found = []
    for answer in ecg_edge.watch(file, Joined([record for record, _ in stream])):
        assert answer.score is not None and answer.threshold is not None
        number = int(np.searchsorted(ends, answer.seconds))
        if number == len(ends) or answer.quality:
            continue
        begin = ends[number] - stream[number][0].seconds
        if begin + MARGIN_S <= answer.seconds <= ends[number] - MARGIN_S + 1:
            found.append((stream[number][1], answer.score, answer.threshold))
    return found


def summarise(windows: Sequence[tuple[bool, float, float]], fixed: float) -> dict:
    """Return how many windows of each kind there are, and how many are above the running threshold and above a fixed
    one, in percent."""
    ill, scores, thresholds = (np.array(values) for values in zip(*windows, strict=True))
    row = {}
    for name, own in (("normal", ~ill), ("abnormal", ill)):
        row[f"{name}_windows"] = int(own.sum())
        for kind, above in (("running", scores > thresholds), ("file", scores > fixed)):
            row[f"{name}_{kind}_percent"] = round(100 * float(above[own].mean()), 1) if own.any() else None
    return row


if __name__ == "__main__":
    run(main)
