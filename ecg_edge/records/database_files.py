"""Files of a database: list its recordings, read its tables of labels."""

import csv
import os
import re
from collections.abc import Iterable
from pathlib import Path

from ecg_edge.records.record_error import RecordError, describe_error
from ecg_edge.records.regular_file import open_regular_file
from firmware_bench.runtime.errors import InputError

LONGEST_LINE = 4096
PUBLISHED_TEXTS = ("license.txt", "readme.txt", "sha256sums.txt")  # in every download from PhysioNet


def list_record_paths(folder: Path, suffixes: tuple[str, ...] = (".hea",), below: str = "") -> list[str]:
    """List the recordings in a folder and its subfolders.

    Args:
        folder: The database's folder.
        suffixes: A recording is listed where a file with one of these exists.
        below: The subfolder to look in; "" for all.

    Returns:
        Paths without suffix, relative to `folder`, sorted. Hidden files and folders, and what comes with
        every download, are left out.
    """
    found = set()
    for parent, folders, files in os.walk(folder / below):
        folders[:] = [name for name in folders if not name.startswith(".")]
        relative = os.path.relpath(parent, folder)
        prefix = "" if relative == "." else f"{relative}/"
        for file in files:
            stem, suffix = os.path.splitext(file)
            if suffix.lower() in suffixes and not file.startswith(".") and file.lower() not in PUBLISHED_TEXTS:
                found.add(prefix + stem)
    return sorted(found)


def list_record_names(folder: Path, name: re.Pattern[str]) -> list[str]:
    """List the recordings of a database that keeps them all in one folder.

    Args:
        folder: The database's folder.
        name: What their names look like.

    Returns:
        Those listed in the file RECORDS, or where it is absent, those with a header or annotations; sorted.
    """
    if (folder / "RECORDS").is_file():
        names = (folder / "RECORDS").read_text(errors="replace").split()
    else:
        names = [file.stem for file in folder.glob("*.*") if file.suffix in (".hea", ".atr")]
    return sorted({found for found in names if name.fullmatch(found)})


def has_header(folder: Path, names: Iterable[str], signals: int, fs: int) -> bool:
    """Whether one of the recordings `names` has a WFDB header with so many signals at `fs` Hz."""
    wanted = [str(signals), str(fs)]
    return any(read_first_line(folder / f"{name}.hea").split()[1:3] == wanted for name in names)


def read_first_line(path: Path) -> str:
    """Read a text file's first line; "" where there is no such file."""
    try:
        with open_regular_file(path) as file:
            return file.readline(LONGEST_LINE).decode("utf-8-sig", errors="replace").strip()
    except (OSError, RecordError):
        return ""


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a CSV file whose first line names the columns.

    Args:
        path: The file, UTF-8 with or without a byte order mark.

    Returns:
        Its rows by column name, at least one.

    Raises:
        InputError: The file is missing, no CSV, or empty.
    """
    return _read_csv(path, csv.DictReader)


def read_rows(path: Path) -> list[list[str]]:
    """Read a CSV file as lists of cells, its first line included. Raises InputError as `read_table` does."""
    return _read_csv(path, csv.reader)


def _read_csv(path: Path, reader) -> list:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = [row for row in reader(file) if row]
    except FileNotFoundError:
        raise InputError(f"{path} is missing: without it the recordings have no labels") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as CSV: {describe_error(error)}") from None
    if not rows:
        raise InputError(f"{path} is empty: it must list the recordings and their labels")
    return rows
