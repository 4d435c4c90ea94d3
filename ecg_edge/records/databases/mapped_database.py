"""A database with its labels as those of another one, by `ecg_edge.records.label_maps`."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ecg_edge.records.database import Database
from ecg_edge.records.label_maps import RHYTHMS, find_label_map, find_rhythm, map_labels
from ecg_edge.records.record import Entry, Record, RhythmInterval


class MappedDatabase(Database):
    """A database whose labels are mapped, and whose recordings have the rhythm that their labels state.

    Args:
        source: The database.
        label_map: Each of its labels or statements → the one wanted, or None; None keeps the labels.
        classes: Those wanted.
        name: Of the mapped database.
    """

    def __init__(self, source: Database, label_map: Mapping[str, str | None] | None, classes: Sequence[str], name: str):
        for field in Database.__annotations__:
            if hasattr(source, field):
                setattr(self, field, getattr(source, field))
        self.source, self.label_map = source, label_map
        self.name = name  # not the source's: what is prepared from it is no recording of the source
        self.classes = tuple(classes) if label_map else source.classes
        self.annotated = source.annotated or source.name in RHYTHMS
        self._rhythms: dict[str, str] = {}

    @property
    def folder_name(self) -> str:
        return self.source.folder_name

    def is_at(self, folder: Path) -> bool:
        return self.source.is_at(folder)

    def index(self, folder: Path) -> list[Entry]:
        entries = self.source.index(folder)
        if not self.source.annotated:
            found = {entry.path: find_rhythm(self.source.name, entry.labels) for entry in entries}
            self._rhythms = {path: rhythm for path, rhythm in found.items() if rhythm}
        if self.label_map is None:
            return entries
        return [dataclasses.replace(entry, labels=self._map_labels(entry)) for entry in entries]

    def read(self, folder: Path, entry: Entry) -> Record:
        record = self.source.read(folder, entry)
        if rhythm := self._find_rhythm(folder, entry):
            return dataclasses.replace(record, rhythms=(RhythmInterval(0, record.samples, rhythm),))
        return record

    def is_annotated(self, folder: Path, entry: Entry) -> bool:
        return self.source.is_annotated(folder, entry) or self._find_rhythm(folder, entry) is not None

    def list_recordings(self, folder: Path) -> dict[str, str]:
        return self.source.list_recordings(folder)

    def list_label_files(self, folder: Path) -> list[Path]:
        return self.source.list_label_files(folder)

    def list_notes(self, folder: Path) -> list[str]:
        notes = self.source.list_notes(folder)
        if self.label_map is None:
            return notes
        entries = [entry for entry in self.source.index(folder) if entry.labels or entry.statements]
        kept = {new: [old for old in self.label_map if self.label_map[old] == new] for new in self.classes}
        notes.append("labels mapped: " + ", ".join(f"{' '.join(old)} to {new}" for new, old in kept.items() if old))
        own = [label for entry in entries for label in entry.statements or entry.labels]
        dropped = Counter(label for label in own if not self.label_map.get(label))
        lost = sum(not self._map_labels(entry) for entry in entries)
        if dropped:
            counts = ", ".join(f"{label} {count}" for label, count in dropped.items())
            notes.append(f"labels without a counterpart: {counts}; {lost} recordings have no other")
        return notes

    def check_labels(self, folder: Path) -> list[tuple[str, str]]:
        return self.source.check_labels(folder)

    def _map_labels(self, entry: Entry) -> tuple[str, ...]:
        return map_labels(entry.statements or entry.labels, self.label_map or {})

    def _find_rhythm(self, folder: Path, entry: Entry) -> str | None:
        if self.source.annotated:
            return None
        if not self._rhythms:
            self.index(folder)
        return self._rhythms.get(entry.path)


def map_database(database: Database, wanted: Sequence[str]) -> Database:
    """Map the labels of a database to other classes where `label_maps` says how.

    Args:
        database: The database.
        wanted: The classes of a model or of another database, or some of them.

    Returns:
        The database with mapped labels, or with the rhythms that its labels state, or itself where it has neither.
    """
    same = set(wanted) <= set(database.classes)
    label_map = None if same else find_label_map(database.name, database.classes, wanted)
    if label_map or (not database.annotated and database.name in RHYTHMS):
        return MappedDatabase(database, label_map, wanted, f"{database.name}, labels mapped")
    return database
