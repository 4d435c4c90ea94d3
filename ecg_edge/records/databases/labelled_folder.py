"""A user's own folder of recordings, with their labels in a CSV file.

The file is labels.csv, or the folder's only CSV file. Its first line names the columns:
  record (or name, file, ecg_id; else the first column)   with or without path and suffix; 9 finds 00009
  labels (or label, class, scp_codes)                     several are separated by ";", the primary one first
  patient (or patient_id, subject), fold (or strat_fold)  optional; fold 1–8 trains, 9 validates, 10 tests
In a column scp_codes are PTB-XL's statements, as in its own table or as "SR;NORM"; the labels are their superclasses.
"""

import dataclasses
from pathlib import Path

from ecg_edge.records.database import Database
from ecg_edge.records.database_files import list_record_paths, read_table
from ecg_edge.records.databases.scp_statements import CLASSES, find_superclasses, parse_scp_codes
from ecg_edge.records.formats.format_registry import MAIN_SUFFIXES, strip_suffix
from ecg_edge.records.record import Entry
from firmware_bench.runtime.errors import InputError

COLUMNS = {
    "record": ("record", "name", "file", "filename", "record_name", "recording", "ecg_id"),
    "labels": ("labels", "label", "class", "classes", "scp_codes"),
    "patient": ("patient", "patient_id", "subject", "subject_id"),
    "fold": ("fold", "strat_fold"),
}


@dataclasses.dataclass(frozen=True)
class LabelsTable:
    """The labels file of a folder.

    Attributes:
        file: The CSV file.
        rows: Its rows by column name.
        columns: Key of COLUMNS → the column's name in this file; optional ones may be missing.
    """

    file: Path
    rows: list[dict[str, str]]
    columns: dict[str, str]

    @property
    def holds_scp_codes(self) -> bool:
        """Whether the labels are PTB-XL's statements."""
        return self.columns["labels"].strip().lower() == "scp_codes"

    @property
    def is_numbered_as_ptbxl(self) -> bool:
        """Whether records are named by PTB-XL's numbers."""
        return self.holds_scp_codes and self.columns["record"].strip().lower() == "ecg_id"


class LabelledFolder(Database):
    """A folder with a labels file. One object per folder: its classes are the labels that occur there.

    Args:
        folder: The folder.

    Raises:
        InputError: It has no labels file, or one that cannot be used.
    """

    title = "labelled folder"
    licence = "the owner's"
    leads = ()
    normal_labels = ("SNR", "NORM", "N", "normal")  # as public databases and people write it

    def __init__(self, folder: Path):
        self.name = folder.resolve().name
        table = read_labels_table(folder)
        self.numbering = "ptbxl" if table.is_numbered_as_ptbxl else None
        if table.holds_scp_codes:
            self.classes = CLASSES
        else:
            self.classes = tuple(sorted({label for entry in self.list_entries(folder) for label in entry.labels}))

    def is_at(self, folder: Path) -> bool:
        return find_labels_file(folder) is not None

    def list_label_files(self, folder: Path) -> list[Path]:
        file = find_labels_file(folder)
        return [file] if file else []

    def list_entries(self, folder: Path) -> list[Entry]:
        return list({entry.name: entry for entry in reversed(self._list_lines(folder))}.values())[::-1]

    def list_recordings(self, folder: Path) -> dict[str, str]:
        return {path: path for path in list_record_paths(folder, MAIN_SUFFIXES)}

    def check_labels(self, folder: Path) -> list[tuple[str, str]]:
        seen, remarks = set(), []
        for entry in self._list_lines(folder):
            if entry.name in seen:
                remarks.append((entry.name, "listed more than once in the labels file: the first line counts"))
            seen.add(entry.name)
        return remarks

    def _list_lines(self, folder: Path) -> list[Entry]:
        """Every line of the labels file, repetitions included."""
        table = read_labels_table(folder)
        paths = _index_names(self.list_recordings(folder))
        entries = []
        for number, row in enumerate(table.rows, start=2):
            cells = {key: (row[table.columns[key]] or "").strip() if key in table.columns else "" for key in COLUMNS}
            if not cells["record"]:
                raise InputError(f"{table.file}, line {number} names no record")
            path = _find_path(cells["record"], paths)
            try:
                labels = _parse_labels(cells["labels"], table.holds_scp_codes)
                fold = _parse_fold(cells["fold"])
            except ValueError as error:
                raise InputError(f"{table.file}, line {number}: {error}") from None
            entries.append(Entry(path, path, cells["patient"] or path, labels, fold))
        return entries


def find_labels_file(folder: Path) -> Path | None:
    """Find labels.csv in `folder`, else its only CSV file, else None."""
    if (folder / "labels.csv").is_file():
        return folder / "labels.csv"
    files = sorted(folder.glob("*.csv"))
    return files[0] if len(files) == 1 else None


def read_labels_table(folder: Path) -> LabelsTable:
    """Read the labels file of a folder.

    Args:
        folder: The folder.

    Returns:
        Its rows, and which column is what.

    Raises:
        InputError: There is no labels file, or it is empty, no CSV or without a column of labels.
    """
    file = find_labels_file(folder)
    if file is None:
        raise InputError(f"{folder} has no labels.csv (columns: record, labels; optional: patient, fold)")
    rows = read_table(file)
    columns = {key: column for key, names in COLUMNS.items() if (column := _find_column(rows[0], names)) is not None}
    columns.setdefault("record", next(iter(rows[0])))
    if "labels" not in columns:
        raise InputError(f"{file} has no column 'labels': its columns are {', '.join(map(str, rows[0]))}")
    return LabelsTable(file, rows, columns)


def _find_column(row: dict[str, str], names: tuple[str, ...]) -> str | None:
    """The column of `row` whose header is one of `names`, earlier names first."""
    own = {str(column).strip().lower(): column for column in row}
    return next((own[name] for name in names if name in own), None)


def _parse_labels(text: str, holds_scp_codes: bool) -> tuple[str, ...]:
    """The labels in a cell; superclasses where it holds SCP codes. Raises ValueError."""
    if holds_scp_codes:
        return find_superclasses(parse_scp_codes(text))
    return tuple(label.strip() for label in text.split(";") if label.strip())


def _parse_fold(text: str) -> int | None:
    """A fold's number; tables written by pandas say "3.0". Raises ValueError."""
    if not text:
        return None
    try:
        fold = float(text)
    except ValueError:
        fold = 0.0
    if fold not in range(1, 11):
        raise ValueError(f"fold {text!r} is not one of 1 … 10")
    return int(fold)


def _index_names(paths: dict[str, str]) -> dict[str, str]:
    """Path, file name and number → path, where that is unambiguous."""
    found: dict[str, str] = {}
    for path in paths:
        name = Path(path).name
        for key in {name, name.lstrip("0")} - {path}:
            found[key] = "" if key in found else path
    return {key: path for key, path in found.items() if path} | paths


def _find_path(record: str, paths: dict[str, str]) -> str:
    """The recording that a line of the labels file names; the text itself where there is none on disk."""
    stem = strip_suffix(Path(record.removeprefix("./")))
    return paths.get(str(stem)) or paths.get(str(stem).lstrip("0")) or paths.get(stem.name) or str(stem)
