"""bench_rpi.py on a device: on this machine (Local) or on another one (firmware_bench.rpi.remote_device.Remote).

A device has a folder of its own, into which files are put, in which commands run, and out of which files are got.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from firmware_bench.bench_rpi import write_bundle
from firmware_bench.runtime.errors import InputError

BENCH_PROGRAM = "bench_rpi.pyz"  # its name on the device


class Local:
    """This machine, with the Python that runs here."""

    def __init__(self, say: Callable[[str], None] = lambda text: None):
        self.say = say

    def __enter__(self) -> "Local":
        self._folder = tempfile.TemporaryDirectory(prefix="ecg-edge-bench-")
        return self

    def __exit__(self, *_) -> None:
        self._folder.cleanup()

    def environment(self, requirements: Sequence[str], wheels: Sequence[Path] = (), offline: bool = False) -> str:
        """The path of a Python that has `requirements`: this one."""
        return sys.executable

    def put(self, files: Mapping[str, Path]) -> None:
        """Copies files into the folder, under new names, which may have a folder in front."""
        for name, path in files.items():
            copy = Path(self._folder.name, name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)

    def get(self, name: str, path: Path) -> None:
        """Copies the file `name` out of the folder."""
        shutil.copy(Path(self._folder.name, name), path)

    def run(self, words: Sequence) -> None:
        """Runs a command in the folder and says what it prints, line by line. InputError with its last line where it
        fails."""
        pending = []
        with subprocess.Popen(
            list(map(str, words)),
            cwd=self._folder.name,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as ran:
            try:
                for line in ran.stdout:
                    pending.append(line.rstrip("\n"))
                    if len(pending) > 1:  # one line behind: the last one may be the error
                        self.say(pending.pop(0))
            except BaseException:
                ran.kill()  # its own processes end with it
                raise
        if ran.returncode:
            said = pending[-1].removeprefix("error: ") if pending and ran.returncode > 0 else ""
            raise InputError(said or f"the harness ended with status {ran.returncode}")
        for line in pending:
            self.say(line)


def bench(device, python: str, files: Sequence[Path], threads: Sequence[int], windows: int, rounds: int) -> dict:
    """bench_rpi.py's report on `files`, in the order of the files and then of the threads; each result is called by its
    file's name, or by its path where two files have the same name. Raises InputError."""
    names = placed(device, files)
    command = [python, BENCH_PROGRAM, *names, "--threads", ",".join(map(str, threads)), "--windows", windows]
    try:
        device.run([*command, "--rounds", rounds, "--out", "report.json"])
    except InputError as error:
        raise InputError(_by_path(str(error), names, files)) from None
    with tempfile.TemporaryDirectory() as folder:
        device.get("report.json", Path(folder, "report.json"))
        report = json.loads(Path(folder, "report.json").read_text())
    plain = [path.name for path in files]
    for number, result in enumerate(report["results"]):
        path = files[number // len(threads)]
        result["file"] = path.name if plain.count(path.name) == 1 else str(path)
    return report


def placed(device, files: Sequence[Path]) -> list[str]:
    """Puts bench_rpi.py and the models into the device's folder: the models' names there."""
    for path in files:
        if not path.is_file():
            raise InputError(f"{path}: there is no such file")
    names = [f"{number}/{path.name}" for number, path in enumerate(files)]
    with tempfile.TemporaryDirectory() as folder:
        write_bundle(Path(folder, BENCH_PROGRAM))
        device.put({BENCH_PROGRAM: Path(folder, BENCH_PROGRAM), **dict(zip(names, files, strict=True))})
    return names


def answers(device, python: str, number: int, file: Path, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The raw outputs, (n, …) each, of the model that `bench` put there as the `number`-th, for raw inputs (n, …)."""
    name = f"{number}/{file.name}"
    with tempfile.TemporaryDirectory() as folder:
        windows, outputs = Path(folder, "windows.npz"), Path(folder, "outputs.npz")
        np.savez(windows, **{f"input_{i}": array for i, array in enumerate(inputs)})
        device.put({f"{number}/windows.npz": windows})
        command = [
            python,
            BENCH_PROGRAM,
            name,
            "--outputs-for",
            f"{number}/windows.npz",
            "--out",
            f"{number}/outputs.npz",
        ]
        try:
            device.run(command)
        except InputError as error:
            raise InputError(_by_path(str(error), [name], [file])) from None
        device.get(f"{number}/outputs.npz", outputs)
        with np.load(outputs) as stored:
            return [stored[f"output_{i}"] for i in range(len(stored.files))]


def _by_path(message, names, files):
    """A message that speaks of files as they are called here."""
    for name, path in zip(names, files, strict=True):
        message = message.replace(name, str(path))
    return message
