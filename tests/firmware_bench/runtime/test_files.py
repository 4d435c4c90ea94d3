"""Atomic writing: whole or absent, whoever else writes and however a process ends."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
from pathlib import Path

import pytest

from firmware_bench.runtime import file_lock, files
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.file_lock import hold
from firmware_bench.runtime.files import atomic_folder, atomic_write, check_writable, describe_os_error


@pytest.fixture(autouse=True)
def a_process_of_its_own(monkeypatch):
    """Every test looks for leftovers, as a new process does."""
    monkeypatch.setattr(files, "_swept", set())


def write(path, text):
    with atomic_write(path) as temporary:
        temporary.write_text(text)


def start(code, *arguments):
    """A process that prints a line once it holds what it is to hold, and then waits."""
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


WRITER = """
import sys, time
from firmware_bench.runtime.files import atomic_folder, atomic_write
with (atomic_folder if sys.argv[2] == "folder" else atomic_write)(sys.argv[1]) as temporary:
    (temporary / "a" if sys.argv[2] == "folder" else temporary).write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""
HOLDER = """
import sys, time
from pathlib import Path
from firmware_bench.runtime.file_lock import hold
with hold(Path(sys.argv[1]), "held"):
    print("ready", flush=True)
    time.sleep(60)
"""


def test_a_file_is_replaced_whole_and_kept_where_the_block_fails(tmp_path):
    path = tmp_path / "sub" / "model.keras"
    write(path, "old")
    with pytest.raises(KeyboardInterrupt), atomic_write(path) as temporary:
        assert temporary.suffix == ".keras" and temporary.parent == path.parent
        temporary.write_text("new")
        raise KeyboardInterrupt
    assert path.read_text() == "old" and list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_folder_is_whole_or_absent(tmp_path):
    with pytest.raises(KeyboardInterrupt), atomic_folder(tmp_path / "made") as temporary:
        (temporary / "a").write_text("1")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with atomic_folder(tmp_path / "made") as temporary:
        (temporary / "a").write_text("1")
    assert (tmp_path / "made" / "a").read_text() == "1" and len(list(tmp_path.iterdir())) == 1


def test_what_is_renamed_has_reached_the_disk_before_and_its_name_after(tmp_path, monkeypatch):
    done = []
    real_sync, real_replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (done.append(os.readlink(f"/proc/self/fd/{file}")), real_sync(file)))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("rename"), real_replace(*paths)))
    with atomic_folder(tmp_path / "made") as temporary:
        (temporary / "sub").mkdir()
        (temporary / "sub" / "a").write_text("1")
    inside = [temporary / "sub" / "a", temporary / "sub", temporary]
    assert done == [*map(str, inside), "rename", str(tmp_path)]


def test_threads_that_write_one_file_leave_one_whole_file(tmp_path):
    texts = [str(number) * 100_000 for number in range(8)]
    threads = [threading.Thread(target=write, args=(tmp_path / "a", text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "a").read_text() in texts and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_process_left_is_removed_at_the_next_write_and_a_living_one_s_is_not(tmp_path, kind, monkeypatch):
    living, killed = (start(WRITER, tmp_path / name, kind) for name in ("living.npz", "killed.npz"))
    try:
        killed.kill()
        killed.wait()
        monkeypatch.setattr(time, "time", lambda: 0.0)  # no clock decides
        assert len(list(tmp_path.iterdir())) == 2
        write(tmp_path / "other", "whole")
        left = sorted(path.name for path in tmp_path.iterdir())
        assert len(left) == 2 and left[0].startswith(".living.") and left[1] == "other"
    finally:
        living.kill()
        living.wait()


def test_a_user_s_files_are_not_taken_for_leftovers(tmp_path):
    own = [".a.part", "a.0123456789ab.part", ".a.0123.part.npz", ".git", ".a.0123456789ab.part~"]
    for name in own:
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / ".waits.0123456789ab.part")  # opening it must not wait for a writer
    write(tmp_path / "b", "1")
    assert {path.name for path in tmp_path.iterdir()} >= {*own, "b"}


def test_names_as_long_as_a_file_system_allows(tmp_path):
    write(tmp_path / ("ä" * 120 + ".json"), "1")
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG])
def test_an_error_names_the_file_that_was_to_be_written(tmp_path, number):
    path = tmp_path / "a.json"
    for raised in (OSError(number, os.strerror(number)), OSError(number, os.strerror(number), "temporary")):
        with pytest.raises(OSError) as error, atomic_write(path) as temporary:
            if raised.filename:
                raised.filename = str(temporary)
            raise raised
        line = describe_os_error(error.value)
        assert line.startswith(f"{path}: ") and "\n" not in line
        assert ("mounted at /" in line) == (number in (errno.ENOSPC, errno.EDQUOT))
    with pytest.raises(OSError) as error, atomic_write(path):
        raise OSError(errno.EIO, "Input/output error", "/data/record.dat")
    assert describe_os_error(error.value) == "/data/record.dat: Input/output error"


@pytest.fixture(params=["POSIX", "Windows"])
def system(request, monkeypatch):
    """The locks of this system, and those of Windows as its documentation states them: nobody has run them there.

    There, locking() locks bytes from the file's position on and answers EACCES where they are locked, and nothing that
    is open is removed.
    """
    if request.param == "POSIX":
        return
    import fcntl

    def locking(descriptor, mode, count):
        assert (mode, count, os.lseek(descriptor, 0, os.SEEK_CUR)) == (2, 1, 0)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(errno.EACCES, "Permission denied") from None

    real = Path.unlink

    def unlink(path, missing_ok=False):
        for descriptor in os.listdir("/proc/self/fd"):
            if file_lock.is_named(int(descriptor), path):
                raise PermissionError(errno.EACCES, "The process cannot access the file")
        real(path, missing_ok)

    monkeypatch.setitem(sys.modules, "msvcrt", types.SimpleNamespace(LK_NBLCK=2, locking=locking))
    monkeypatch.setattr(Path, "unlink", unlink)
    for module in (file_lock, files):
        monkeypatch.setattr(module, "fcntl", None)


def test_a_lock_is_refused_or_waited_for_and_ends_with_its_process(tmp_path, system):
    path = tmp_path / ".lock"
    process = start(HOLDER, path)
    with pytest.raises(InputError, match="somebody"), hold(path, "somebody has it"):
        pass
    threading.Timer(0.3, process.send_signal, [signal.SIGKILL]).start()
    told = []
    with hold(path, lambda: told.append(process.poll())):
        assert process.wait(5) == -signal.SIGKILL and told == [None]
        with pytest.raises(InputError), hold(path, "held"):  # also by this process
            pass
    assert list(tmp_path.iterdir()) == []


def test_no_two_hold_a_lock_at_once(tmp_path, system):
    """Many take and leave it, so that its file is removed while others open it."""
    inside, most = 0, 0

    def work():
        nonlocal inside, most
        for _ in range(30):
            with hold(tmp_path / ".lock", lambda: None):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1 and list(tmp_path.iterdir()) == []


def test_files_and_folders_are_whole_or_absent_without_locks_of_temporary_files(tmp_path, system):
    write(tmp_path / "a", "old")
    for place, writer in (("a", atomic_write), ("b", atomic_folder)):
        with pytest.raises(KeyError), writer(tmp_path / place) as temporary:
            (temporary / "c" if temporary.is_dir() else temporary).write_text("half")
            raise KeyError
    assert (tmp_path / "a").read_text() == "old" and [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_lock_whose_file_its_last_holder_removed_meanwhile_is_taken_anew(tmp_path, monkeypatch):
    path, real, calls = tmp_path / ".lock", file_lock.try_lock, []

    def removed(descriptor):
        calls.append(descriptor)
        if len(calls) == 1:
            path.unlink()
        return real(descriptor)

    monkeypatch.setattr(file_lock, "try_lock", removed)
    with hold(path, "held"):
        assert path.exists()
        with pytest.raises(InputError), hold(path, "held"):
            pass


def test_a_place_that_cannot_be_written_is_found_before_and_nothing_is_left(tmp_path, monkeypatch):
    check_writable(tmp_path / "new" / "folder" / "file")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError) as caught:
        check_writable(tmp_path / "file" / "below")
    assert caught.value.filename == str(tmp_path / "file" / "below")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]

    def fail(dir):
        raise PermissionError(errno.EROFS, os.strerror(errno.EROFS), str(dir))

    monkeypatch.setattr(tempfile, "TemporaryFile", fail)
    with pytest.raises(OSError) as failed:
        check_writable(tmp_path / "new" / "model.tflite")
    assert describe_os_error(failed.value) == f"{tmp_path / 'new' / 'model.tflite'}: Read-only file system"
