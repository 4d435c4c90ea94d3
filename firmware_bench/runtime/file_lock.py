"""Locks between processes that end with their holder, however it ends: kill -9, a crash, a power cut.

The operating system keeps them, so neither a clock nor a process number decides who is alive. Where the file system has
no locks, every process gets one, and nothing is protected.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from firmware_bench.runtime.errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

POLL_S = 0.2


def try_lock(descriptor: int) -> bool:
    """Lock an open file or folder until its descriptor is closed.

    Args:
        descriptor: The open file.

    Returns:
        False where another descriptor, of this or another process, holds the lock.
    """
    try:
        if fcntl:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # pyright: ignore[reportAttributeAccessIssue]
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # no locks here
        return True
    return True


def is_named(descriptor: int, path: Path) -> bool:
    """Whether `path` is still the name of the open file `descriptor`."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


@contextlib.contextmanager
def hold(path: Path, held: str | Callable[[], None]) -> Iterator[None]:
    """Hold the lock `path` within the block: a file that exists as long as somebody holds it.

    Args:
        path: The file; its folder exists.
        held: What to do where another process holds it: a string is raised as InputError; a function is called once,
            and then the lock is waited for.

    Raises:
        InputError: Another process holds the lock, and `held` is a string.
        OSError: The file cannot be written.
    """
    told = False
    while (descriptor := _acquire(path)) is None:
        if isinstance(held, str):
            raise InputError(held)
        if not told:
            held()
            told = True
        time.sleep(POLL_S)
    try:
        yield
    finally:
        if not fcntl:  # Windows removes no file that is open
            os.close(descriptor)
        with contextlib.suppress(OSError):
            path.unlink()
        if fcntl:
            os.close(descriptor)


def _acquire(path: Path) -> int | None:
    """Return the locked file, open; None where another process holds it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if not try_lock(descriptor):
            os.close(descriptor)
            return None
        if is_named(descriptor, path):
            return descriptor
        os.close(descriptor)  # its last holder removed it in between
