"""Files of a database: list its recordings, read its tables of labels."""

import csv
import os
from pathlib import Path

from ecg_edge.records.record_error import describe_error
from firmware_bench.runtime.errors import InputError


def list_record_paths(folder: Path, suffixes: tuple[str, ...] = (".hea",), below: str = "") -> list[str]:
    """Files below `folder`/`below` with one of `suffixes`: paths without suffix, relative to `folder`, sorted."""
    found = set()
    for parent, folders, files in os.walk(folder / below):
        folders[:] = [name for name in folders if not name.startswith(".")]
        relative = os.path.relpath(parent, folder)
        prefix = "" if relative == "." else f"{relative}/"
        for file in files:
            stem, suffix = os.path.splitext(file)
            if suffix in suffixes and not file.startswith("."):
                found.add(prefix + stem)
    return sorted(found)


def read_first_line(path: Path) -> str:
    """A text file's first line, "" where the file is missing."""
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""


def read_rows(path: Path, header: bool = True) -> list[dict[str, str]] | list[list[str]]:
    """A CSV file's rows: dicts by column name, or lists where it has no `header`. Raises InputError, never empty."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = [row for row in (csv.DictReader(file) if header else csv.reader(file)) if row]
    except FileNotFoundError:
        raise InputError(f"{path} is missing: without it the recordings have no labels") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as CSV: {describe_error(error)}") from None
    if not rows:
        raise InputError(f"{path} is empty: it must list the recordings and their labels")
    return rows
