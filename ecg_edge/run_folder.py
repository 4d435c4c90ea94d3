"""The folder of a run belongs to one process at a time, and to one run for ever."""

import contextlib
import datetime
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from firmware_bench.runtime import file_lock
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import read_json, write_json


def refuse_existing(path: Path) -> None:
    """Raise InputError where the folder holds a run."""
    if (path / "config.json").exists():
        raise InputError(f"{path} holds a run already: continue it with --resume, or name another folder")


def find_run_folder(file: Path) -> Path | None:
    """Return the folder of the run in whose export folder a file is, or None."""
    folder = file.resolve().parent
    return folder.parent if folder.name == "export" and (folder.parent / "config.json").is_file() else None


@contextlib.contextmanager
def claim_folder(path: Path | None, arch: str, data: str) -> Iterator[Path]:
    """Create the folder of a new run and keep other processes out of it within the block.

    Args:
        path: The folder; None: runs/ARCH-DATA-TIME, or with -2, -3 … behind it where another process was faster.
        arch: The architecture.
        data: The data.

    Yields:
        The folder. One that was created and stays empty is removed.

    Raises:
        InputError: The folder holds a run, or another process is making one there.
    """
    names = [path] if path else _default_paths(arch, data)
    made: list[Path] = []
    try:
        for folder in names:
            made = [one for one in (folder, *folder.parents) if not one.exists()]
            try:
                folder.mkdir(parents=True, exist_ok=path is not None)
            except FileExistsError:
                if path:
                    raise
            else:
                with hold_folder(folder):
                    refuse_existing(folder)
                    yield folder
                break
    finally:
        for one in made:
            with contextlib.suppress(OSError):
                one.rmdir()


def keep_arguments(path: Path, arguments: Any) -> None:
    """Keep the arguments of several trainings, so that the same call can continue them.

    Args:
        path: The folder of the runs.
        arguments: Plain data; other objects are kept as text.

    Raises:
        InputError: The folder holds runs of other arguments.
    """
    file, plain = path / "arguments.json", json.loads(json.dumps(arguments, default=str))
    if not file.exists():
        write_json(file, plain)
    elif read_json(file) != plain:
        raise InputError(f"{path} holds runs of other data or settings: name another folder")


def hold_folder(path: Path) -> contextlib.AbstractContextManager[None]:
    """Keep other processes out of a run's folder within the block. Raises InputError where one is there."""
    return file_lock.hold(path / ".lock", f"{path}: another process is creating or training this run")


def _default_paths(arch: str, data: str) -> Iterator[Path]:
    time = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    path = Path("runs") / f"{arch}-{Path(data).name}-{time}"
    yield path
    for number in itertools.count(2):
        yield path.with_name(f"{path.name}-{number}")
