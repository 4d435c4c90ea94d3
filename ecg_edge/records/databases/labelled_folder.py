"""A user's own folder of WFDB records, with their labels in a CSV file.

The file is labels.csv, or the folder's only CSV file. Its first line names the columns; what is understood:
  record (or name, file, ecg_id; else the first column)   with or without path and suffix; 9 finds 00009
  labels (or label, class, scp_codes)                     several are separated by ";", the primary one first
  patient (or patient_id, subject), fold (or strat_fold)  optional; fold 1–8 trains, 9 validates, 10 tests
In a column scp_codes are PTB-XL's statements, as in its own table or as "SR;NORM"; the labels are their superclasses.
"""

from pathlib import Path, PurePosixPath

from ecg_edge.records.database import Database
from ecg_edge.records.database_files import list_record_paths, read_rows
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


class LabelledFolder(Database):
    """See the module. One object per folder, because its classes are the labels that occur there."""

    title = "labelled folder"
    licence = "the owner's"
    leads = ()
    normal_labels = ("SNR", "NORM", "N", "normal")  # as public databases and people write it

    def __init__(self, folder: Path):
        self.name = folder.resolve().name
        _, columns = self._table(folder)
        if is_scp(columns["labels"]):
            self.classes = CLASSES
            self.numbering = "ptbxl" if columns["record"].strip().lower() == "ecg_id" else None
        else:
            self.classes = tuple(sorted({label for entry in self.index(folder) for label in entry.labels}))

    @staticmethod
    def fits(folder: Path) -> bool:
        """Whether `folder` has a labels file."""
        return find_labels_file(folder) is not None

    def is_at(self, folder: Path) -> bool:
        return self.fits(folder)

    def list_label_files(self, folder: Path) -> list[Path]:
        file = find_labels_file(folder)
        return [file] if file else []

    def list_entries(self, folder: Path) -> list[Entry]:
        return list({entry.name: entry for entry in reversed(self._listed(folder))}.values())[::-1]

    def list_recordings(self, folder: Path) -> dict[str, str]:
        return {path: path for path in list_record_paths(folder, MAIN_SUFFIXES)}

    def check_labels(self, folder: Path) -> list[tuple[str, str]]:
        seen, remarks = set(), []
        for entry in self._listed(folder):
            if entry.name in seen:
                remarks.append((entry.name, "listed more than once in the labels file: the first line counts"))
            seen.add(entry.name)
        return remarks

    def _table(self, folder: Path) -> tuple[list[dict[str, str]], dict[str, str | None]]:
        """The rows of the labels file, and which of its columns is what. Raises InputError."""
        file = find_labels_file(folder)
        if file is None:
            raise InputError(f"{folder} has no labels.csv (columns: record, labels; optional: patient, fold)")
        rows = read_rows(file)
        columns = {key: _column(rows[0], names) for key, names in COLUMNS.items()}
        columns["record"] = columns["record"] or next(iter(rows[0]))
        if columns["labels"] is None:
            raise InputError(f"{file} has no column 'labels': its columns are {', '.join(map(str, rows[0]))}")
        return rows, columns

    def _listed(self, folder: Path) -> list[Entry]:
        """Every line of the labels file, repetitions included."""
        file, (rows, columns) = find_labels_file(folder), self._table(folder)
        paths = _by_any_name(self.list_recordings(folder))
        entries = []
        for number, row in enumerate(rows, start=2):
            cells = {key: (row[column] or "").strip() if column else "" for key, column in columns.items()}
            if not cells["record"]:
                raise InputError(f"{file}, line {number} names no record")
            path = _resolve(cells["record"], paths)
            try:
                labels = _labels(cells["labels"], is_scp(columns["labels"]))
            except ValueError as error:
                raise InputError(f"{file}, line {number}: {error}") from None
            entries.append(Entry(path, path, cells["patient"] or path, labels, _fold(cells["fold"], file, number)))
        return entries


def is_scp(column: str) -> bool:
    """Whether the column of this name holds PTB-XL's statements."""
    return column.strip().lower() == "scp_codes"


def find_labels_file(folder: Path) -> Path | None:
    """labels.csv in `folder`, else its only CSV file, else None."""
    if (folder / "labels.csv").is_file():
        return folder / "labels.csv"
    files = sorted(folder.glob("*.csv"))
    return files[0] if len(files) == 1 else None


def _column(row: dict[str, str], names: tuple[str, ...]) -> str | None:
    """The column of `row` whose header is one of `names`, earlier names first."""
    own = {str(column).strip().lower(): column for column in row}
    return next((own[name] for name in names if name in own), None)


def _labels(text: str, scp: bool) -> tuple[str, ...]:
    """The labels in a cell; superclasses where it holds SCP codes. Raises ValueError."""
    if scp:
        return find_superclasses(parse_scp_codes(text))
    return tuple(label.strip() for label in text.split(";") if label.strip())


def _by_any_name(paths: dict[str, str]) -> dict[str, str]:
    """Path, file name and number → path, where that is unambiguous."""
    found: dict[str, str] = {}
    for path in paths:
        name = PurePosixPath(path).name
        for key in {name, name.lstrip("0")} - {path}:
            found[key] = "" if key in found else path
    return {key: path for key, path in found.items() if path} | paths


def _resolve(record: str, paths: dict[str, str]) -> str:
    """The recording that a line of the labels file means; the text itself where there is none on disk."""
    bare = str(strip_suffix(Path(record.removeprefix("./"))))
    name = Path(bare).name
    return paths.get(bare) or paths.get(bare.lstrip("0")) or paths.get(name) or bare


def _fold(text: str, file: Path, line: int) -> int | None:
    """A fold's number; tables written by pandas say "3.0"."""
    if not text:
        return None
    try:
        fold = float(text)
    except ValueError:
        fold = 0.0
    if fold not in range(1, 11):
        raise InputError(f"{file}, line {line}: fold {text!r} is not one of 1 … 10")
    return int(fold)
