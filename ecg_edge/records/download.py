"""Download a database from PhysioNet: resume where a download stopped, keep only files with the published SHA-256."""

import errno
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from ecg_edge.records.database import Database
from ecg_edge.records.formats.wfdb_format import import_wfdb
from ecg_edge.records.record_error import describe_error
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import atomic_write

PHYSIONET = "https://physionet.org/files"
CONNECTIONS = 4
ATTEMPTS = 3


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
    fetch(f"{url}/SHA256SUMS.txt", folder / "SHA256SUMS.txt")
    sums = parse_checksums(folder / "SHA256SUMS.txt", database.physionet_files)
    fetched = 0
    pool = ThreadPoolExecutor(CONNECTIONS)
    try:
        jobs = [pool.submit(update_file, f"{url}/{name}", folder / name, sha256) for name, sha256 in sums.items()]
        for done, job in enumerate(as_completed(jobs), start=1):
            fetched += job.result()
            advance(done, len(jobs))
    finally:  # also on Ctrl-C: downloads in progress end, queued ones do not begin
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
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise InputError(f"{file} names a file outside the database: {name}")
            sums[name] = sha256.lower()
    if not sums:
        raise InputError(f"{file} lists none of the expected files ({', '.join(patterns)})")
    return sums


def update_file(url: str, path: Path, sha256: str) -> bool:
    """Fetch a file unless `path` has its SHA-256 already; returns whether it was fetched. Raises InputError."""
    if path.is_file() and compute_sha256(path) == sha256:
        return False
    fetch(url, path, sha256)
    return True


def fetch(url: str, path: Path, sha256: str | None = None) -> None:
    """Download one file completely or not at all.

    Args:
        url: Its address.
        path: Where to write it.
        sha256: Its published SHA-256, None where there is none.

    Raises:
        InputError: It could not be fetched in ATTEMPTS attempts, or has another SHA-256.
        OSError: It could not be written.
    """
    for attempt in range(ATTEMPTS):
        try:
            with atomic_write(path) as temporary:
                import_wfdb().io.download.dl_full_file(url, temporary)
                if sha256 and compute_sha256(temporary) != sha256:
                    raise InputError("what arrived does not match the published SHA-256")
            return
        except (OSError, InputError) as error:  # OSError includes the network errors of wfdb and requests
            local = getattr(error, "errno", None) in (errno.ENOSPC, errno.EROFS) or getattr(error, "filename", None)
            if local:
                raise
            if attempt == ATTEMPTS - 1:
                raise InputError(f"{url}: {describe_error(error)}; the same command resumes the download") from None


def compute_sha256(path: Path) -> str:
    """Compute a file's SHA-256 in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
