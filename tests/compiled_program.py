"""A generated program, compiled for this machine."""

import ctypes
import subprocess
from pathlib import Path

import numpy as np

from export.c99 import generate

WARNINGS = "-std=c99 -pedantic -Wall -Wextra -Wconversion -Wshadow -Wundef -Wstrict-prototypes -Werror"


class CompiledProgram:
    """The program of an integer file in `folder`: `plan` is its memory plan, `state` the memory of a signal."""

    def __init__(self, data: bytes, folder: Path, prefix: str | None = None, hop_s: float | None = None):
        self.data, self.folder = data, folder
        program = generate(data, folder, prefix, hop_s=hop_s)
        self.plan, self.prefix = program.memory, program.prefix
        self.state = self.make_state()

    def make_state(self):
        return ctypes.create_string_buffer(self.plan.total + 64)  # the compiler may add some to align members

    def call(self, name: str, *arrays, state=None):
        """Call the C function PREFIX_name with `state` and contiguous arrays; return what it returns."""
        function = getattr(self.library(), f"{self.prefix}_{name}")
        return function(state or self.state, *(array.ctypes.data_as(ctypes.c_void_p) for array in arrays))

    def run_own_test(self) -> str:
        """Run the folder's own test under the address and undefined-behaviour sanitizers; return its output."""
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

    def run(self, inputs, outputs):
        """Run the program on integer arrays; return the outputs. outputs: arrays of their shapes."""
        arrays = [np.ascontiguousarray(array) for array in (*inputs, *outputs)]
        self.call("run", *arrays)
        return arrays[len(inputs) :]


class SampleFeeder:
    """A program of a stream, fed from Python. push(sample), flush() → its `count` outputs, or None where there are
    none yet."""

    def __init__(self, program: CompiledProgram, dtype, count: int):
        self.program, self.dtype, self.count = program, dtype, count

    def _call(self, name, *arrays):
        found = np.zeros(self.count, self.dtype)
        return found if self.program.call(name, *map(np.ascontiguousarray, arrays), found) else None

    def push(self, sample):
        return self._call("push", sample)

    def flush(self):
        return self._call("flush")
