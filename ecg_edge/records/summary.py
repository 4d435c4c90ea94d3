"""What a data set holds: recordings, patients and classes with counts, and which recordings are left out and why."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecg_edge.records.database import Database
from ecg_edge.records.databases.labels_columns import find_explicit_labels, shorten
from ecg_edge.records.formats.format_registry import list_parts
from ecg_edge.records.record import Entry
from firmware_bench.runtime.errors import InputError

SHOWN_CLASSES = 12


@dataclasses.dataclass(frozen=True)
class RecordingCounts:
    """Counts of some recordings.

    Attributes:
        recordings: How many.
        patients: Of how many patients.
        classes: Label → how many of the recordings carry it, the most frequent first.
    """

    recordings: int
    patients: int
    classes: Mapping[str, int]

    def __str__(self) -> str:
        people = f"{self.recordings} recordings of {self.patients} patients"
        return f"{people}; {describe_counts(self.classes)}" if self.classes else people


@dataclasses.dataclass(frozen=True)
class DatasetSummary:
    """What a data set holds.

    Attributes:
        source: What the folder was taken for.
        whole: All recordings that count.
        parts: Part of the split → its recordings; {} where nothing is split.
        annotations: "beats" and "rhythm intervals" → code → how many, where the recordings were read.
        left_out: Reason → names of the recordings that do not count.
        notes: What a user should know about how labels and patients were read.
    """

    source: str
    whole: RecordingCounts
    parts: Mapping[str, RecordingCounts] = dataclasses.field(default_factory=dict)
    annotations: Mapping[str, Mapping[str, int]] = dataclasses.field(default_factory=dict)
    left_out: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    notes: Sequence[str] = ()

    def describe(self) -> list[str]:
        """Describe it in lines of text."""
        return [
            self.source,
            str(self.whole),
            *(f"{part}: {counts}" for part, counts in self.parts.items()),
            *(f"{kind}: {describe_counts(counts)}" for kind, counts in self.annotations.items() if counts),
            *(f"left out, {reason}: {len(names)} ({shorten(names)})" for reason, names in self.left_out.items()),
            *(f"note: {note}" for note in self.notes),
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dataclasses.asdict(self)


def count_recordings(entries: Iterable[Entry], every_label: bool = True) -> RecordingCounts:
    """Count recordings, patients and labels.

    Args:
        entries: The recordings.
        every_label: Count all labels of a recording; False: the first alone, as a task of one class does.
    """
    entries = list(entries)
    labels = Counter(label for entry in entries for label in entry.labels[: None if every_label else 1])
    return RecordingCounts(len(entries), len({entry.patient for entry in entries}), dict(labels.most_common()))


def describe_counts(counts: Mapping[str, int]) -> str:
    """Describe counts by name: "AF 10, N 20"; of many names the most frequent."""
    shown = ", ".join(f"{name} {count}" for name, count in [*counts.items()][:SHOWN_CLASSES])
    return shown + (f", … ({len(counts)} in all)" if len(counts) > SHOWN_CLASSES else "")


def describe_source(database: Database, folder: Path) -> str:
    """Describe what a folder was taken for."""
    if folder == Path():  # embedded
        return database.title
    return f"{folder} is taken for: {database.title} ({database.name})"


def list_notes(database: Database, folder: Path) -> list[str]:
    """List what a user should know about how a folder's labels and patients were read."""
    notes = database.list_notes(folder)
    ignored = find_explicit_labels(folder) if folder != Path() else None
    if ignored and ignored not in database.list_label_files(folder):
        notes.append(f"{ignored} is not read: {database.name} names the database; give the folder's path to use it")
    return notes


def find_unlisted(database: Database, folder: Path, entries: Iterable[Entry]) -> dict[str, list[str]]:
    """Find the recordings in a folder that are none of its index's `entries`, nor segments of those.

    Returns:
        Their names in order by the reason why they are not listed; {} where there are none.
    """
    listed = {entry.path for entry in entries}
    others = {name: path for name, path in database.list_recordings(folder).items() if path not in listed}
    parts = {part for path in listed for part in list_parts(folder / path)} if others else set()
    unlisted = [name for name, path in others.items() if folder / path not in parts]
    reason = "not in the table of labels" if database.list_label_files(folder) else "neither labelled nor annotated"
    return {reason: unlisted} if unlisted else {}


def describe_database(database: Database, folder: Path | None) -> dict[str, Any]:
    """Describe a database as plain data, without reading recordings.

    Args:
        database: The database.
        folder: Its folder; None where it is not here.
    """
    counts, problem = None, None
    try:
        counts = count_recordings(database.index(folder)) if folder is not None else None
    except InputError as error:
        problem = str(error)
    return {
        "title": database.title,
        "folder": str(folder) if folder not in (None, Path()) else None,
        "records": counts.recordings if counts else None,
        "patients": counts.patients if counts else None,
        "labels": dict(counts.classes) if counts else {},
        "fs": database.fs,
        "leads": database.leads,
        "annotated": database.annotations if database.annotated else None,
        "licence": database.licence,
        "physionet": database.physionet,
        "problem": problem,
    }
