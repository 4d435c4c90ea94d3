"""Identify the data from which a result was made, without reading a signal.

A WFDB header carries a checksum of every signal and a compressed MATLAB file ends in one, so that headers, ends, sizes
and label files identify the content.
"""

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from ecg_edge.records.database import Database
from ecg_edge.records.formats.format_registry import identify_files
from ecg_edge.records.record import Entry


def fingerprint(database: Database, folder: Path, entries: Iterable[Entry]) -> str:
    """Identify the content of a data set, wherever it is stored.

    Args:
        database: The database.
        folder: Its folder.
        entries: The recordings that count, in any order.

    Returns:
        16 hexadecimal digits of SHA-256, which change with any label or signal.
    """
    return _digest(database, folder, entries, times=False)


def compute_cache_stamp(database: Database, folder: Path, entries: Iterable[Entry]) -> str:
    """As `fingerprint`, but it changes with the files' modification times too, and with what a database makes of its
    files: what is repaired, or read in another way, is prepared again."""
    return _digest(database, folder, entries, times=True) + database.reading


def _digest(database: Database, folder: Path, entries: Iterable[Entry], times: bool) -> str:
    digest = hashlib.sha256(database.name.encode())
    for entry in sorted(entries, key=lambda entry: entry.name):
        digest.update(repr((entry.name, entry.patient, entry.labels, entry.fold)).encode())
        for file, content in identify_files(os.path.join(folder, entry.path)):
            status = _stat(file)
            digest.update(repr((os.path.basename(file), content, status and status.st_size)).encode())
            if times and status:
                digest.update(_encode_time(status))
    for file in database.list_label_files(folder):
        if file.is_file():
            digest.update(file.read_bytes())
            if times:
                digest.update(_encode_time(file.stat()))
    return digest.hexdigest()[:16]


def _encode_time(status: os.stat_result) -> bytes:
    """The time of modification, which a wrong clock may have set before 1970 or beyond 64 bits."""
    return (status.st_mtime_ns % 2**64).to_bytes(8)


def _stat(file: str) -> os.stat_result | None:
    """The status of a regular file, None where there is none."""
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None
