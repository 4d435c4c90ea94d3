"""Several databases as one: `--data ptbxl+ptbxl_filtered`.

A recording is called by its database and its name there, "ptbxl/00009", and so are patients. Patients of two databases
are different people unless one is derived from the other (nstdb from mitdb); such a patient has one name. Where a
member has a published split or folds, members without any train: the test is the published one.

The classes are those of the first member that has some; the labels of the others are mapped to them, and a member that
labels whole recordings has rhythm intervals too, by `ecg_edge.records.label_maps`. The leads are those that all have;
where a member's differ from recording to recording, or none is common, they are taken by position if that module says
that they may. Each recording keeps its own sampling rate and unit, so that preprocessing has to bring them to one
(resampling, z-scores).
"""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ecg_edge.records.database import Database
from ecg_edge.records.databases.mapped_database import map_database
from ecg_edge.records.label_maps import LEADS_BY_POSITION
from ecg_edge.records.record import Entry, Record
from ecg_edge.records.record_error import RecordError
from firmware_bench.runtime.errors import InputError


class DatabaseUnion(Database):
    """Several databases as one. `folder`, the one that contains all the members' folders, goes with it.

    Args:
        members: The databases with their folders.

    Raises:
        InputError: The members' classes differ and no map between them is written, no lead is common to all, or a
            member is there twice.
    """

    def __init__(self, members: Sequence[tuple[Database, Path]]):
        names = [database.name for database, _ in members]
        self.name = "+".join(names)
        if len(set(names)) < len(names):
            raise InputError(f"{self.name} has two data sets of the same name: rename a folder or leave one out")
        first = next((database for database, _ in members if database.classes), members[0][0])
        self.classes = first.classes
        self.members = {
            database.name: (self._map_member(database, first), Path(os.path.abspath(folder)))
            for database, folder in members
        }
        databases = [database for database, _ in self.members.values()]
        self.folder = Path(os.path.commonpath([folder for _, folder in self.members.values()]))
        self.title = " + ".join(database.title for database in databases)
        self.licence = ", ".join(dict.fromkeys(database.licence for database in databases))
        self.fs = databases[0].fs if len({database.fs for database in databases}) == 1 else None
        self.reading = "".join(database.reading for database in databases)
        self.annotated = any(database.annotated for database in databases)
        self.lead_order = tuple(dict.fromkeys(lead for database in databases for lead in database.lead_order))
        own_leads = {name: find_leads(database, folder) for name, (database, folder) in self.members.items()}
        common = [lead for lead in next(iter(own_leads.values())) if all(lead in own for own in own_leads.values())]
        named = all(database.leads is not None for database in databases)
        self.leads = tuple(common) if named and common else None
        self._lead_count = min(len(leads) for leads in own_leads.values())
        others = [name for name in names if name not in LEADS_BY_POSITION and self.members[name][0].leads is not None]
        if self.leads is None and others:
            each = "; ".join(f"{name} {', '.join(leads)}" for name, leads in own_leads.items())
            reason = "no lead is common to all" if named else "the leads of a member differ from recording to recording"
            raise InputError(
                f"{self.name}: {reason} ({each}), and nothing says that those of {' and '.join(others)} may be taken "
                "by position: ecg_edge/records/label_maps.py names the databases whose leads may"
            )

    @staticmethod
    def _map_member(database: Database, first: Database) -> Database:
        """The member with its labels as those of `first`. Raises InputError: nothing says what they are there."""
        mapped = map_database(database, first.classes)
        if not set(mapped.classes) <= set(first.classes):
            raise InputError(
                f"{first.name} and {database.name} cannot be joined, they label differently: "
                f"{', '.join(first.classes)}; {', '.join(database.classes)}"
            )
        return mapped

    def is_at(self, folder: Path) -> bool:
        """Never: it is a combination of folders."""
        return False

    def index(self, folder: Path) -> list[Entry]:
        """List the members' recordings in turn; one that an earlier member has under the same numbering comes once."""
        return [entry for entry, original in self._index_members() if original is None]

    def read(self, folder: Path, entry: Entry) -> Record:
        database, own_folder = self.members[entry.name.partition("/")[0]]
        record = database.read(own_folder, self._own_entry(folder, own_folder, entry))
        common = record.leads[: self._lead_count]
        if self.leads is not None:
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
        folded = any(entry.fold for index in indices.values() for entry in index)
        entries: list[tuple[Entry, str | None]] = []
        recordings: dict[str, str] = {}
        patients: dict[str, str] = {}
        for name, (_, own_folder) in self.members.items():
            part = "train" if published and not any(entry.part for entry in indices[name]) else None
            fold = 1 if folded and not any(entry.fold for entry in indices[name]) else None  # one that trains
            for entry in indices[name]:
                patient = f"{name}/{entry.patient}"
                renamed = dataclasses.replace(
                    entry,
                    name=f"{name}/{entry.name}",
                    path=self._relative(own_folder, entry.path),
                    patient=patients.setdefault(entry.person, patient) if entry.person else patient,
                    part=entry.part or part,
                    fold=entry.fold or fold,
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
