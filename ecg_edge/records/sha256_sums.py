"""SHA256SUMS.txt, which PhysioNet publishes with every database: what tells a damaged annotation file, which has no sum
of its own."""

import hashlib
import os
import re
from pathlib import Path

from ecg_edge.records.formats.format_registry import identify_files
from ecg_edge.records.record import Entry
from ecg_edge.records.record_error import RecordError
from ecg_edge.records.regular_file import open_regular_file, read_regular_file

NAME = "SHA256SUMS.txt"
LINE = re.compile(r"([0-9a-fA-F]{64}) [ *]?(.+)")  # PhysioNet writes one space, sha256sum two characters
MAXIMUM_BYTES = 256 * 2**20


class Sha256Sums:
    """The sums of a database's files, none where it has no SHA256SUMS.txt.

    Args:
        folder: The database's folder.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._sums: dict[str, str] = {}
        if (folder / NAME).is_file():
            text = read_regular_file(folder / NAME, MAXIMUM_BYTES).decode(errors="replace")
            lines = filter(None, map(LINE.fullmatch, text.splitlines()))
            self._sums = {os.path.normpath(line[2]): line[1].lower() for line in lines}

    def check(self, entry: Entry) -> list[str]:
        """List the files of a recording that differ from the published ones, one line each."""
        if not self._sums:
            return []
        remarks = []
        try:
            files = [file for file, _ in identify_files(os.path.join(self._folder, entry.path))]
        except RecordError:  # named when it is read
            return []
        for file in files:
            name = os.path.relpath(file, self._folder)
            if name in self._sums and _compute_sum(file) not in (None, self._sums[name]):
                remarks.append(f"{name} is not the published file: it differs from {NAME}")
        return remarks


def _compute_sum(file: str) -> str | None:
    """The SHA-256 of a file in hexadecimal digits; None where it cannot be read."""
    try:
        with open_regular_file(file) as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except RecordError:
        return None
