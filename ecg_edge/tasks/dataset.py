"""A database's recordings, ready for a task: which are labelled, which leads and classes there are, their windows."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ecg_edge.errors import InputError, unknown
from ecg_edge.records.catalogue import locate
from ecg_edge.records.database import Database, RecordError
from ecg_edge.records.fingerprint import cache_stamp, fingerprint
from ecg_edge.records.record import Entry
from ecg_edge.tasks.examples import WindowCache, cached_windows

SYNTHETIC = "synthetic"


@dataclasses.dataclass(frozen=True)
class Dataset:
    """The labelled recordings of a database in `folder`. `leads`: those that the recordings have, or the chosen.

    unlabelled: how many recordings were left out because they carry no label, or one that the database does not know.
    """

    database: Database
    folder: Path
    entries: Sequence[Entry]
    classes: Sequence[str]
    leads: tuple[str, ...]
    unlabelled: int

    @classmethod
    def open(cls, data: str, leads: Sequence[str] | None = None) -> "Dataset":
        """The data set called `data`, a database's name or a folder. Raises InputError where there is none, where it
        labels no whole recording, and for a lead that its recordings do not have."""
        database, folder = locate(data)
        index = database.index(folder)
        entries = [entry for entry in index if entry.labels and entry.labels[0] in database.classes]
        if not entries:
            raise InputError(f"{data}: no recording carries a label of its own, so there is nothing to classify")
        own = _first_readable(database, folder, entries).leads
        spelling = {name.lower(): name for name in own}
        for lead in leads or ():
            if lead.lower() not in spelling:
                raise unknown(f"lead in {data}", lead, own)
        chosen = tuple(spelling[lead.lower()] for lead in leads or own)
        # A class that is no recording's first label cannot be learnt.
        present = {entry.labels[0] for entry in entries}
        classes = [name for name in database.classes if name in present]
        return cls(database, folder, entries, tuple(classes), chosen, len(index) - len(entries))

    def fingerprint(self) -> str:
        """Identifies the content of the data set."""
        return fingerprint(self.database, self.folder, self.entries)

    def windows(self, signal, advance: Callable[[int, int], None] = lambda done, total: None) -> WindowCache:
        """All windows in the form that `signal` (ecg_edge.training.config.Signal) describes."""
        return cached_windows(
            self.entries,
            partial(self.database.read, self.folder),
            cache_stamp(self.database, self.folder, self.entries),
            self.leads,
            signal.steps(),
            signal.samples,
            signal.stride,
            advance,
        )


def _first_readable(database, folder, entries):
    for entry in entries[:20]:
        try:
            return database.read(folder, entry)
        except RecordError as error:
            first = error
    raise first
