"""A data set's recordings as tasks take them: prepared once, kept on disk and mapped into memory.

A cache folder holds signals.f32 (samples of all recordings one after the other, leads), the beats and rhythm marks as
.npy files, and index.json: what was wrong with some recordings. Its name is a fingerprint of the data and of every
parameter, so a changed file or setting makes a new one.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ecg_edge.records.record import Entry, Record
from ecg_edge.signals.preprocessing import Preprocessing, find_flat_leads
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import atomic_write, read_json, write_json

UNREADABLE_SHARE = 0.05  # above this share of unreadable recordings the data set, not the recording, is at fault
FORMAT = 2  # of the cache; to be raised when what is stored for the same parameters changes
NOTES = ("recordings without signal", "recordings with gaps (NaN)", "recordings with a flat lead")
MARKS = {  # what is stored beside the signals: name → type
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
    """All recordings of a data set, the i-th of them in rows `starts[i]` to `starts[i + 1]` of what belongs to it.

    signals: float32 (samples, leads) at the rate and in the form that the steps give. lengths: int64 (n,) samples of
    each at that rate, also where there is no signal; 0 where the recording could not be read.
    beat_times: s (beats,) from the recording's start, at the recording's own resolution; beat_symbols: WFDB codes, S1.
    bout_bounds: s (bouts, 2) first and past-the-end time of each rhythm interval; bout_rhythms: the database's codes.
    problems: recording name → why it could not be read. notes: what was repaired → number of recordings.
    key: identifies all this among what is cached; "" where it is in memory only.
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
    key: str = ""

    def positions(self, names: Iterable[str]) -> np.ndarray:
        """Positions in `entries` of the recordings called `names` that could be read, int64, ascending."""
        wanted = set(names)
        chosen = [i for i, entry in enumerate(self.entries) if entry.name in wanted and self.lengths[i]]
        return np.array(chosen, np.int64)

    def signal(self, position: int) -> np.ndarray:
        """The recording's prepared signal (samples, leads); no samples where it has none."""
        return self.signals[self.starts[position] : self.starts[position + 1]]

    def beats(self, position: int) -> tuple[np.ndarray, np.ndarray]:
        """The recording's beats: their times in s and their symbols."""
        rows = slice(self.beat_starts[position], self.beat_starts[position + 1])
        return self.beat_times[rows], self.beat_symbols[rows]

    def bouts(self, position: int) -> tuple[np.ndarray, np.ndarray]:
        """The recording's rhythm intervals: their bounds in s (bouts, 2) and their rhythms."""
        rows = slice(self.bout_starts[position], self.bout_starts[position + 1])
        return self.bout_bounds[rows], self.bout_rhythms[rows]


class _Marks:
    """What belongs to the recordings read so far, beside their signals."""

    def __init__(self, fs: float):
        self.fs = fs
        self.counts = {"starts": [0], "beat_starts": [0], "bout_starts": [0]}
        self.lengths, self.times, self.symbols, self.bounds, self.rhythms = [], [], [], [], []
        self.problems: dict[str, str] = {}
        self.notes = dict.fromkeys(NOTES, 0)

    def add(self, record: Record | None, signal: np.ndarray, original: np.ndarray | None) -> None:
        """The marks of one recording, or none where it could not be read; `signal` is its prepared one."""
        beats = record.beats if record else None
        bouts = record.rhythms if record else ()
        if record:
            self.times.append((beats.samples if beats else np.zeros(0)) / record.fs)
            self.symbols.append(np.asarray(beats.symbols if beats else [], "S1"))
            self.bounds += [(bout.start / record.fs, bout.stop / record.fs) for bout in bouts]
            self.rhythms += [bout.rhythm for bout in bouts]
            states = (original is None, *((np.isnan(original).any(), find_flat_leads(original).any())
                                          if original is not None else (False, False)))  # fmt: skip
            for note, applies in zip(NOTES, states, strict=True):
                self.notes[note] += bool(applies)
        self.lengths.append(round(record.seconds * self.fs) if record and original is None else len(signal))
        for key, more in (("starts", len(signal)), ("beat_starts", len(beats.samples) if beats else 0),
                          ("bout_starts", len(bouts))):  # fmt: skip
            self.counts[key].append(self.counts[key][-1] + more)

    def arrays(self) -> dict[str, np.ndarray]:
        values = {
            "lengths": self.lengths,
            **self.counts,
            "beat_times": np.concatenate([np.zeros(0), *self.times]),
            "beat_symbols": np.concatenate([np.zeros(0, "S1"), *self.symbols]),
            "bout_bounds": np.reshape(self.bounds, (-1, 2)),
            "bout_rhythms": self.rhythms,
        }
        return {name: np.asarray(values[name], kind) for name, kind in MARKS.items()}


def prepare(record: Record, leads: Sequence[str], steps: Preprocessing) -> tuple[np.ndarray, float]:
    """One recording's signal as the model takes it: float32 (samples, leads), and its rate in Hz.

    Raises InputError, naming the record, where a lead is missing or the rate is too low.
    """
    signal = record.select_leads(tuple(leads))
    try:
        return steps(signal, record.fs)
    except InputError as error:
        raise InputError(f"record {record.name}: {error}") from None


def prepare_records(records: Sequence[Record], leads: Sequence[str], steps: Sequence[dict], fs: float) -> Recordings:
    """`records` in memory, prepared. Raises InputError for one that does not come out at `fs` Hz, or lacks a lead."""
    marks, signals = _Marks(fs), [np.zeros((0, len(leads)), np.float32)]
    for record in records:
        if record.signal is not None:
            signal, rate = prepare(record, leads, Preprocessing(steps))
            if rate != fs:
                raise InputError(
                    f"record {record.name}: sampled at {record.fs:g} Hz, and the model takes {fs:g} Hz without "
                    "resampling"
                )
            signals.append(signal)
        marks.add(record, signals[-1] if record.signal is not None else signals[0], record.signal)
    entries = tuple(Entry(r.name, r.name, r.patient, r.labels) for r in records)
    return Recordings(entries, fs, np.concatenate(signals), **marks.arrays(), problems={}, notes=marks.notes)


def cache_folder() -> Path:
    """Where prepared data is kept: $ECG_EDGE_CACHE, or ecg-edge in the user's cache folder."""
    own = os.environ.get("ECG_EDGE_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ecg-edge"


def load_recordings(
    entries: Sequence[Entry],
    read: Callable[[Entry], Record],
    stamp: str,
    leads: Sequence[str],
    steps: Sequence[dict],
    fs: float,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Recordings:
    """All `entries`, prepared by `steps` to `fs` Hz, from the cache where it has them. `stamp` identifies the data's
    content and what `read` does with it; `advance(done, total)` is called after each recording.

    Raises InputError where more than 5 % of the recordings cannot be used, with the first reason.
    """
    parameters = [FORMAT, stamp, [entry.name for entry in entries], list(leads), list(steps), fs]
    key = hashlib.sha256(json.dumps(parameters).encode()).hexdigest()[:24]
    folder = cache_folder() / key
    if not (folder / "index.json").exists():
        with atomic_write(folder) as temporary:
            temporary.mkdir()
            _write(temporary, entries, read, leads, Preprocessing(steps), fs, advance)
    index = read_json(folder / "index.json")
    marks = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in MARKS}
    shape = (int(marks["starts"][-1]), len(leads))
    # An empty file cannot be mapped.
    mapped = np.memmap(folder / "signals.f32", np.float32, mode="r", shape=shape) if all(shape) else np.zeros(shape)
    return Recordings(tuple(entries), fs, mapped, **marks, problems=index["problems"], notes=index["notes"], key=key)


def _write(folder, entries, read, leads, steps, fs, advance):
    marks, nothing = _Marks(fs), np.zeros((0, len(leads)), np.float32)
    with open(folder / "signals.f32", "wb") as file:
        for position, entry in enumerate(entries):
            try:
                record = read(entry)
                signal = nothing if record.signal is None else prepare(record, leads, steps)[0]
                original = None if record.signal is None else record.select_leads(tuple(leads))
            except InputError as error:
                marks.problems[entry.name] = str(error)
                marks.add(None, nothing, None)
                if len(marks.problems) > max(1, UNREADABLE_SHARE * len(entries)):
                    raise InputError(
                        f"more than {UNREADABLE_SHARE:.0%} of {len(entries)} recordings cannot be used; first: "
                        f"{next(iter(marks.problems.values()))}"
                    ) from None
            else:
                file.write(signal.tobytes())  # unlike tofile, says why when the disk is full
                marks.add(record, signal, original)
            advance(position + 1, len(entries))
    if not any(marks.lengths):
        first = next(iter(marks.problems.values()), "-")
        raise InputError(f"none of {len(entries)} recordings can be used; first: {first}")
    for name, values in marks.arrays().items():
        np.save(folder / f"{name}.npy", values)
    write_json(folder / "index.json", {"problems": marks.problems, "notes": marks.notes})
