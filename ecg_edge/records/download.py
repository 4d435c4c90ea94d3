"""Download a database from PhysioNet: resume where a download stopped, keep only files with the published SHA-256."""

import hashlib
import http.client
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from ecg_edge.records.database import Database
from ecg_edge.records.record_error import describe_error
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import atomic_write

PHYSIONET = "https://physionet.org/files"
CONNECTIONS = 4
ATTEMPTS = 3
TIMEOUT_S = 30.0  # of a silent server
SLOW_S, SLOWEST = 60.0, 1000  # after so many seconds at least so many bytes per second
MAX_SUMS_BYTES = 1 << 28  # of a SHA256SUMS.txt; that of a database of a million files has 100 MB
MAX_FILE_BYTES = 1 << 36
PIECE = 1 << 20


def download(
    database: Database,
    folder: Path,
    advance: Callable[[int, int], None] = lambda done, total: None,
    base: str = PHYSIONET,
) -> int:
    """Download the files of a database that are missing or differ from the published ones.

    No file is ever half-written under its own name, so that the same call resumes an interrupted download.

    Args:
        database: The database.
        folder: Its folder, created where it is missing.
        advance: Called with (done, total) after each file.
        base: The address of PhysioNet or of a mirror with its layout.

    Returns:
        How many files were fetched.

    Raises:
        InputError: The database is not on PhysioNet, the network failed, or a file has another SHA-256.
    """
    if database.physionet is None:
        raise InputError(f"{database.name} is not on PhysioNet: there is nothing to download")
    url = f"{base}/{database.physionet}"
    fetch(f"{url}/SHA256SUMS.txt", folder / "SHA256SUMS.txt", limit=MAX_SUMS_BYTES)
    sums = parse_checksums(folder / "SHA256SUMS.txt", database.physionet_files)
    fetched, stop = 0, threading.Event()
    pool = ThreadPoolExecutor(CONNECTIONS)
    try:
        jobs = [
            pool.submit(update_file, f"{url}/{urllib.parse.quote(name)}", folder / name, sha256, stop)
            for name, sha256 in sums.items()
        ]
        for done, job in enumerate(as_completed(jobs), start=1):
            fetched += job.result()
            advance(done, len(jobs))
    finally:  # also on Ctrl-C: downloads in progress stop, queued ones do not begin
        stop.set()
        pool.shutdown(cancel_futures=True)
    return fetched


def parse_checksums(file: Path, patterns: tuple[str, ...]) -> dict[str, str]:
    """Parse a SHA256SUMS.txt.

    Args:
        file: The file.
        patterns: Shell patterns of the names that are wanted.

    Returns:
        Name → SHA-256 in lower-case hexadecimal digits.

    Raises:
        InputError: It names a file outside the database, or none that is wanted.
    """
    sums = {}
    for line in file.read_text(errors="replace").splitlines():
        sha256, _, name = line.strip().partition(" ")
        name = name.strip().removeprefix("*").removeprefix("./")
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or re.search(r"[\\:]", name) or not name.isprintable():
                raise InputError(f"{file} names a file outside the database: {name}")
            if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256) or name == "SHA256SUMS.txt":
                raise InputError(f"{file} states no SHA-256 of {name}")
            sums[name] = sha256.lower()
    if not sums:
        raise InputError(f"{file} lists none of the expected files ({', '.join(patterns)})")
    return sums


def update_file(url: str, path: Path, sha256: str, stop: threading.Event | None = None) -> bool:
    """Fetch a file unless `path` has its SHA-256 already; returns whether it was fetched. Raises InputError."""
    if path.is_file() and compute_sha256(path) == sha256:
        return False
    fetch(url, path, sha256, stop=stop)
    return True


def fetch(
    url: str,
    path: Path,
    sha256: str | None = None,
    limit: int = MAX_FILE_BYTES,
    stop: threading.Event | None = None,
) -> None:
    """Download one file completely or not at all.

    Args:
        url: Its address.
        path: Where to write it.
        sha256: Its published SHA-256, None where there is none.
        limit: The most bytes that are taken.
        stop: Set from another thread to give up.

    Raises:
        InputError: It could not be fetched in ATTEMPTS attempts, or has another SHA-256.
        OSError: It could not be written.
    """
    for attempt in range(ATTEMPTS):
        try:
            with atomic_write(path) as temporary:
                _receive(url, temporary, limit, stop or threading.Event())
                if sha256 and compute_sha256(temporary) != sha256:
                    raise InputError("what arrived does not match the published SHA-256")
            return
        except urllib.error.HTTPError as error:
            reason = f"{error.code} {error.reason}"
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, InputError) as error:
            reason = str(error.reason if isinstance(error, urllib.error.URLError) else error) or type(error).__name__
        if attempt == ATTEMPTS - 1 or (stop and stop.is_set()):
            reason = describe_error(Exception(reason))
            raise InputError(f"{url}: {reason}; the same command resumes the download") from None


def _receive(url: str, path: Path, limit: int, stop: threading.Event) -> None:
    """Write what a server sends to `path`, piece by piece.

    Raises:
        InputError: It is larger than `limit`, or comes too slowly.
        OSError, http.client.HTTPException: The network failed, or `path` cannot be written.
    """
    begin, size = time.monotonic(), 0
    with _OPENER.open(url, timeout=TIMEOUT_S) as answer, open(path, "wb") as file:
        stated = answer.headers.get("Content-Length", "")
        while piece := answer.read1(PIECE):
            size += len(piece)
            elapsed = time.monotonic() - begin
            if size > limit:
                raise InputError(f"the server sends more than {limit:,} bytes")
            if elapsed > SLOW_S and size / elapsed < SLOWEST:
                raise InputError(f"the server sends less than {SLOWEST:,} bytes per second")
            if stop.is_set():
                raise InputError("stopped")
            file.write(piece)
        if stated.isdecimal() and len(stated) < 20 and size < int(stated):
            raise InputError(f"the server sent {size:,} of {int(stated):,} bytes")


class _SameProtocol(urllib.request.HTTPRedirectHandler):
    """Follows redirects from https to https, and from http to either; never to files or other protocols."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        before, after = (urllib.parse.urlsplit(address).scheme for address in (req.full_url, newurl))
        if after != "https" and (before, after) != ("http", "http"):
            raise urllib.error.URLError(f"it redirects from {before} to {after or 'nowhere'}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_SameProtocol)
_OPENER.addheaders = [("User-Agent", "ecg-edge")]


def compute_sha256(path: Path) -> str:
    """Compute a file's SHA-256 in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
