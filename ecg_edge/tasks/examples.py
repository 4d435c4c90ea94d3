"""Recordings as examples: windows, preprocessed once, kept on disk and mapped into memory.

A cache folder holds windows.f32 (windows, samples, leads), records.npy (windows,) int32, the position in the list of
recordings that each window comes from, and index.json: the recordings, and what was wrong with some. Its name is a
fingerprint of the data and of every parameter, so a changed file or setting makes a new one.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ecg_edge.errors import InputError
from ecg_edge.files import read_json, whole, write_json
from ecg_edge.records.record import Entry, Record
from ecg_edge.signals.preprocessing import Preprocessing, flat_leads
from ecg_edge.signals.windows import windows

UNREADABLE_SHARE = 0.05  # above this share of unreadable recordings the data set, not the recording, is at fault
FORMAT = 1  # of the cache; to be raised when what is stored for the same parameters changes


@dataclasses.dataclass(frozen=True)
class WindowCache:
    """All windows of a data set, mapped into memory: `windows` (n, samples, leads) float32, `records` (n,) int32.

    problems: recording name → why it could not be read. notes: what was repaired → number of recordings.
    """

    windows: np.ndarray
    records: np.ndarray
    entries: Sequence[Entry]
    problems: Mapping[str, str]
    notes: Mapping[str, int]

    def examples(self, names: Sequence[str]) -> "Examples":
        """The windows of the recordings called `names`; those that could not be read have none."""
        wanted = set(names)
        positions = [position for position, entry in enumerate(self.entries) if entry.name in wanted]
        return Examples(self, np.flatnonzero(np.isin(self.records, positions)))


@dataclasses.dataclass(frozen=True)
class Examples:
    """Some windows of a cache, read from disk when asked for: memory holds a batch, not the data set."""

    cache: WindowCache
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def records(self) -> np.ndarray:
        """The position in `entries` of the recording that each window comes from: int32 (n,)."""
        return self.cache.records[self.rows]

    @property
    def entries(self) -> Sequence[Entry]:
        """All recordings of the data set."""
        return self.cache.entries

    def batch(self, positions) -> dict[str, np.ndarray]:
        """The windows at `positions`, by the model's input name: {"ecg": (n, samples, leads) float32}."""
        return {"ecg": self.cache.windows[self.rows[positions]]}

    def spread(self, count: int) -> "Examples":
        """At most `count` of the windows, spread evenly."""
        if len(self) <= count:
            return self
        return Examples(self.cache, self.rows[np.linspace(0, len(self) - 1, count).round().astype(int)])


def record_windows(
    record: Record, leads: Sequence[str], steps: Preprocessing, samples: int, stride: int
) -> tuple[np.ndarray, float]:
    """The windows of one recording as the model takes them: float32 (windows, samples, leads), and their rate in Hz.

    Raises InputError, naming the record, where a lead is missing or the rate is too low.
    """
    signal = record.lead_signals(tuple(leads))
    try:
        prepared, fs = steps(signal, record.fs)
    except InputError as error:
        raise InputError(f"record {record.name}: {error}") from None
    return windows(prepared, samples, stride), fs


def cache_folder() -> Path:
    """Where windows are kept: $ECG_EDGE_CACHE, or ecg-edge in the user's cache folder."""
    own = os.environ.get("ECG_EDGE_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ecg-edge"


def cached_windows(
    entries: Sequence[Entry],
    read: Callable[[Entry], Record],
    stamp: str,
    leads: Sequence[str],
    steps: Sequence[dict],
    samples: int,
    stride: int,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> WindowCache:
    """The windows of all `entries`, from the cache where it has them. `stamp` identifies the data's content;
    `advance(done, total)` is called after each recording.

    Raises InputError where more than 5 % of the recordings cannot be used, with the first reason.
    """
    parameters = [FORMAT, stamp, [entry.name for entry in entries], list(leads), list(steps), samples, stride]
    key = hashlib.sha256(json.dumps(parameters).encode()).hexdigest()[:24]
    folder = cache_folder() / key
    if not (folder / "index.json").exists():
        with whole(folder) as temporary:
            temporary.mkdir()
            _write(temporary, entries, read, leads, Preprocessing(steps), samples, stride, advance)
    index = read_json(folder / "index.json")
    records = np.load(folder / "records.npy")
    shape = (len(records), samples, len(leads))
    mapped = np.memmap(folder / "windows.f32", np.float32, mode="r", shape=shape)
    return WindowCache(mapped, records, tuple(entries), index["problems"], index["notes"])


def _write(folder, entries, read, leads, steps, samples, stride, advance):
    problems, notes, records = {}, {"recordings with gaps (NaN)": 0, "recordings with a flat lead": 0}, []
    with open(folder / "windows.f32", "wb") as file:
        for position, entry in enumerate(entries):
            try:
                record = read(entry)
                cut, _ = record_windows(record, leads, steps, samples, stride)
            except InputError as error:
                problems[entry.name] = str(error)
                if len(problems) > max(1, UNREADABLE_SHARE * len(entries)):
                    raise InputError(
                        f"more than {UNREADABLE_SHARE:.0%} of {len(entries)} recordings cannot be used; first: "
                        f"{next(iter(problems.values()))}"
                    ) from None
            else:
                file.write(cut.tobytes())  # unlike tofile, says why when the disk is full
                records += [position] * len(cut)
                signal = record.lead_signals(tuple(leads))
                notes["recordings with gaps (NaN)"] += bool(np.isnan(signal).any())
                notes["recordings with a flat lead"] += bool(flat_leads(signal).any())
            advance(position + 1, len(entries))
    if not records:
        raise InputError(f"none of {len(entries)} recordings can be used; first: {next(iter(problems.values()), '-')}")
    np.save(folder / "records.npy", np.array(records, np.int32))
    write_json(folder / "index.json", {"problems": problems, "notes": notes})
