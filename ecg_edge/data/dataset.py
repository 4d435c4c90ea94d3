"""A database's recordings, ready for a task: which can serve it, which leads there are, their prepared signals."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from ecg_edge.data.examples import WindowSpec
from ecg_edge.data.recordings import Recordings, load_recordings, prepare_records
from ecg_edge.records.database import Database
from ecg_edge.records.databases.catalogue import locate
from ecg_edge.records.fingerprint import compute_cache_stamp, fingerprint
from ecg_edge.records.record import Entry, Record
from ecg_edge.records.record_error import RecordError
from firmware_bench.runtime.errors import InputError, unknown_name

SYNTHETIC = "synthetic"


class RecordReader(Protocol):
    """The part of a task's class (ecg_edge.tasks.task.Task) that chooses and reads recordings."""

    name: str
    annotated: bool
    reading: str

    def is_usable(self, entry: Entry, classes: Sequence[str], /) -> bool: ...

    def read(self, record: Record, /) -> Record: ...


@dataclasses.dataclass(frozen=True)
class Dataset:
    """The recordings of a database in `folder` that can serve a task. `leads`: those that the recordings have, or the
    chosen; () where there are annotations only.

    unusable: how many recordings were left out, because they carry no label that the database knows.
    """

    database: Database
    folder: Path
    entries: Sequence[Entry]
    leads: tuple[str, ...]
    unusable: int

    @classmethod
    def open(cls, data: str, task: RecordReader, leads: Sequence[str] | None = None) -> "Dataset":
        """The data set called `data`, a database's name or a folder, for `task`. Raises InputError where there is
        none, where no recording can serve, and for a lead that its recordings do not have."""
        database, folder = locate(data)
        if task.annotated and not database.annotated:
            raise InputError(
                f"{data}: its recordings carry no beats and rhythm marks, which the task {task.name} needs"
            )
        index = database.index(folder)
        entries = [entry for entry in index if task.is_usable(entry, database.classes)]
        if not entries:
            raise InputError(f"{data}: no recording carries a label of its own, so there is nothing to classify")
        if any(entry.part for entry in entries):  # a published split leaves out what does not serve (paced rhythms)
            entries = [entry for entry in entries if entry.part]
        own = _leads_of_first(database, folder, entries)
        spelling = {name.lower(): name for name in own}
        for lead in leads or ():
            if lead.lower() not in spelling:
                raise unknown_name(f"lead in {data}", lead, own)
        chosen = tuple(spelling[lead.lower()] for lead in leads or own)
        return cls(database, folder, entries, chosen, len(index) - len(entries))

    def fingerprint(self) -> str:
        """Identifies the content of the data set."""
        return fingerprint(self.database, self.folder, self.entries)

    def recordings(
        self, task: RecordReader, window: WindowSpec, advance: Callable[[int, int], None] = lambda done, total: None
    ) -> Recordings:
        """All recordings in the form that a model takes, from the cache where it has them."""
        return load_recordings(
            self.entries,
            lambda entry: task.read(self.database.read(self.folder, entry)),
            compute_cache_stamp(self.database, self.folder, self.entries) + task.reading,
            self.leads,
            window.steps,
            window.fs,
            advance,
        )

    def prepare_subset(self, task: RecordReader, window: WindowSpec, names: Sequence[str]) -> Recordings:
        """Only the recordings called `names`, in memory."""
        chosen = [entry for entry in self.entries if entry.name in set(names)]
        records = [task.read(self.database.read(self.folder, entry)) for entry in chosen]
        prepared = prepare_records(records, self.leads, window.steps, window.fs)
        return dataclasses.replace(prepared, entries=tuple(chosen))


def _leads_of_first(database, folder, entries):
    """Of the first recording that can be read: by place where they differ from recording to recording, () where there
    is no signal."""
    for entry in entries[:20]:
        try:
            record = database.read(folder, entry)
        except RecordError as error:
            first = error
        else:
            if record.signal is None:
                return ()
            return record.positional_leads() if database.leads is None else record.leads
    raise first
