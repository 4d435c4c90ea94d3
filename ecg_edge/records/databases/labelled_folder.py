"""A user's own folder of recordings: labelled by a CSV file, by annotation files beside the recordings, or by both.

The table is labels.csv, or the folder's only CSV file with the columns of one; `labels_columns` has their names:
  record              with or without path and suffix; 9 finds 00009
  label               several are separated by ";", the primary one first; scp_codes are PTB-XL's statements, as in its
                      own table or as "SR;NORM", and become their superclasses
  patient             optional
  fold, or split      optional: 1–8 trains, 9 validates, 10 tests; or train, validation and test
  fs, units, leads    optional: sampling rate, unit and leads of a file that does not say them

Of annotation files .atr is read: PhysioNet's name for annotations that people have checked. Others (.qrs, .ecg, .ann)
hold the output of detectors or are named differently in every database, so that what they say cannot be told. Where no
table is there, the annotated recordings alone make the data set, each a patient of its own.
"""

import dataclasses
import posixpath
import re
import unicodedata
from collections import defaultdict
from pathlib import Path

from ecg_edge.records.database import Database
from ecg_edge.records.database_files import list_record_paths
from ecg_edge.records.databases.labels_columns import (
    find_labels_file,
    list_csv_files,
    list_tables_of_records,
    shorten,
)
from ecg_edge.records.databases.labels_table import read_labels_table
from ecg_edge.records.databases.scp_statements import CLASSES
from ecg_edge.records.formats.format_registry import MAIN_SUFFIXES, list_recordings, read_record, strip_suffix
from ecg_edge.records.formats.wfdb_annotations import add_annotations
from ecg_edge.records.record import Entry, Record
from ecg_edge.records.record_error import RecordError
from firmware_bench.runtime.errors import InputError


class LabelledFolder(Database):
    """A user's folder. One object per folder, whose table is read once: its classes are the labels that occur there.

    Args:
        folder: The folder.
        labelled: Whether it has to be; otherwise all recordings of a folder without a table are taken.

    Raises:
        InputError: It has neither a table of labels nor annotated recordings, or a table that cannot be used.
    """

    licence = "the owner's"
    leads = ()
    people = ""
    normal_labels = ("SNR", "NORM", "N", "normal")  # as public databases and people write it

    def __init__(self, folder: Path, labelled: bool = True):
        self.name = folder.resolve().name
        file = find_labels_file(folder)
        paths = _list_paths(folder, file)
        annotated = set(list_record_paths(folder, (".atr",))).intersection(paths)
        if file:
            table = read_labels_table(file, RecordFinder(folder, paths).find)
            self.title = f"labelled folder, labels in {file.name}"
            self.numbering = "ptbxl" if table.is_numbered_as_ptbxl else None
            used = {label for row in table.rows for label in row.labels}
            self.classes = CLASSES if table.holds_scp_codes else tuple(sorted(used))
            self._entries = [
                # Two folders may be of one hospital: equal patients are taken for one person, which can leak nothing.
                Entry(
                    *(row.path, row.path, row.patient or row.path, row.labels, row.fold, row.part),
                    person=f"patient/{row.patient}" if row.patient else "",
                    stated=row.stated,
                    statements=row.statements,
                )
                for row in table.rows
            ]
        else:
            table = None
            self.title = "folder of annotated recordings (.atr)" if labelled else "folder of recordings"
            self._entries = [Entry(path, path, path) for path in sorted(annotated if labelled else paths)]
        self._table = table
        self._annotated = annotated.intersection(entry.path for entry in self._entries)
        self.annotated = bool(self._annotated)
        if labelled and not self.annotated and not self.classes:
            raise InputError(_explain_no_labels(folder, file))

    def is_at(self, folder: Path) -> bool:
        return find_labels_file(folder) is not None

    def list_label_files(self, folder: Path) -> list[Path]:
        return [self._table.file] if self._table else []

    def list_entries(self, folder: Path) -> list[Entry]:
        return list(self._entries)

    def list_recordings(self, folder: Path) -> dict[str, str]:
        return {path: path for path in _list_paths(folder, self._table.file if self._table else None)}

    def is_annotated(self, folder: Path, entry: Entry) -> bool:
        return entry.path in self._annotated

    def read(self, folder: Path, entry: Entry) -> Record:
        try:
            record = read_record(folder / entry.path, entry)
        except RecordError as error:
            if self._table is None:
                raise
            line = next((row.line for row in self._table.rows if row.path == entry.path), None)
            raise RecordError(f"{error} ({self._table.file.name}, line {line})") from None
        if entry.path not in self._annotated:
            return record
        record = add_annotations(record, folder / entry.path)
        # AFDB's files mark rhythms alone: its recordings have beats, which nobody has marked.
        return record if record.beats and len(record.beats.samples) else dataclasses.replace(record, beats=None)

    def check_labels(self, folder: Path) -> list[tuple[str, str]]:
        repeated = self._table.repeated if self._table else {}
        return [
            (path, f"listed more than once in the table of labels, in lines {shorten(lines)}: counted once")
            for path, lines in repeated.items()
        ]

    def list_notes(self, folder: Path) -> list[str]:
        if self._table is None:
            return ["no table of labels: each recording counts as a patient of its own"]
        ignored = [file.name for file in list_tables_of_records(folder) if file != self._table.file]
        unread = [f"{shorten(ignored)}: not read, {self._table.file.name} is the table of labels"] if ignored else []
        return [*self._table.notes, *unread]


class RecordFinder:
    """Finds the recordings that a table names.

    Args:
        folder: The folder of the table.
        paths: Its recordings, without suffix, relative to it.
    """

    def __init__(self, folder: Path, paths: list[str]):
        self.folder = folder
        self.paths = {unicodedata.normalize("NFC", path): path for path in paths}
        self.named, self.numbered = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
        for path in paths:
            name = posixpath.basename(path)
            self.named[unicodedata.normalize("NFC", name)].append(path)
            if name.isdecimal():
                self.numbered[name.lstrip("0")].append(path)

    def find(self, text: str) -> str:
        """Find the recording that a cell names.

        Args:
            text: Its path in the folder; its name alone where that is in one place; or its number.

        Returns:
            Its path without suffix, relative to the folder; where there is none, the one that the text states.

        Raises:
            ValueError: The text names a place outside the folder, or several recordings.
        """
        stated = self._relative(text.replace("\\", "/"))
        stem = str(strip_suffix(Path(stated)))
        for path in (stem, stated):
            if path in self.paths:
                return self.paths[path]
        found = [] if "/" in stem else self.named[stem]
        if not found and (number := re.fullmatch(r"0*(\d+?)(\.0+)?", stated, re.ASCII)):
            found = self.numbered[number[1].lstrip("0")]
        if len(found) > 1:
            raise ValueError(f"{text!r} may be {shorten(found)}: write the path")
        return found[0] if found else stem

    def _relative(self, text: str) -> str:
        """The path relative to the folder."""
        if text.startswith("/") or re.match(r"[A-Za-z]:", text):
            text = posixpath.relpath(text, self.folder.resolve().as_posix()) if text.startswith("/") else ".."
        path = posixpath.normpath(text)
        if path in (".", "..") or path.startswith("../"):
            raise ValueError(f"{text!r} is no recording in this folder")
        return path


def _list_paths(folder: Path, table: Path | None) -> list[str]:
    """The recordings in a folder, without the table of labels where its suffix is also one of recordings."""
    paths = list_recordings(folder)
    if table and table.suffix.lower() in MAIN_SUFFIXES:
        others = (file for file in folder.iterdir() if file.stem == table.stem and file != table)
        if not any(file.suffix.lower() in MAIN_SUFFIXES for file in others):
            paths = [path for path in paths if path != table.stem]
    return paths


def _explain_no_labels(folder: Path, table: Path | None) -> str:
    """Why a folder is no data set."""
    wanted = "a table of labels is called labels.csv and has the columns record and label (optional: patient, fold)"
    if table:
        return f"{table} has no label, and no recording has annotations (.atr) beside it: {wanted}"
    files = [file.name for file in list_csv_files(folder)]
    found = f"; {shorten(files)}: not the columns of one" if files else ""
    return f"{folder} holds no known database, no labels.csv and no annotated recordings (.atr): {wanted}{found}"
