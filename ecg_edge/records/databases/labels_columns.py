"""The columns of a table of labels by their usual names, and the file in a folder that has such columns."""

import re
from collections.abc import Sequence
from pathlib import Path

from ecg_edge.records.csv_table import CsvTable, read_csv_header
from firmware_bench.runtime.errors import InputError

# What a column holds → its usual names, in lower case and without spaces and signs: "Patient ID" is patientid.
COLUMNS = {
    "record": "record recordname recordid recordfile recording recordingname recordingid recordingfile name file "
    "filename filepath path ecgid ecgname ecgfile",
    "labels": "label labels class classes classname classlabel diagnosis diagnoses rhythm rhythms rhythmlabel "
    "rhythmclass annotation category target groundtruth dx scpcodes",
    "patient": "patient patients patientid patientno patientnumber patientnr patientcode patientname patid pid subject "
    "subjects subjectid subjectno subjectnumber subjectcode subjid person personid participant participantid "
    "individual individualid mrn",
    "fold": "fold foldid foldno foldnumber stratfold cvfold",
    "split": "split datasplit set part partition subset",
    "fs": "fs samplingrate samplingfrequency samplerate samplingratehz fshz",
    "units": "unit units",
    "leads": "lead leads leadnames",
}
MEANING = {name: meaning for meaning, names in COLUMNS.items() for name in names.split()}
SHOWN = 8  # names or lines in a message


def normalise_name(name: str) -> str:
    """A column's name in lower case, without spaces and signs."""
    return re.sub(r"[\W_]+", "", name.casefold())


def is_known_column(name: str) -> bool:
    """Whether the name of a column is understood."""
    return normalise_name(name) in MEANING


def shorten(values: Sequence) -> str:
    """The first SHOWN of `values`, separated by commas, and "…" where there are more."""
    return ", ".join(map(str, values[:SHOWN])) + (", …" if len(values) > SHOWN else "")


def is_labels_header(header: Sequence[str]) -> bool:
    """Whether columns of these names are a table of labels: a record's, and a label's or a patient's."""
    meanings = {MEANING.get(normalise_name(name)) for name in header}
    return "record" in meanings and bool(meanings & {"labels", "patient"})


def find_labels_file(folder: Path) -> Path | None:
    """Find the table of labels: labels.csv, else the only CSV file in `folder` whose columns are those of one.

    Raises:
        InputError: labels.csv is no file, or several other files could be the table.
    """
    explicit = find_explicit_labels(folder)
    if explicit:
        return explicit
    files = [file for file in list_csv_files(folder) if is_labels_header(read_csv_header(file, is_known_column))]
    if len(files) > 1:
        names = shorten([file.name for file in files])
        raise InputError(f"{folder}: {names} could all be the table of labels: call the right one labels.csv")
    return files[0] if files else None


def find_explicit_labels(folder: Path) -> Path | None:
    """Find the file labels.csv in `folder`, in any case, or None. Raises InputError: it is there and no file."""
    found = sorted(path for path in folder.iterdir() if path.name.lower() == "labels.csv")
    if not found:
        return None
    file = folder / "labels.csv" if folder / "labels.csv" in found else found[0]
    if not file.is_file():
        raise InputError(f"{file} is no file that can be read")
    return file


def list_csv_files(folder: Path) -> list[Path]:
    """List the CSV files in `folder`."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == ".csv" and path.is_file())


def list_tables_of_records(folder: Path) -> list[Path]:
    """List the CSV files in `folder` that have a column of records, as a table of labels or of patients has."""
    headers = {file: read_csv_header(file, is_known_column) for file in list_csv_files(folder)}
    return [
        file for file, header in headers.items() if "record" in {MEANING.get(normalise_name(name)) for name in header}
    ]


def find_columns(table: CsvTable) -> tuple[dict[str, int], list[str]]:
    """Find out which column is what.

    Args:
        table: The table.

    Returns:
        Meaning (a key of COLUMNS) → position of the column, and notes on the others.

    Raises:
        InputError: Two columns mean the same, or there are no records, or neither labels nor patients.
    """
    file, columns, others = table.file, dict[str, int](), []
    for position, name in enumerate(table.header):
        meaning = MEANING.get(normalise_name(name))
        if meaning is None:
            if name or any(position < len(row.cells) and row.cells[position] for row in table.rows):
                others.append(position)
        elif meaning in columns:
            first = table.header[columns[meaning]]
            raise InputError(f"{file}: columns {first!r} and {name!r} mean the same ({meaning}): rename or remove one")
        else:
            columns[meaning] = position
    notes = []
    if "record" not in columns and others[:1] == [0]:
        columns["record"] = others.pop(0)
        notes.append(f"{file.name}: no column is called 'record', the first one, {table.header[0]!r}, is taken")
    named = shorten([repr(name) for name in table.header])
    if "record" not in columns:
        raise InputError(f"{file} has no column 'record': its columns are {named}")
    if not columns.keys() & {"labels", "patient"}:
        raise InputError(f"{file} has no column 'label': its columns are {named}")
    if {"fold", "split"} <= columns.keys():
        both = [table.header[columns[meaning]] for meaning in ("fold", "split")]
        raise InputError(f"{file}: columns {both[0]!r} and {both[1]!r} both divide the recordings: remove one")
    if others:
        unknown = shorten([repr(table.header[position]) for position in others])
        notes.append(f"{file.name}: columns that are not understood and not used: {unknown}")
    return columns, notes
