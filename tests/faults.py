"""A disk that fails at the n-th step of writing: creating, opening, writing, closing, synchronising, renaming."""

import builtins
import contextlib
import errno
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

NUMBERS = (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT)


class FailingDisk:
    """Fails at one step of all that are taken below a folder.

    Args:
        root: The folder.
        fails_at: The step, counted from 1; the number of the error depends on it.

    Attributes:
        steps: The number of steps taken so far.
    """

    def __init__(self, root, fails_at):
        self.root, self.fails_at, self.steps = str(root), fails_at, 0

    @contextlib.contextmanager
    def fitted(self, monkeypatch):
        """Replace the functions that write within the block."""
        with monkeypatch.context() as patch:
            for name in ("mkdir", "replace", "open", "fsync"):
                patch.setattr(os, name, self._wrap(getattr(os, name)))
            opened = self._wrap(builtins.open)
            patch.setattr(builtins, "open", opened)
            patch.setattr(io, "open", opened)
            yield self

    def step(self, place):
        if not str(place).startswith(self.root):
            return
        self.steps += 1
        if self.steps == self.fails_at:
            number = NUMBERS[self.steps % len(NUMBERS)]
            raise OSError(number, os.strerror(number), *([place] if number in (errno.EROFS, errno.EACCES) else []))

    def _wrap(self, function):
        def wrapped(place, *arguments, **more):
            mode = arguments[0] if arguments else more.get("mode", "r")
            if function is os_fsync:
                self.step(os.readlink(f"/proc/self/fd/{place}"))
            elif function.__name__ != "open" or _writes(mode):
                self.step(os.fspath(place) if isinstance(place, (str, os.PathLike)) else "")
            made = function(place, *arguments, **more)
            return _File(made, self, place) if isinstance(made, io.IOBase) and _writes(mode) else made

        return wrapped


os_fsync = os.fsync


def _writes(mode):
    if isinstance(mode, int):
        return mode & (os.O_WRONLY | os.O_RDWR)
    return not set("wax+").isdisjoint(mode)


class _File:
    """An open file whose first writing and whose closing are steps."""

    def __init__(self, file, disk, place):
        self._file, self._disk, self._place, self._written = file, disk, place, False

    def write(self, data):
        if not self._written:
            self._written = True
            self._disk.step(self._place)
        return self._file.write(data)

    def close(self):
        if not self._file.closed:
            self._file.close()
            self._disk.step(self._place)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __iter__(self):
        return iter(self._file)

    def __getattr__(self, name):
        return getattr(self._file, name)


def try_every_step(root, work, monkeypatch):
    """Do `work` with a disk that fails at the first step, the second one, … until it succeeds.

    Args:
        root: The folder below which the disk fails.
        work: Called with the number of the step.
        monkeypatch: Pytest's.

    Yields:
        The number of the step and the error that came out, for each that failed.
    """
    fails_at = 0
    while True:
        fails_at += 1
        disk = FailingDisk(root, fails_at)
        try:
            with disk.fitted(monkeypatch):
                work(fails_at)
        except Exception as error:
            yield fails_at, error
        if disk.steps < fails_at:
            return


def leftovers(root):
    """The temporary files and locks below a folder."""
    return list(Path(root).rglob(".*"))


@contextlib.contextmanager
def small_disk(folder, megabytes):
    """A disk of its own, mounted at `folder` within the block; yields a function that makes it read-only. Skips where
    nothing can be mounted."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield lambda: subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    finally:
        subprocess.run(["umount", folder], check=True)


def kill_at_random(words, environment, moments, folder):
    """Run the command line in the background and kill it, with -9, after so many seconds, each time anew.

    Args:
        words: Of the command.
        environment: Further variables; TMPDIR becomes `folder`.
        moments: Seconds after each start.
        folder: Of its temporary files, by which its children are recognised as well.

    Returns:
        How many of the commands were killed before they ended.
    """
    killed = 0
    for moment in moments:
        with subprocess.Popen(
            [sys.executable, "-m", "ecg_edge", *map(str, words)],
            env={**os.environ, **environment, "TMPDIR": str(folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(moment)
            running.kill()
        killed += running.returncode == -signal.SIGKILL
        until = time.monotonic() + 10
        while alive := _processes_with(f"TMPDIR={folder}"):
            assert time.monotonic() < until, f"processes {alive} go on"
            time.sleep(0.1)
    return killed


def _processes_with(variable):
    """The processes that have a variable in their environment, but for those that have ended."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            with contextlib.suppress(OSError):
                if variable.encode() in (process / "environ").read_bytes().split(b"\0"):
                    found.append(int(process.name))
    return found
