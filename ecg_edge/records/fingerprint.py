"""What data a result was made from, as 16 hexadecimal digits, without reading a signal.

A WFDB header carries a checksum of every signal and a compressed MATLAB file ends in one, so that headers, ends, sizes
and label files identify the content.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ecg_edge.records.database import Database
from ecg_edge.records.record import Entry


def fingerprint(database: Database, folder: Path, entries: Iterable[Entry]) -> str:
    """16 hexadecimal digits of SHA-256: the same wherever the data are, different once a label or a signal is."""
    return _digest(database, folder, entries, times=False)


def cache_stamp(database: Database, folder: Path, entries: Iterable[Entry]) -> str:
    """As `fingerprint`, and modification times with it: what was made from a file is made anew once it is repaired."""
    return _digest(database, folder, entries, times=True)


def _digest(database: Database, folder: Path, entries: Iterable[Entry], times: bool) -> str:
    digest = hashlib.sha256(database.name.encode())
    for entry in sorted(entries, key=lambda entry: entry.name):
        digest.update(repr((entry.name, entry.patient, entry.labels, entry.fold)).encode())
        for file, content in _identity(os.path.join(folder, entry.path)):
            status = os.stat(file) if os.path.isfile(file) else None
            digest.update(repr((os.path.basename(file), content, status and status.st_size)).encode())
            if times and status:
                digest.update(status.st_mtime_ns.to_bytes(8))
    for file in database.label_files(folder):
        if file.is_file():
            digest.update(file.read_bytes())
            if times:
                digest.update(file.stat().st_mtime_ns.to_bytes(8))
    return digest.hexdigest()[:16]


def _identity(path: str) -> Iterator[tuple[str, bytes]]:
    """The files of the recording at `path` (without suffix), each with those of its bytes that identify it."""
    try:
        with open(f"{path}.hea", "rb") as file:
            header = file.read()
    except OSError:
        if os.path.isfile(f"{path}.mat"):
            with open(f"{path}.mat", "rb") as file:
                start = file.read(256)
                file.seek(max(0, os.path.getsize(f"{path}.mat") - 64))
                yield f"{path}.mat", start + file.read()
        return
    yield f"{path}.hea", header
    signal_lines = [line.split() for line in header.splitlines()[1:] if not line.startswith(b"#")]
    for name in sorted({os.fsdecode(line[0]) for line in signal_lines if line}):
        yield os.path.join(os.path.dirname(path), name), b""
    if os.path.isfile(f"{path}.atr"):
        with open(f"{path}.atr", "rb") as file:
            yield f"{path}.atr", file.read()
