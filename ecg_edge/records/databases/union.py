"""Several databases as one: `--data ptbxl+ptbxl_filtered`.

A recording is called by its database and its name there, "ptbxl/00009", and so are patients. Patients of two databases
are different people unless one is derived from the other (nstdb from mitdb); such a patient has one name. Where a
member has a published split, members without any train: the test is the published one. The databases must have the same
classes; the leads are those that all have, by position where a member's differ from recording to recording; each
recording keeps its own sampling rate and unit, so that preprocessing has to bring them to one (resampling, z-scores).
"""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ecg_edge.records.database import Database
from ecg_edge.records.record import Entry, Record
from ecg_edge.records.record_error import RecordError
from firmware_bench.runtime.errors import InputError


class DatabaseUnion(Database):
    """Several databases as one. `folder`, the one that contains all the members' folders, goes with it.

    Args:
        members: The databases with their folders.

    Raises:
        InputError: The members' classes differ, no lead is common to all, or a member is there twice.
    """

    def __init__(self, members: Sequence[tuple[Database, Path]]):
        self.members = {database.name: (database, Path(os.path.abspath(folder))) for database, folder in members}
        databases = [database for database, _ in members]
        first = databases[0]
        self.name = "+".join(database.name for database in databases)
        if len(self.members) < len(databases):
            raise InputError(f"{self.name} has two data sets of the same name: rename a folder or leave one out")
        for other in databases[1:]:
            if set(other.classes) != set(first.classes):
                raise InputError(
                    f"{first.name} and {other.name} cannot be joined, they label differently: "
                    f"{', '.join(first.classes) or 'nothing'}; {', '.join(other.classes) or 'nothing'}"
                )
        self.folder = Path(os.path.commonpath([folder for _, folder in self.members.values()]))
        self.title = " + ".join(database.title for database in databases)
        self.licence = ", ".join(dict.fromkeys(database.licence for database in databases))
        self.classes = first.classes
        self.fs = first.fs if len({database.fs for database in databases}) == 1 else None
        self.annotated = all(database.annotated for database in databases)
        self.lead_order = tuple(dict.fromkeys(lead for database in databases for lead in database.lead_order))
        if any(database.leads is None for database in databases):
            return
        own_leads = [find_leads(database, folder) for database, folder in self.members.values()]
        self.leads = tuple(lead for lead in own_leads[0] if all(lead in leads for leads in own_leads))
        if not self.leads:
            each = "; ".join(f"{name} {', '.join(leads)}" for name, leads in zip(self.members, own_leads, strict=True))
            raise InputError(f"{self.name}: no lead is common to all ({each})")

    def is_at(self, folder: Path) -> bool:
        """Never: it is a combination of folders."""
        return False

    def index(self, folder: Path) -> list[Entry]:
        """List the members' recordings in turn; one that an earlier member has under the same numbering comes once."""
        return [entry for entry, original in self._index_members() if original is None]

    def read(self, folder: Path, entry: Entry) -> Record:
        database, own_folder = self.members[entry.name.partition("/")[0]]
        record = database.read(own_folder, self._own_entry(folder, own_folder, entry))
        if self.leads is None:
            return record
        common = tuple(lead for lead in self.leads if lead in record.leads)
        signal = None if record.signal is None else np.ascontiguousarray(record.select_leads(common))
        return dataclasses.replace(record, signal=signal, leads=common)

    def is_annotated(self, folder: Path, entry: Entry) -> bool:
        database, own_folder = self.members[entry.name.partition("/")[0]]
        return database.is_annotated(own_folder, self._own_entry(folder, own_folder, entry))

    def list_recordings(self, folder: Path) -> dict[str, str]:
        again = {entry.path for entry, original in self._index_members() if original is not None}
        found = {
            f"{name}/{record}": self._relative(own_folder, path)
            for name, (database, own_folder) in self.members.items()
            for record, path in database.list_recordings(own_folder).items()
        }
        return {name: path for name, path in found.items() if path not in again}

    def list_label_files(self, folder: Path) -> list[Path]:
        members = self.members.values()
        return [file for database, own_folder in members for file in database.list_label_files(own_folder)]

    def list_notes(self, folder: Path) -> list[str]:
        return [
            f"{name}: {note}"
            for name, (database, own_folder) in self.members.items()
            for note in database.list_notes(own_folder)
        ]

    def check_labels(self, folder: Path) -> list[tuple[str, str]]:
        own = [
            (f"{name}/{record}", remark)
            for name, (database, own_folder) in self.members.items()
            for record, remark in database.check_labels(own_folder)
        ]
        twice = [(entry.name, original) for entry, original in self._index_members() if original is not None]
        return own + [(name, f"is {original} again: counted once") for name, original in twice]

    def _index_members(self) -> list[tuple[Entry, str | None]]:
        """Every member's index, each entry with the name of the earlier one that is the same recording, or None."""
        indices = {name: database.index(own_folder) for name, (database, own_folder) in self.members.items()}
        published = any(entry.part for index in indices.values() for entry in index)
        entries: list[tuple[Entry, str | None]] = []
        recordings: dict[str, str] = {}
        patients: dict[str, str] = {}
        for name, (_, own_folder) in self.members.items():
            part = "train" if published and not any(entry.part for entry in indices[name]) else None
            for entry in indices[name]:
                patient = f"{name}/{entry.patient}"
                renamed = dataclasses.replace(
                    entry,
                    name=f"{name}/{entry.name}",
                    path=self._relative(own_folder, entry.path),
                    patient=patients.setdefault(entry.person, patient) if entry.person else patient,
                    part=entry.part or part,
                )
                first = recordings.setdefault(entry.source or renamed.name, renamed.name)
                entries.append((renamed, None if first == renamed.name else first))
        return entries

    def _own_entry(self, folder: Path, own_folder: Path, entry: Entry) -> Entry:
        """The entry with its path relative to its member's folder."""
        return dataclasses.replace(entry, path=os.path.relpath(folder / entry.path, own_folder))

    def _relative(self, own_folder: Path, path: str) -> str:
        """A member's recording relative to the folder that contains all members."""
        return os.path.relpath(own_folder / path, self.folder)


def find_leads(database: Database, folder: Path) -> tuple[str, ...]:
    """Find the leads of a database's recordings.

    Args:
        database: The database.
        folder: Its folder.

    Returns:
        Those that it states, else those of the first recording that can be read.

    Raises:
        InputError: It states none, and none of its first 20 recordings can be read.
    """
    if database.leads:
        return database.leads
    reason = InputError(f"{folder} has no recordings")
    for entry in database.index(folder)[:20]:
        try:
            return database.read(folder, entry).leads
        except RecordError as error:
            reason = error
    raise reason
