"""Generated programs, compiled for this machine."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from export.c99 import generate

WARNINGS = "-std=c99 -Wall -Wextra -Wconversion -Werror"


class Generated:
    """The program of `data` in `folder`; `plan` is what the generator says of its memory."""

    def __init__(self, data: bytes, folder: Path):
        self.data, self.folder = data, folder
        self.plan = generate(data, folder, "test").memory

    def sanitised(self) -> str:
        """What the folder's own test prints, with checks of addresses and of undefined behaviour. AssertionError where
        a byte differs or a check fails."""
        flags = f"{WARNINGS} -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all"
        made = subprocess.run(
            ["make", "-s", "test", f"CFLAGS={flags}"], cwd=self.folder, capture_output=True, text=True
        )
        assert made.returncode == 0, made.stdout + made.stderr
        return made.stdout

    def library(self):
        path = self.folder / "model.so"
        if not path.exists():
            sources = [str(p) for p in self.folder.glob("*.c") if p.name != "test.c"]
            subprocess.run(["gcc", *WARNINGS.split(), "-O2", "-shared", "-fPIC", "-o", str(path), *sources], check=True)
        return ctypes.CDLL(str(path))

    def answers(self, inputs, outputs):
        """What the program makes of integer arrays; `outputs`: arrays of the shapes to fill."""
        arrays = [np.ascontiguousarray(array) for array in (*inputs, *outputs)]
        self.library().ecg_model_run(*(array.ctypes.data_as(ctypes.c_void_p) for array in arrays))
        return arrays[len(inputs) :]


@pytest.fixture(scope="session")
def program_in():
    """(integer file, folder) → its program. Skips where there is no C compiler."""
    if shutil.which("gcc") is None or shutil.which("make") is None:
        pytest.skip("gcc and make are not installed")
    return Generated


@pytest.fixture
def generated(program_in, tmp_path):
    """Integer file → its program."""
    return lambda data, name="program": program_in(data, tmp_path / name)
