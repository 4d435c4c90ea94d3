"""Database: what every source of recordings offers."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ecg_edge.records.challenge_score import ChallengeScore
from ecg_edge.records.formats.format_registry import read_record
from ecg_edge.records.formats.wfdb_annotations import add_annotations
from ecg_edge.records.record import Entry, Record


class Database:
    """A public database, or a kind of folder of recordings.

    One module per database derives from it and states all that is particular to that database; `databases.catalogue`
    lists them.

    Attributes:
        name: As given to --data.
        title: What it is, in a few words.
        licence: Of the recordings.
        folder_name: Its folder under ECG_EDGE_DATA; by default its name.
        physionet: "slug/version" on PhysioNet, or None.
        physionet_files: Shell patterns of the files there to download.
        classes: The labels of whole recordings in their official order, () where it labels none.
        normal_labels: The labels that say that a recording is normal.
        fs: Sampling rate in Hz, None where it varies.
        leads: Those of a complete recording, None where they vary, () where they follow from the recordings.
        lead_order: Leads that come first in every recording, whatever their order in its files. A model of leads by
            position ("lead 1") carries it in its metadata.
        annotated: Whether its recordings carry beats or rhythm intervals; `is_annotated` tells of one.
        annotations: What they carry then, in words.
        rhythm_codes: Its own rhythm codes → those of `record.RHYTHM_CODES`, where they differ.
        numbering: Databases of the same numbering, not None, give the same recording the same file name.
        people: The database whose patients these are and are called by, where recordings are derived from it; None for
            patients of its own; "" where their names say nothing outside the folder.
        challenge_score: The score of the challenge that published the database, or None.
        reading: What `read` makes of its files beyond what they state; prepared recordings are kept under it.
    """

    name: str
    title: str
    licence: str
    physionet: str | None = None
    physionet_files: tuple[str, ...] = ("*",)
    classes: tuple[str, ...] = ()
    normal_labels: tuple[str, ...] = ()
    fs: float | None = None
    leads: tuple[str, ...] | None = None
    lead_order: tuple[str, ...] = ()
    annotated: bool = False
    annotations: str = "beats and rhythms"
    rhythm_codes: Mapping[str, str] = {}
    numbering: str | None = None
    people: str | None = None
    challenge_score: ChallengeScore | None = None
    reading: str = ""

    @property
    def folder_name(self) -> str:
        """The database's folder under ECG_EDGE_DATA."""
        return self.name

    def is_at(self, folder: Path) -> bool:
        """Whether `folder` holds this database. Looks at marker files only."""
        raise NotImplementedError

    def list_entries(self, folder: Path) -> list[Entry]:
        """List the labelled recordings without reading their signals.

        Args:
            folder: The database's folder.

        Returns:
            One entry per recording; `index` fills in `normal`, `person` and `source`.

        Raises:
            InputError: Label files are missing or corrupt.
        """
        raise NotImplementedError

    def index(self, folder: Path) -> list[Entry]:
        """List the labelled recordings as `list_entries` does, with `normal`, `person` and `source` filled in.

        A recording is normal where its only label is one of `normal_labels`. Raises InputError: label files are missing
        or corrupt.
        """
        normal = [(label,) for label in self.normal_labels]
        return [
            dataclasses.replace(
                entry,
                normal=entry.labels in normal,
                person=entry.person or self._identify_person(entry),
                source=entry.source or self._identify_recording(entry),
            )
            for entry in self.list_entries(folder)
        ]

    def _identify_person(self, entry: Entry) -> str:
        people = self.name if self.people is None else self.people
        return people and f"{people}/{entry.patient}"

    def _identify_recording(self, entry: Entry) -> str:
        return f"{self.numbering}/{PurePosixPath(entry.name).name.lstrip('0')}" if self.numbering else ""

    def read(self, folder: Path, entry: Entry) -> Record:
        """Read a recording, its leads in the database's order, with its annotations where the database has some.

        Args:
            folder: The database's folder.
            entry: An entry of its index.

        Returns:
            The recording.

        Raises:
            RecordError: A file is missing, truncated or corrupt.
        """
        record = read_record(folder / entry.path, entry).put_leads_first(self.lead_order)
        if self.annotated:
            return add_annotations(record, folder / entry.path, rhythm_codes=self.rhythm_codes)
        return record

    def is_annotated(self, folder: Path, entry: Entry) -> bool:
        """Whether a recording carries beats or rhythm intervals; by default as `annotated` says of all."""
        return self.annotated

    def list_recordings(self, folder: Path) -> dict[str, str]:
        """Every recording in `folder`, labelled or not: name → path without suffix, relative to `folder`."""
        return {entry.name: entry.path for entry in self.index(folder)}

    def list_label_files(self, folder: Path) -> list[Path]:
        """The files, other than the recordings' own, that determine labels and signals."""
        return []

    def list_notes(self, folder: Path) -> list[str]:
        """What a user should know about how labels and patients were read: one line each."""
        return []

    def check_labels(self, folder: Path) -> list[tuple[str, str]]:
        """What is suspicious about the labels: pairs of record name and remark."""
        return []
