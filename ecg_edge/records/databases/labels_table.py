"""The table of labels of a user's folder: its rows are sound, or refused with their line."""

import dataclasses
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from ecg_edge.records.csv_table import CsvTable, read_csv_table
from ecg_edge.records.databases.labels_columns import COLUMNS, find_columns, is_known_column, normalise_name, shorten
from ecg_edge.records.databases.scp_statements import find_superclasses, parse_scp_codes
from ecg_edge.records.signal_description import NOTHING_STATED, SignalDescription, describe_signal
from ecg_edge.records.split import OFFICIAL
from firmware_bench.runtime.errors import InputError

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
FOLD_OF_PART = {"train": 1, "validation": 9, "test": 10}
BLANKS = ("", "nan", "<na>", "#n/a")  # as pandas and Excel write a blank cell too


@dataclasses.dataclass(frozen=True)
class LabelsRow:
    """A recording in the table.

    Attributes:
        line: Where it stands, counted from 1.
        path: The recording, as `find_record` found it.
        labels: The first is the primary one; () where the cell is blank.
        patient: "" where the table does not say.
        fold: 1 … 10, or None.
        part: "train" or "test" where the table divides in these two alone, else None.
        stated: Sampling rate, unit and leads of a file that does not say them.
        statements: PTB-XL's codes that the labels sum up, where the table holds such.
    """

    line: int
    path: str
    labels: tuple[str, ...] = ()
    patient: str = ""
    fold: int | None = None
    part: str | None = None
    stated: SignalDescription = NOTHING_STATED
    statements: tuple[str, ...] = ()

    @property
    def side(self) -> str | None:
        """The part of the split that the table puts the recording in."""
        return OFFICIAL.get(self.fold) or self.part


@dataclasses.dataclass(frozen=True)
class LabelsTable:
    """The table of labels of a folder.

    Attributes:
        file: The CSV file.
        columns: Meaning (a key of COLUMNS) → the column's name in the file.
        rows: One per recording.
        repeated: Path → the lines in which it stands, where these are several that say the same.
        notes: What a user should know about how the table was read, one line each.
    """

    file: Path
    columns: dict[str, str]
    rows: tuple[LabelsRow, ...]
    repeated: dict[str, tuple[int, ...]]
    notes: tuple[str, ...]

    @property
    def holds_scp_codes(self) -> bool:
        """Whether the labels are PTB-XL's statements."""
        return normalise_name(self.columns.get("labels", "")) == "scpcodes"

    @property
    def is_numbered_as_ptbxl(self) -> bool:
        """Whether records are named by PTB-XL's numbers."""
        return self.holds_scp_codes and normalise_name(self.columns["record"]) == "ecgid"


class _Faults:
    """What is wrong with the rows of a table: one line tells the first and where the others are."""

    def __init__(self, file: Path):
        self.file, self.found = file, dict[int, str]()

    def add(self, line: int, text: str) -> None:
        self.found.setdefault(line, text)

    def refuse(self) -> None:
        if not self.found:
            return
        first, *others = sorted(self.found)
        text = f"{self.file}, line {first}: {self.found[first]}"
        if others:
            text += f" ({len(others)} more {'faults' if len(others) > 1 else 'fault'}: line {shorten(others)})"
        raise InputError(text)


def read_labels_table(file: Path, find_record: Callable[[str], str]) -> LabelsTable:
    """Read a table of labels and look at it as a table.

    Args:
        file: The CSV file.
        find_record: The path of the recording that a cell names. Raises ValueError where it may name none.

    Returns:
        The table.

    Raises:
        InputError: The file is no CSV, two columns mean the same, or rows are unsound: the first line and the numbers
            of the others.
    """
    table = read_csv_table(file, is_known_column)
    columns, notes = find_columns(table)
    if not table.rows:
        raise InputError(f"{file} is empty: it must list the recordings and their labels")
    faults = _Faults(file)
    cells = _pick_cells(table, columns, faults)
    for meaning in ("fold", "split"):
        if meaning in columns and not any(row[meaning] for _, row in cells):
            notes.append(f"{file.name}: column {table.header[columns.pop(meaning)]!r} is blank")
    names = {meaning: table.header[position] for meaning, position in columns.items()}
    made = LabelsTable(file, names, (), {}, ())
    rows = [
        _read_row(line, row, columns, made.holds_scp_codes, find_record, faults)
        for line, row in cells
        if line not in faults.found
    ]
    rows = [row for row in rows if row]
    rows = _divide(rows, {PARTS.get(row["split"].casefold(), "") for _, row in cells} if "split" in columns else set())
    rows, repeated = _merge_repeated(rows, faults)
    for what, values in (("label", lambda row: row.labels), ("patient", lambda row: (row.patient,))):
        _find_spellings(what, [(row.line, value) for row in rows for value in values(row) if value], faults)
    _find_torn_patients(rows, faults)
    faults.refuse()
    notes += _note_rows(file, rows, names, table.encoding)
    return dataclasses.replace(made, rows=tuple(rows), repeated=repeated, notes=tuple(notes))


def _pick_cells(table: CsvTable, columns: dict[str, int], faults: _Faults) -> list[tuple[int, dict[str, str]]]:
    """Line and cells by meaning of every row that fits the header."""
    picked, width = [], len(table.header)
    for row in table.rows:
        # Excel leaves out blank cells at the end of a row, and writes some too many.
        if len(row.cells) <= max(columns.values()) or any(row.cells[width:]):
            faults.add(
                row.line,
                f"{len(row.cells)} cells where the header has {width}: a cell that contains the separator must stand "
                "in quotation marks",
            )
            continue
        cells = {meaning: row.cells[position] for meaning, position in columns.items()}
        if hidden := _find_hidden("".join(cells.values())):
            faults.add(row.line, f"a cell contains {hidden}")
            continue
        for meaning in cells.keys() - {"record"}:
            text = " ".join(cells[meaning].split())
            cells[meaning] = "" if text.casefold() in BLANKS else text
        picked.append((row.line, dict.fromkeys(COLUMNS, "") | cells))
    return picked


def _find_hidden(text: str) -> str:
    """What `text` contains that cannot be seen, spaces of all kinds aside; "" where there is nothing."""
    for character in "" if text.isprintable() else text:
        if not character.isprintable() and unicodedata.category(character) != "Zs":
            return "a line break or tab" if character in "\r\n\t" else f"the invisible U+{ord(character):04X}"
    return ""


def _read_row(line: int, cells, columns, holds_scp_codes: bool, find_record, faults: _Faults) -> LabelsRow | None:
    try:
        if not cells["record"]:
            raise ValueError("names no record")
        path = find_record(cells["record"])
        codes = parse_scp_codes(cells["labels"]) if holds_scp_codes else {}
        labels = find_superclasses(codes) if holds_scp_codes else _parse_labels(cells["labels"])
        fold = _parse_fold(cells["fold"]) if "fold" in columns else None
        part = _parse_part(cells["split"]) if "split" in columns else None
        fs = float(cells["fs"].replace(",", ".")) if cells["fs"] else None
        stated = describe_signal(fs, cells["units"] or None, cells["leads"].replace(";", " "))
    except (ValueError, InputError) as error:
        faults.add(line, str(error))
        return None
    return LabelsRow(line, path, labels, cells["patient"], fold, part, stated, tuple(codes))


def _parse_labels(text: str) -> tuple[str, ...]:
    """The labels in a cell."""
    if re.fullmatch(r"[\[({].*['\"].*[\])}]", text):
        raise ValueError(f"{text!r} is a list as programs write it: separate labels by ';'")
    return tuple(dict.fromkeys(label.strip() for label in text.split(";") if label.strip()))


def _parse_fold(text: str) -> int:
    """A fold's number; tables written by pandas say "3.0"."""
    if not text:
        raise ValueError("no fold, and other lines have one: fill it in, or remove the column")
    if not re.fullmatch(r"0*([1-9]|10)(\.0*)?", text, re.ASCII):
        raise ValueError(f"fold {text!r} is not one of 1 … 10 (train, validation, test go into a column 'split')")
    return int(float(text))


def _parse_part(text: str) -> str:
    if not text:
        raise ValueError("no part of the split, and other lines have one: fill it in, or remove the column")
    if text.casefold() not in PARTS:
        raise ValueError(f"split {text!r} is not one of train, validation, test")
    return PARTS[text.casefold()]


def _divide(rows: list[LabelsRow], parts: set[str]) -> list[LabelsRow]:
    """Keep a division in train and test, of which the validation part is drawn; express one in three by folds."""
    if "validation" not in parts:
        return rows
    return [dataclasses.replace(row, fold=FOLD_OF_PART[row.part or ""], part=None) for row in rows]


def _merge_repeated(rows: list[LabelsRow], faults: _Faults) -> tuple[list[LabelsRow], dict[str, tuple[int, ...]]]:
    """One row per recording; rows on one recording that contradict each other are faults."""
    first: dict[str, LabelsRow] = {}
    lines: dict[str, list[int]] = {}
    for row in rows:
        kept = first.setdefault(row.path, row)
        lines.setdefault(row.path, []).append(row.line)
        if kept is not row and dataclasses.replace(row, line=kept.line) != kept:
            what = "labels" if row.labels != kept.labels else "patient" if row.patient != kept.patient else "part"
            what = "signal" if row.stated != kept.stated else what
            faults.add(row.line, f"{row.path!r} has another {what} than in line {kept.line}: one row per recording")
    return list(first.values()), {path: tuple(own) for path, own in lines.items() if len(own) > 1}


def _find_spellings(what: str, values: list[tuple[int, str]], faults: _Faults) -> None:
    """Labels or patients that differ only in case, in spaces, or as numbers that are equal: 7, 07, 7.0."""
    first: dict[str, tuple[int, str]] = {}
    for line, value in values:
        key = re.sub(r"[\s_-]+", " ", value.casefold())
        key = re.sub(r"^0+(?=\d)|\.0+$", "", key) if re.fullmatch(r"\d+(\.0+)?", key) else key
        earlier, spelt = first.setdefault(key, (line, value))
        if spelt != value:
            faults.add(line, f"{what} {value!r} is spelt {spelt!r} in line {earlier}: write both alike")


def _find_torn_patients(rows: list[LabelsRow], faults: _Faults) -> None:
    """Patients whose recordings the table puts in several parts of the split."""
    first: dict[str, LabelsRow] = {}
    for row in rows:
        if row.patient and row.side:
            kept = first.setdefault(row.patient, row)
            if kept.side != row.side:
                where = f"the {kept.side} part in line {kept.line} and in the {row.side} part here"
                faults.add(row.line, f"patient {row.patient!r} is in {where}: keep a patient in one part")


def _note_rows(file: Path, rows: list[LabelsRow], names: dict[str, str], encoding: str) -> list[str]:
    notes, without = [], sum(not row.patient for row in rows)
    if "patient" not in names:
        notes.append(f"{file.name}: no column of patients: each recording counts as a patient of its own")
    elif without:
        notes.append(f"{file.name}: {without} recordings without a patient: each counts as a patient of its own")
    if encoding == "cp1252":
        notes.append(f"{file.name}: not UTF-8, read as Windows-1252")
    labels = {label for row in rows for label in row.labels}
    for label in sorted(labels):
        pieces = [piece.strip() for piece in re.split(r"[,|+/&]", label)]
        if len(pieces) > 1 and labels.issuperset(pieces):
            notes.append(f"{file.name}: {label!r} is a class of its own: several labels are separated by ';'")
    return notes
