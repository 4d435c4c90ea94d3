"""This machine as a device: a folder of its own in which commands run."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from firmware_bench.runtime.errors import InputError


class LocalDevice:
    """This machine, with the Python that runs here. The folder exists within the `with` block.

    Args:
        report: Called with each line that a command prints.
    """

    host = "this machine"

    def __init__(self, report: Callable[[str], None] = lambda line: None):
        self._report = report

    def __enter__(self) -> LocalDevice:
        self._folder = tempfile.TemporaryDirectory(prefix="ecg-edge-bench-")
        return self

    def __exit__(self, *_) -> None:
        self._folder.cleanup()

    def prepare_python(self, requirements: Sequence[str], wheels: Sequence[Path] = (), offline: bool = False) -> str:
        """Return the path of the Python that runs here. The arguments are those of `RemoteDevice.prepare_python`."""
        return sys.executable

    def put(self, files: Mapping[str, Path]) -> None:
        """Copy files into the folder.

        Args:
            files: Name in the folder, which may have a folder in front → file here.
        """
        for name, path in files.items():
            copy = Path(self._folder.name, name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)

    def get(self, name: str, path: Path, limit: int) -> None:
        """Copy the file `name` out of the folder to `path`; `limit` is for other machines."""
        shutil.copy(Path(self._folder.name, name), path)

    def run(self, command: Sequence) -> None:
        """Run a command in the folder and report what it prints, line by line.

        Raises:
            InputError: The command fails; the message is its last line.
        """
        pending: list[str] = []
        with subprocess.Popen(
            list(map(str, command)),
            cwd=self._folder.name,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    pending.append(line.rstrip("\n"))
                    if len(pending) > 1:  # one line behind: the last one may be the error
                        self._report(pending.pop(0))
            except BaseException:
                process.kill()  # its own child processes end with it
                raise
        if process.returncode:
            error = pending[-1].removeprefix("error: ") if pending and process.returncode > 0 else ""
            raise InputError(error or f"the benchmark ended with status {process.returncode}")
        for line in pending:
            self._report(line)
