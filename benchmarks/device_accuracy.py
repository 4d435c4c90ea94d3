"""What a device says of beats and rhythms, behind its own R peaks and behind annotated ones.

    ECG_EDGE_DATA=… python benchmarks/device_accuracy.py RHYTHM.tflite --run RUN [--records 2]

RHYTHM.tflite is a rhythm model with its beat classifier beside it, trained with causal preprocessing. Half-hour records
go through the whole path in integers, as `ecg-edge predict --device` has it: MIT-BIH's DS2, and the records of SVDB
whose patients the run, or a run that it comes from, was not trained on.
"""

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import click
import numpy as np
from benchmark_result import report, result_option, run

from ecg_edge.evaluation.device_answers import RhythmAnswers
from ecg_edge.records.record import Entry, Record
from firmware_bench.front_end.qrs_detector import FS
from firmware_bench.runtime.errors import InputError

DATABASES = {"mitdb": "MIT-BIH, DS2", "svdb": "SVDB"}
LARGEST_SHARE = "mitdb/232"  # has most supraventricular beats of DS2
PEAKS = ("detected", "annotated")
LENGTHS = {"up to 30 s": (0.0, 30.0), "30 s to 5 min": (30.0, 300.0), "longer": (300.0, np.inf)}


class AnnotatedPeaks:
    """A detector that finds the annotated beats, a sample late."""

    def __init__(self, record: Record):
        assert record.beats is not None
        self._peaks = set(np.rint(record.beats.samples / record.fs * FS).astype(int).tolist())
        self._last = -1

    def push(self, sample: int) -> int:
        """Take a sample → 1 where the one before was an R peak, else 0."""
        self._last += 1
        return int(self._last - 1 in self._peaks)


@dataclasses.dataclass(frozen=True)
class Answers:
    """What a device said of a record, against its annotations.

    Attributes:
        record: Its database and name.
        beats: The counts, as `ecg_edge.tasks.beats.count_beats`.
        rhythms: None where none is annotated, as in SVDB.
    """

    record: str
    beats: np.ndarray
    rhythms: RhythmAnswers | None


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--run", "folder", type=click.Path(path_type=Path), required=True, help="The run that FILE comes from.")
@click.option("--records", type=int, help="Only the first ones of each database.")
@click.option("--processes", default=2, show_default=True)
@result_option
def main(file, folder, records, processes, result):
    listed = [row for database in DATABASES for row in list_unknown(database, folder, records)]
    if not listed:
        raise InputError("no recordings are here (ECG_EDGE_DATA), or the run was trained on all of them")
    rows = []
    with ProcessPoolExecutor(processes) as pool:
        judge = map if processes == 1 else pool.map
        found = {
            peaks: list(judge(judge_record, *zip(*((file, *each, peaks) for each in listed), strict=True)))
            for peaks in PEAKS
        }
    for database, title in DATABASES.items():
        chosen = {
            peaks: [one for one in answers if one.record.startswith(database)] for peaks, answers in found.items()
        }
        others = {peaks: [one for one in answers if one.record != LARGEST_SHARE] for peaks, answers in chosen.items()}
        rows += [row for peaks in PEAKS for row in summarise_beats(title, peaks, chosen[peaks])]
        if others != chosen:
            rows += [row for peaks in PEAKS for row in summarise_beats(f"{title}, without 232", peaks, others[peaks])]
    with_rhythms = {peaks: [one for one in answers if one.rhythms] for peaks, answers in found.items()}
    rows += [row for peaks in PEAKS for row in summarise_rhythms(DATABASES["mitdb"], peaks, with_rhythms[peaks])]
    rows += [row for peaks in PEAKS for row in summarise_episodes(peaks, with_rhythms[peaks])]
    rows += [describe_record(peaks, one) for peaks in PEAKS for one in with_rhythms[peaks]]
    conditions = (
        f"{file.name} and its beat classifier in integers, half-hour records at their own rate from counts on; no "
        "recording of a patient of the training part; 95 % intervals by bootstrap over records; an episode counts as "
        "found or true where any part of it agrees; atrial flutter counts as neither"
    )
    report(result, "What a device says of beats and rhythms", "measured", conditions, rows)


def list_unknown(name: str, folder: Path, limit: int | None) -> list[tuple[str, Entry]]:
    """Return a database's records, with its name, whose patients a run was not trained on; of mitdb those of DS2."""
    from ecg_edge import Run
    from ecg_edge.records.databases.catalogue import locate

    runs, learnt = [Run(folder)], set()
    while runs:
        trained = runs.pop()
        runs += trained.sources
        is_union = "+" in trained.config["data"]  # whose records are named DATABASE/RECORD
        learnt |= {one if is_union else f"{trained.config['data']}/{one}" for one in trained.split["train"]}
    try:
        database, place = locate(name)
    except InputError:
        return []
    entries = database.index(place)
    patients = {entry.patient for entry in entries if f"{name}/{entry.name}" in learnt}
    entries = [
        entry for entry in entries if entry.patient not in patients and (name != "mitdb" or entry.part == "test")
    ]
    return [(name, entry) for entry in entries[:limit]]


def judge_record(file: Path, database: str, entry: Entry, peaks: str) -> Answers:
    """Let the device say what it says of a record, and compare that with the annotations."""
    from ecg_edge import Replay, predict_on_device
    from ecg_edge.evaluation.device_answers import count_said_beats, judge_rhythms
    from ecg_edge.records.databases.catalogue import locate
    from firmware_bench.runtime.metadata_format import read_metadata

    found_in, folder = locate(database)
    record = found_in.read(folder, entry)
    detector = AnnotatedPeaks(record) if peaks == "annotated" else None
    said = predict_on_device(file, Replay(folder / entry.path, "max"), detector=detector)
    beats = count_said_beats(record, [beat["time_s"] for beat in said.beats], [beat["label"] for beat in said.beats])
    episodes = [(each.onset_s, each.end_s, each.label) for each in said.episodes]
    labels = read_metadata(file.read_bytes()).labels
    rhythms = judge_rhythms(record, episodes, labels) if database == "mitdb" else None
    return Answers(f"{database}/{entry.name}", beats, rhythms)


def summarise_beats(title: str, peaks: str, answers: Sequence[Answers]) -> list[dict]:
    """Return the row of some records' beats; none without records."""
    from ecg_edge.tasks.beats import CLASSES, MISSED, NO_BEAT, beat_metrics

    if not answers:
        return []
    tables = np.array([one.beats for one in answers])

    def measure(positions):
        found = beat_metrics(tables[positions].sum(axis=0))
        normal = {"N_sensitivity": "recall", "N_positive_predictivity": "precision", "N_F1": "f1"}
        ectopic = {key: value for (key, *rest), value in found.items() if key.startswith(("SVEB", "VEB"))}
        return {key: found["classes", "N", metric] for key, metric in normal.items()} | ectopic

    total = tables.sum(axis=0)
    counts = {name: int(total[number].sum()) for number, name in enumerate(CLASSES)}
    return [
        {
            "beats_of": f"{title}, {count_records(answers)}",
            "peaks": peaks,
            **{f"{name}_beats": count for name, count in counts.items()},
            "missed": int(total[:NO_BEAT, MISSED].sum()),
            "false": int(total[NO_BEAT].sum()),
            **estimate(measure, len(answers)),
        }
    ]


def summarise_rhythms(title: str, peaks: str, answers: Sequence[Answers]) -> list[dict]:
    """Return the row of some records' bouts of rhythms; none without records."""
    from ecg_edge.tasks.metrics import precision_recall_f1

    bouts = [one.rhythms.bouts for one in answers if one.rhythms]
    classes = sorted({true for each in bouts for true, _ in each})
    if not classes:
        return []
    tables = np.zeros((len(bouts), len(classes), len(classes) + 1), np.int64)  # the last column: another one, or none
    for table, each in zip(tables, bouts, strict=True):
        for true, said in each:
            table[classes.index(true), classes.index(said) if said in classes else -1] += 1

    def measure(positions):
        total = tables[positions].sum(axis=0)
        hits = total.diagonal()
        f1 = precision_recall_f1(hits, total.sum(axis=1), total[:, :-1].sum(axis=0))["f1"]
        named = {f"{name}_F1": float(value) for name, value in zip(classes, f1, strict=True)}
        return {"macro_f1": float(np.nanmean(f1)), "accuracy": float(hits.sum() / total.sum()), **named}

    counts = tables.sum(axis=(0, 2)).tolist()
    return [
        {
            "rhythms_of": f"{title}, {count_records(bouts)}",
            "peaks": peaks,
            "bouts": ", ".join(f"{name} {count}" for name, count in zip(classes, counts, strict=True)),
            **estimate(measure, len(bouts)),
        }
    ]


def summarise_episodes(peaks: str, answers: Sequence[Answers]) -> list[dict]:
    """Return a row for the episodes of AF of each length, one of all of them, and one of their time."""
    rhythms = [one.rhythms for one in answers if one.rhythms]
    if not rhythms:
        return []
    rows = []
    for title, (low, high) in {**LENGTHS, "all": (0.0, np.inf)}.items():
        annotated, said = (
            [agrees for one in rhythms for length, agrees in getattr(one, kind) if low <= length < high]
            for kind in ("annotated_af", "said_af")
        )
        rows.append({"episodes": title, "peaks": peaks, **_share_found(annotated, said)})
    errors = [100 * (one.said_s - one.annotated_s) / one.seconds for one in rhythms]
    return [
        *rows,
        {
            "burden": count_records(rhythms),
            "peaks": peaks,
            "sensitivity_of_time": share(sum(one.common_s for one in rhythms), sum(one.annotated_s for one in rhythms)),
            "predictivity_of_time": share(sum(one.common_s for one in rhythms), sum(one.said_s for one in rhythms)),
            "mean_error_points": round(float(np.mean(np.abs(errors))), 2),
            "largest_error_points": round(float(np.max(np.abs(errors))), 2),
            "silent_percent": round(100 * float(np.mean([one.silent for one in rhythms])), 2),
        },
    ]


def _share_found(annotated: Sequence[bool], said: Sequence[bool]) -> dict:
    return {
        "annotated": len(annotated),
        "found": sum(annotated),
        "episode_sensitivity": share(sum(annotated), len(annotated)),
        "said": len(said),
        "true": sum(said),
        "episode_predictivity": share(sum(said), len(said)),
    }


def describe_record(peaks: str, one: Answers) -> dict:
    """Return the row of a record's burden of AF."""
    assert one.rhythms is not None
    seconds = one.rhythms.seconds
    return {
        "record": one.record,
        "peaks": peaks,
        "annotated_percent": share(100 * one.rhythms.annotated_s, seconds, 2),
        "said_percent": share(100 * one.rhythms.said_s, seconds, 2),
    }


def estimate(measure: Callable[[np.ndarray], dict[str, float]], records: int) -> dict[str, dict]:
    """Return each metric of `measure`, positions of records → metrics, with its interval."""
    from ecg_edge.evaluation.bootstrap import bootstrap_intervals

    values = measure(np.arange(records))
    patients = [str(number) for number in range(records)]
    bounds = bootstrap_intervals(lambda positions: np.array(list(measure(positions).values())), patients)
    return {
        name: {"value": _round(value), "low": _round(low), "high": _round(high)}
        for (name, value), (low, high) in zip(values.items(), bounds, strict=True)
    }


def count_records(answers: Sequence) -> str:
    """Return how many records there are, in words."""
    return f"{len(answers)} record{'s' if len(answers) > 1 else ''}"


def share(part: float, whole: float, digits: int = 3) -> float | None:
    """Return part / whole; None where there is no whole."""
    return round(float(part / whole), digits) if whole else None


def _round(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


if __name__ == "__main__":
    run(main)
