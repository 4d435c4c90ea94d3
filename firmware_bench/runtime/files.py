"""Atomic writing: a file or a folder is complete or absent, also after kill -9 and after a power cut.

It is written under a temporary name, brought to the disk and then renamed. A process holds a lock on what it writes, by
which what a dead one has left is recognised: it is removed at the next write into the same folder.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from firmware_bench.runtime.file_lock import fcntl, is_named, try_lock

TEMPORARY = re.compile(r"\..*\.[0-9a-f]{12}\.part(\..*)?", re.DOTALL)
STEM_CHARACTERS = 40  # of the final name, in the temporary one: names of files are limited
FULL_DISK_BYTES = 65_536  # a disk with less than this is full
DISK_FULL = {errno.ENOSPC: "the disk is full", getattr(errno, "EDQUOT", errno.ENOSPC): "the disk quota is used up"}

_swept: set[Path] = set()  # folders in which this process has looked for leftovers


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """Write a file atomically.

    Args:
        path: The file to write. Its parent folders are created.

    Yields:
        A temporary file beside `path`, empty. It becomes `path` when the block ends without an error and is removed
        otherwise.

    Raises:
        OSError: It cannot be written; names `path`.
    """
    with _temporary(Path(path), folder=False) as temporary:
        yield temporary


def check_writable(path: str | os.PathLike) -> None:
    """Check that a file could be written, before the work whose result it is to hold. It leaves nothing.

    Args:
        path: The file; its parent folders need not exist.

    Raises:
        OSError: It cannot be written; names `path`.
    """
    folder = Path(path).absolute().parent
    while not folder.exists():
        folder = folder.parent
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from None


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Write a folder atomically.

    Args:
        path: The folder to write: absent or empty when the block ends. Its parent folders are created.

    Yields:
        A temporary folder beside `path`, empty. It becomes `path` when the block ends without an error and is removed
        otherwise.

    Raises:
        OSError: It cannot be written; names `path`.
    """
    with _temporary(Path(path), folder=True) as temporary:
        yield temporary


@contextlib.contextmanager
def temporary_folder(name: str) -> Iterator[Path]:
    """Make a folder among the system's temporary files, for this user alone.

    Args:
        name: Part of its name.

    Yields:
        The folder. It is removed when the block ends or, where the process is killed before, by the next one that makes
        such a folder.
    """
    parent = Path(tempfile.gettempdir())
    _remove_abandoned(parent)
    folder, descriptor = _create(parent / name, folder=True, mode=0o700)
    try:
        yield folder
    finally:
        _remove(folder)
        if descriptor is not None:
            os.close(descriptor)


@contextlib.contextmanager
def _temporary(path: Path, folder: bool) -> Iterator[Path]:
    made: tuple[Path, int | None] | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path.parent)
        made = _create(path, folder)
        yield made[0]
        _bring_to_disk(made[0])
        os.replace(made[0], path)
        _sync_folder(path.parent)
    except OSError as error:
        _name_target(error, path)
        raise
    finally:
        if made:
            _remove(made[0])  # does nothing after the renaming
            if made[1] is not None:
                os.close(made[1])


def _create(path: Path, folder: bool, mode: int = 0o777) -> tuple[Path, int | None]:
    """Create the temporary file or folder of `path`; returns it with the descriptor that locks it."""
    while True:
        # The suffix is kept at the end because Keras and NumPy choose the format by it.
        temporary = path.with_name(f".{path.stem[:STEM_CHARACTERS]}.{secrets.token_hex(6)}.part{path.suffix}")
        if folder:
            temporary.mkdir(mode)
        else:
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        if not fcntl:  # Windows renames nothing that is open: no lock, and nothing is recognised as abandoned
            return temporary, None
        descriptor = os.open(temporary, os.O_RDONLY)
        if try_lock(descriptor) and is_named(descriptor, temporary):
            return temporary, descriptor
        os.close(descriptor)  # another process took it for abandoned before it was locked


def _remove_abandoned(folder: Path) -> None:
    """Remove the temporary files and folders of dead processes from `folder`, once in a process."""
    folder = folder.resolve()
    if folder in _swept or not fcntl:
        return
    _swept.add(folder)
    for name in os.listdir(folder):
        if not TEMPORARY.fullmatch(name):
            continue
        with contextlib.suppress(OSError):
            # What waits to be opened, or leads elsewhere, is none of ours.
            descriptor = os.open(folder / name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            try:
                if try_lock(descriptor):
                    _remove(folder / name)
            finally:
                os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _bring_to_disk(path: Path) -> None:
    """Have the operating system write a file, or all of a folder, to the disk."""
    if path.is_dir():
        for entry in path.iterdir():
            _bring_to_disk(entry)
        _sync_folder(path)
        return
    with open(path, "rb+") as file:
        _sync(file.fileno(), path)


def _sync_folder(path: Path) -> None:
    """Have a folder's names written to the disk."""
    if os.name == "nt":  # opens no folder
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _sync(descriptor, path)
    finally:
        os.close(descriptor)


def _sync(descriptor: int, path: Path) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # of some network file systems
            error.filename = str(path)
            raise


def _name_target(error: OSError, path: Path) -> None:
    """Have an error name the file that was to be written, not a temporary one or none."""
    if error.errno is None and _is_full(path.parent):  # some libraries lose the number
        error.errno, error.strerror = errno.ENOSPC, os.strerror(errno.ENOSPC)
    named = Path(os.fsdecode(error.filename)) if isinstance(error.filename, (str, bytes, os.PathLike)) else None
    if named is None:
        writing = error.errno in (*DISK_FULL, errno.EFBIG, errno.EROFS)
    else:
        beside = named.relative_to(path.parent) if path.parent in named.parents else Path()
        writing = bool(beside.parts and TEMPORARY.fullmatch(beside.parts[0]))
    if writing:
        error.filename, error.filename2 = str(path), None


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < FULL_DISK_BYTES
    except OSError:
        return False


def describe_os_error(error: OSError) -> str:
    """Describe an operating system's error in one line: the file, what is wrong, and which disk is full.

    Args:
        error: The error.

    Returns:
        For example "runs/a/model.keras: the disk is full (the one mounted at /)".
    """
    reason = error.strerror or str(error) or type(error).__name__
    if error.errno in DISK_FULL:
        reason = DISK_FULL[error.errno]
        if error.filename:
            reason += f" (the one mounted at {_mount_point(os.fsdecode(error.filename))})"
    return f"{os.fsdecode(error.filename)}: {reason}" if error.filename else reason


def _mount_point(path: str) -> Path:
    folder = Path(path).absolute()
    while not os.path.ismount(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write `value` as indented JSON to `path`, atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: str | os.PathLike) -> Any:
    """Return the JSON value stored at `path`."""
    return json.loads(Path(path).read_text(encoding="utf-8"))
