"""Generated programs, compiled for this machine."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from export.c99 import generate

WARNINGS = "-std=c99 -pedantic -Wall -Wextra -Wconversion -Wshadow -Wundef -Wstrict-prototypes -Werror"


class Generated:
    """The program of `data` in `folder`: `plan` is its memory plan, `function("run")` its C function."""

    def __init__(self, data: bytes, folder: Path, prefix: str | None = None):
        self.data, self.folder = data, folder
        program = generate(data, folder, prefix)
        self.plan, self.prefix = program.memory, program.prefix

    def function(self, name: str):
        return getattr(self.library(), f"{self.prefix}_{name}")

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
        self.function("run")(*(array.ctypes.data_as(ctypes.c_void_p) for array in arrays))
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
    return lambda data, name="program", prefix=None: program_in(data, tmp_path / name, prefix)
