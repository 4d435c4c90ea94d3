"""A data set for a task: the usable recordings of a database or folder, their leads, their prepared signals."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ecg_edge.data.examples import WindowSpec
from ecg_edge.data.recordings import Recordings, load_recordings, prepare_records
from ecg_edge.records.database import Database
from ecg_edge.records.databases.catalogue import locate
from ecg_edge.records.databases.mapped_database import map_database
from ecg_edge.records.fingerprint import compute_cache_stamp, fingerprint
from ecg_edge.records.label_maps import take_by_position
from ecg_edge.records.record import Entry, Record
from ecg_edge.records.record_error import RecordError, describe_unreadable
from ecg_edge.records.split import find_unassigned
from ecg_edge.records.summary import DatasetSummary, count_recordings, describe_source, find_unlisted, list_notes
from firmware_bench.runtime.errors import InputError, unknown_name

SYNTHETIC = "synthetic"


class RecordReader(Protocol):
    """The part of a task's class (ecg_edge.tasks.task.Task) that chooses and reads recordings."""

    name: str
    annotated: bool
    reading: str
    labelled: bool
    annotations_suffice: bool

    def is_usable(self, entry: Entry, classes: Sequence[str], /) -> bool: ...

    def read(self, record: Record, /) -> Record: ...


@dataclasses.dataclass(frozen=True)
class Dataset:
    """The recordings of a database that a task can use.

    Attributes:
        database: reads them.
        folder: of the database.
        entries: of the usable recordings.
        leads: names, all or the selected ones; () where there are annotations only.
        left_out: reason → names of the recordings that the task cannot use.
    """

    database: Database
    folder: Path
    entries: Sequence[Entry]
    leads: tuple[str, ...]
    left_out: Mapping[str, Sequence[str]]

    @classmethod
    def open(
        cls,
        data: str,
        task: RecordReader,
        leads: Sequence[str] | None = None,
        learnt: Sequence[str] | None = None,
    ) -> "Dataset":
        """Open a data set.

        Args:
            data: name of a database, or a folder.
            task: the class of the task, which chooses the recordings.
            leads: names in any case, or None for all.
            learnt: the classes of a model to evaluate; the labels of another database are mapped to them and its leads
                taken by position, where ecg_edge.records.label_maps says how. None: of a data set to learn from.

        Raises:
            InputError: there is no such data set, no usable recording in it, or no such lead.
        """
        database, folder = locate(data, task.labelled)
        name = database.name
        if learnt is not None:
            database = map_database(database, learnt)
        if task.annotated and not database.annotated:
            raise InputError(
                f"{data}: its recordings carry no beats and rhythm marks, which the task {task.name} needs: there is "
                "no annotation file (.atr) beside them"
            )
        index = database.index(folder)
        entries, left_out = _choose_entries(database, folder, index, task)
        if not entries:
            raise InputError(f"{data}: no recording carries a label of its own, so there is nothing to classify")
        own = _read_leads(database, folder, entries)
        spelling = {lead.lower(): lead for lead in own}
        absent = [lead for lead in leads or () if lead.lower() not in spelling]
        if leads and absent and learnt is not None and take_by_position(name, leads):
            leads = own[: len(leads)]
        for lead in leads or ():
            if lead.lower() not in spelling:
                raise unknown_name(f"lead in {data}", lead, own)
        selected = tuple(spelling[lead.lower()] for lead in leads or own)
        return cls(database, folder, entries, selected, left_out)

    def summarise(self, parts: Mapping[str, Sequence[str]], every_label: bool) -> DatasetSummary:
        """Summarise the data set.

        Args:
            parts: part of a split → names of its recordings.
            every_label: as in `count_recordings`.
        """
        by_name = {entry.name: entry for entry in self.entries}
        left_out, unassigned = dict(self.left_out), find_unassigned(self.entries, parts)
        if unassigned:
            left_out["their patients are in the training part too"] = unassigned
        return DatasetSummary(
            describe_source(self.database, self.folder),
            count_recordings(self.entries, every_label),
            {part: count_recordings([by_name[name] for name in names], every_label) for part, names in parts.items()},
            left_out=left_out,
            notes=list_notes(self.database, self.folder),
        )

    def fingerprint(self) -> str:
        """A hash of the data set's content."""
        return fingerprint(self.database, self.folder, self.entries)

    def recordings(
        self,
        task: RecordReader,
        window: WindowSpec,
        advance: Callable[[int, int], None] = lambda done, total: None,
        wait: Callable[[], None] = lambda: None,
    ) -> Recordings:
        """All recordings, prepared for the model; from the cache where it has them.

        Args:
            task: the class of the task, which reads them.
            window: sampling rate and preprocessing.
            advance: called with the numbers done and total after each recording that is not in the cache.
            wait: called once where another process, which prepares the same recordings, is waited for.

        Raises:
            InputError: more than 5 % of them cannot be used, or the cache cannot be written.
        """
        return load_recordings(
            self.entries,
            lambda entry: task.read(self.database.read(self.folder, entry)),
            compute_cache_stamp(self.database, self.folder, self.entries) + task.reading,
            self.leads,
            window.steps,
            window.fs,
            advance,
            wait,
            task.annotations_suffice,
        )

    def prepare_subset(self, task: RecordReader, window: WindowSpec, names: Sequence[str]) -> Recordings:
        """Only the recordings called `names`, prepared in memory."""
        wanted = set(names)
        entries = [entry for entry in self.entries if entry.name in wanted]
        records = [task.read(self.database.read(self.folder, entry)) for entry in entries]
        prepared = prepare_records(records, self.leads, window.steps, window.fs)
        return dataclasses.replace(prepared, entries=tuple(entries))


def _choose_entries(database, folder, index, task) -> tuple[list[Entry], dict[str, list[str]]]:
    """The recordings that a task can use, and the others by the reason why not."""
    entries: list[Entry] = []
    left_out: dict[str, list[str]] = {}
    for entry in index:
        if task.annotated and not database.is_annotated(folder, entry):
            left_out.setdefault("no annotations", []).append(entry.name)
        elif not task.is_usable(entry, database.classes):
            reason = "no label" if not entry.labels else "no label that the task can use"
            left_out.setdefault(reason, []).append(entry.name)
        else:
            entries.append(entry)
    if any(entry.part for entry in entries):  # a published split leaves out what does not serve (paced rhythms)
        if others := [entry.name for entry in entries if not entry.part]:
            left_out["in no part of the published split"] = others
        entries = [entry for entry in entries if entry.part]
    return entries, left_out | find_unlisted(database, folder, index)


def _read_leads(database, folder, entries):
    """The leads of the first recording with a signal: by position where they differ, () where there are none."""
    first, readable = "", False
    for entry in entries[:20]:
        try:
            record = database.read(folder, entry)
        except Exception as error:  # of a reader, which any file may surprise; preparing counts and names it
            first = first or describe_unreadable(entry.name, error)
        else:
            readable = True
            if record.signal is not None:
                return record.positional_leads() if database.leads is None else record.leads
    if readable:
        return ()
    raise RecordError(first or "no recording to read")
