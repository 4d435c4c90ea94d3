"""The prepared recordings of a data set: preprocessed once, cached on disk and mapped into memory.

A cache folder holds signals.f32 (samples of all recordings one after the other, leads), beat and rhythm annotations as
.npy files, and index.json: which recordings were unreadable or repaired, and hashes of their leads. Its name is a hash
of the data and of every parameter, so a changed file or setting makes a new one.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg_edge.records.identity import digest_leads
from ecg_edge.records.quality import SignalQuality, assess_signal
from ecg_edge.records.record import Entry, Record
from ecg_edge.records.record_error import describe_unreadable
from ecg_edge.signals.preprocessing import Preprocessing
from firmware_bench.runtime import file_lock
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import atomic_folder, describe_os_error, read_json, write_json
from firmware_bench.runtime.paths import cache_folder

UNREADABLE_SHARE = 0.05  # above this share of unreadable recordings the data set, not the recording, is at fault
CACHE_VERSION = 4  # increase it when what is stored for the same parameters changes
NOTES = ("recordings without signal", "recordings with gaps (NaN)", "recordings with a flat lead")
STORED_ARRAYS = {  # beside the signals: name → dtype
    "lengths": np.int64,
    "starts": np.int64,
    "beat_starts": np.int64,
    "beat_times": np.float64,
    "beat_symbols": "S1",
    "bout_starts": np.int64,
    "bout_bounds": np.float64,
    "bout_rhythms": "U8",
}


@dataclasses.dataclass(frozen=True)
class Recordings:
    """All recordings of a data set, concatenated: the i-th recording has rows `starts[i]` to `starts[i + 1]`.

    Attributes:
        entries: of the recordings, (n,).
        fs: sampling rate after preprocessing, Hz.
        signals: float32 (samples, leads), preprocessed.
        lengths: int64 (n,), samples of each at `fs`, also without signal; 0 where the recording could not be read.
        starts: int64 (n + 1,), rows of `signals`; beat_starts and bout_starts likewise of the annotations.
        beat_times: float64 (beats,), s from the recording's start, at the recording's own resolution.
        beat_symbols: S1 (beats,), WFDB codes.
        bout_bounds: float64 (bouts, 2), start and end (exclusive) of each rhythm interval, s.
        bout_rhythms: U8 (bouts,), the database's codes.
        problems: recording name → why it could not be read.
        notes: kind of repair → number of recordings.
        warnings: recording name → what makes its amplitudes none of an ECG.
        units: of the recordings with a signal, each unit once.
        key: of the cache folder; "" in memory.
        digests: recording name → hashes of the leads as they were read (ecg_edge.records.identity); {} in memory.
    """

    entries: Sequence[Entry]
    fs: float
    signals: np.ndarray
    lengths: np.ndarray
    starts: np.ndarray
    beat_starts: np.ndarray
    beat_times: np.ndarray
    beat_symbols: np.ndarray
    bout_starts: np.ndarray
    bout_bounds: np.ndarray
    bout_rhythms: np.ndarray
    problems: Mapping[str, str]
    notes: Mapping[str, int]
    warnings: Mapping[str, str] = dataclasses.field(default_factory=dict)
    units: tuple[str, ...] = ()
    key: str = ""
    digests: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)

    def positions(self, names: Iterable[str]) -> np.ndarray:
        """Positions in `entries` of the recordings called `names` that could be read, int64, ascending."""
        wanted = set(names)
        return np.array([i for i, e in enumerate(self.entries) if e.name in wanted and self.lengths[i]], np.int64)

    def signal(self, position: int) -> np.ndarray:
        """The recording's prepared signal (samples, leads); no samples where it has none."""
        return self.signals[self.starts[position] : self.starts[position + 1]]

    def has_signal(self) -> np.ndarray:
        """Whether each recording has a signal, bool (n,)."""
        return np.diff(self.starts) > 0

    def beats(self, position: int) -> tuple[np.ndarray, np.ndarray]:
        """The recording's beats: their times in s and their symbols."""
        rows = slice(self.beat_starts[position], self.beat_starts[position + 1])
        return self.beat_times[rows], self.beat_symbols[rows]

    def bouts(self, position: int) -> tuple[np.ndarray, np.ndarray]:
        """The recording's rhythm intervals: their bounds in s (bouts, 2) and their rhythms."""
        rows = slice(self.bout_starts[position], self.bout_starts[position + 1])
        return self.bout_bounds[rows], self.bout_rhythms[rows]


class _Annotations:
    """Lengths and annotations of the recordings read so far."""

    def __init__(self, fs: float):
        self.fs = fs
        self.counts = {"starts": [0], "beat_starts": [0], "bout_starts": [0]}
        self.lengths, self.times, self.symbols, self.bounds, self.rhythms = [], [], [], [], []
        self.problems: dict[str, str] = {}
        self.notes: dict[str, int] = dict.fromkeys(NOTES, 0)
        self.digests: dict[str, Sequence[str]] = {}
        self.warnings: dict[str, str] = {}
        self.units: list[str] = []

    def add(self, record: Record | None, signal: np.ndarray, quality: SignalQuality | None = None) -> None:
        """Append a recording, or None where it could not be read.

        signal: The prepared one. quality: Of the raw one; None where annotations alone are used.
        """
        beats = record.beats if record else None
        bouts = record.rhythms if record else ()
        if record:
            self.times.append((beats.samples if beats else np.zeros(0)) / record.fs)
            self.symbols.append(np.asarray(beats.symbols if beats else [], "S1"))
            self.bounds += [(bout.start / record.fs, bout.stop / record.fs) for bout in bouts]
            self.rhythms += [bout.rhythm for bout in bouts]
            if quality:
                gaps, flat = quality.missing_share > 0, bool(quality.flat_leads)
                if quality.impossible_amplitudes:
                    self.warnings[record.name] = "; ".join(quality.impossible_amplitudes)
                if record.units not in self.units:
                    self.units.append(record.units)
            states = (False, gaps, flat) if quality else (True, False, False)
            for note, applies in zip(NOTES, states, strict=True):
                self.notes[note] += applies
        self.lengths.append(round(record.seconds * self.fs) if record and not quality else len(signal))
        for key, more in (("starts", len(signal)), ("beat_starts", len(beats.samples) if beats else 0),
                          ("bout_starts", len(bouts))):  # fmt: skip
            self.counts[key].append(self.counts[key][-1] + more)

    def remarks(self) -> dict[str, Any]:
        return {"notes": self.notes, "warnings": self.warnings, "units": tuple(self.units)}

    def arrays(self) -> dict[str, Any]:
        values = {
            "lengths": self.lengths,
            **self.counts,
            "beat_times": np.concatenate([np.zeros(0), *self.times]),
            "beat_symbols": np.concatenate([np.zeros(0, "S1"), *self.symbols]),
            "bout_bounds": np.reshape(self.bounds, (-1, 2)),
            "bout_rhythms": self.rhythms,
        }
        return {name: np.asarray(values[name], kind) for name, kind in STORED_ARRAYS.items()}


def prepare(record: Record, leads: Sequence[str], steps: Preprocessing) -> tuple[np.ndarray, float]:
    """Preprocess one recording.

    Returns:
        The signal, float32 (samples, leads), and its sampling rate, Hz.

    Raises:
        InputError: a lead is missing, or the sampling rate is too low; names the record.
    """
    signal = record.select_leads(tuple(leads))
    try:
        return steps(signal, record.fs)
    except InputError as error:
        raise InputError(f"record {record.name}: {error}") from None


def prepare_records(
    records: Sequence[Record],
    leads: Sequence[str],
    steps: Sequence[dict],
    fs: float,
    qualities: Sequence[SignalQuality] = (),
) -> Recordings:
    """Prepare `records` in memory.

    Args:
        records: with their signals, or annotations alone.
        leads: names.
        steps: preprocessing, see ecg_edge.signals.preprocessing.
        fs: sampling rate after preprocessing, Hz.
        qualities: of the signals, where they are known already.

    Raises:
        InputError: a record lacks a lead, or its sampling rate after preprocessing is not `fs` Hz.
    """
    annotations, nothing, signals = _Annotations(fs), np.zeros((0, len(leads)), np.float32), []
    for position, record in enumerate(records):
        signal, quality = nothing, None
        if record.signal is not None:
            quality = qualities[position] if qualities else assess_signal(record, leads)
            signal, rate = prepare(record, leads, Preprocessing(steps))
            if rate != fs:
                raise InputError(
                    f"record {record.name}: sampled at {record.fs:g} Hz, and the model takes {fs:g} Hz without "
                    "resampling"
                )
            signals.append(signal)
        annotations.add(record, signal, quality)
    # One recording is not copied once more: it may be a day of twelve leads.
    joined = signals[0] if len(signals) == 1 else np.concatenate([nothing, *signals])
    entries = tuple(Entry(r.name, r.name, r.patient, r.labels) for r in records)
    return Recordings(entries, fs, joined, **annotations.arrays(), problems={}, **annotations.remarks())


def load_recordings(
    entries: Sequence[Entry],
    read: Callable[[Entry], Record],
    stamp: str,
    leads: Sequence[str],
    steps: Sequence[dict],
    fs: float,
    advance: Callable[[int, int], None] = lambda done, total: None,
    wait: Callable[[], None] = lambda: None,
    annotations_suffice: bool = False,
) -> Recordings:
    """All recordings of a data set, prepared; from the cache where it has them.

    Where another process is preparing the same ones, its result is waited for.

    Args:
        entries: of the recordings.
        read: reads one of them.
        stamp: identifies the data's content and what `read` does with it.
        leads: names.
        steps: preprocessing, see ecg_edge.signals.preprocessing.
        fs: sampling rate after preprocessing, Hz.
        advance: called with the numbers done and total after each recording that is not in the cache.
        wait: called once where another process is waited for.
        annotations_suffice: a recording without signal is one nevertheless; without leads every one is.

    Raises:
        InputError: more than 5 % of the recordings cannot be used, with the first reason; or the cache cannot be
            written.
    """
    parameters = [CACHE_VERSION, stamp, [entry.name for entry in entries], list(leads), list(steps), fs]
    parameters += ["annotations suffice"] if annotations_suffice else []
    key = hashlib.sha256(json.dumps(parameters).encode()).hexdigest()[:24]
    folder = cache_folder() / key
    if not (folder / "index.json").exists():
        _fill_cache(folder, wait, entries, read, leads, Preprocessing(steps), fs, advance, annotations_suffice)
    index = read_json(folder / "index.json")
    annotations = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in STORED_ARRAYS}
    shape = (int(annotations["starts"][-1]), len(leads))
    # An empty file cannot be mapped.
    mapped = np.memmap(folder / "signals.f32", np.float32, mode="r", shape=shape) if all(shape) else np.zeros(shape)
    index["units"] = tuple(index["units"])
    return Recordings(tuple(entries), fs, mapped, **annotations, **index, key=key)


def _fill_cache(folder: Path, wait: Callable[[], None], *what) -> None:
    """Prepare the recordings into a new folder of the cache, unless another process has done so meanwhile."""
    cache = folder.parent
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with file_lock.hold(cache / f".{folder.name}.lock", wait):
            if not (folder / "index.json").exists():
                with atomic_folder(folder) as temporary:
                    _write(temporary, *what)
    except OSError as error:
        if (folder / "index.json").exists():  # of a faster process, where the file system has no locks
            return
        named = Path(os.fsdecode(error.filename or ""))
        if named != Path() and (named.is_relative_to(cache) or cache.is_relative_to(named)):
            error.filename = str(cache)
            raise InputError(
                f"{describe_os_error(error)}; prepared recordings are kept there, or in the folder that "
                "ECG_EDGE_CACHE names"
            ) from None
        raise


def _write(folder, entries, read, leads, steps, fs, advance, annotations_suffice):
    annotations, nothing = _Annotations(fs), np.zeros((0, len(leads)), np.float32)
    with open(folder / "signals.f32", "wb") as file:
        for position, entry in enumerate(entries):
            try:
                record = read(entry)
                annotated_alone = not leads or (annotations_suffice and record.signal is None)
                signal = nothing if annotated_alone else prepare(record, leads, steps)[0]
                quality = None if annotated_alone else assess_signal(record, leads)
            except Exception as error:  # of a reader, which any file may surprise
                annotations.problems[entry.name] = describe_unreadable(entry.name, error)
                annotations.add(None, nothing)
                if len(annotations.problems) > max(1, UNREADABLE_SHARE * len(entries)):
                    raise InputError(
                        f"more than {UNREADABLE_SHARE:.0%} of {len(entries)} recordings cannot be used; first: "
                        f"{next(iter(annotations.problems.values()))}"
                    ) from None
            else:
                file.write(signal.tobytes())  # unlike tofile, says why when the disk is full
                annotations.add(record, signal, quality)
                annotations.digests[entry.name] = digest_leads(record.signal)
            advance(position + 1, len(entries))
    if not any(annotations.lengths):
        first = next(iter(annotations.problems.values()), "-")
        raise InputError(f"none of {len(entries)} recordings can be used; first: {first}")
    for name, values in annotations.arrays().items():
        np.save(folder / f"{name}.npy", values)
    index = {"problems": annotations.problems, "digests": annotations.digests, **annotations.remarks()}
    write_json(folder / "index.json", index)
