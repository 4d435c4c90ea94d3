"""A model in TensorFlow Lite Micro, the interpreter of microcontrollers, on this machine (package tflite-micro).

It runs in a child process: the interpreter reports its memory on the process's stderr, and a model that it cannot run
may end the process. The package exists for Linux on x86-64 only; this module can be imported without it.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import platform
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.tflite_verifier import read_model_table

TIMEOUT_S = 900
ARENA_LIMIT = 64 << 20  # bytes; only what a model needs of it is touched


@dataclasses.dataclass(frozen=True)
class Arena:
    """The tensor arena, in bytes.

    Pointers have 8 bytes here and 4 on a microcontroller: expect 20 % less to 2 % more there.

    Attributes:
        total: Both parts.
        head: Activations, reused from operator to operator.
        tail: What lives as long as the interpreter.
    """

    total: int
    head: int
    tail: int

    label = "measured, TFLM on a 64-bit host"


def run_windows(data: bytes, windows: Sequence[Sequence[np.ndarray]]) -> list[list[np.ndarray]]:
    """Run a model on windows. The interpreter's state is reset before each.

    Args:
        data: The bytes of a .tflite file.
        windows: Per window the raw inputs in order, of the inputs' shapes and types.

    Returns:
        Per window the raw outputs in order.

    Raises:
        ModelError: TensorFlow Lite Micro is not installed or cannot run the model.
    """
    return _run_in_child(data, windows)[0] if windows else []


def measure_arena(data: bytes) -> Arena:
    """Measure the tensor arena that a model needs.

    Args:
        data: The bytes of a .tflite file.

    Raises:
        ModelError: TensorFlow Lite Micro is not installed or cannot load the model.
    """
    sizes = dict(re.findall(r"Arena allocation (total|head|tail) (\d+) bytes", _run_in_child(data, [])[1]))
    if sizes.keys() != {"total", "head", "tail"}:
        raise ModelError("TensorFlow Lite Micro does not report its arena: another version of tflite-micro is needed")
    return Arena(**{part: int(size) for part, size in sizes.items()})


def measure_constants(data: bytes) -> int:
    """Return the bytes of the constants (weights, biases, shapes) that the graph's tensors refer to.

    This is the part of the file that any way of deploying the model keeps in flash.

    Args:
        data: The bytes of a .tflite file.

    Raises:
        ModelError: The file is damaged.
    """
    model = read_model_table(data)
    sizes = [len(buffer.span(0)) for buffer in model.tables(4)]
    used = {tensor.integer(2) for graph in model.tables(2) for tensor in graph.tables(0)}
    if not used <= set(range(len(sizes))):
        raise ModelError("the file is damaged: it points beyond its end")
    return sum(sizes[buffer] for buffer in used)


def _run_in_child(data, windows):
    """Run the model in a child process: its outputs per window, and what it wrote to stderr."""
    read_model_table(data)
    if importlib.util.find_spec("tflite_micro") is None:
        if (sys.platform, platform.machine()) != ("linux", "x86_64"):
            raise ModelError("TensorFlow Lite Micro (package tflite-micro) exists for Linux on x86-64 only")
        raise ModelError("TensorFlow Lite Micro is not installed: python -m pip install 'ecg-edge[export]'")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "model.tflite").write_bytes(data)
        np.savez(Path(folder, "inputs.npz"), *(np.stack(arrays) for arrays in zip(*windows, strict=True)))
        try:
            ran = subprocess.run(
                [sys.executable, "-m", "firmware_bench.mcu.tflm", folder],
                cwd=Path(__file__).parents[2],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                timeout=TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            raise ModelError(f"TensorFlow Lite Micro did not end within {TIMEOUT_S} s") from None
        if ran.returncode:
            raise ModelError(f"TensorFlow Lite Micro cannot run this model: {_reason(ran)}")
        with np.load(Path(folder, "outputs.npz")) as stacked:
            columns = [stacked[name] for name in stacked.files]
    return [list(arrays) for arrays in zip(*columns, strict=True)], ran.stderr


def _reason(ran) -> str:
    """One line out of what a failed child wrote."""
    operator = re.search(r"Didn't find op for builtin opcode '(\w+)'", ran.stderr)
    if operator:
        return f"it has no operator {operator.group(1)}"
    if ran.returncode < 0:
        return f"it ended with {signal.Signals(-ran.returncode).name}"
    # The interpreter's own messages come before Python's traceback and say more than its last line.
    messages, _, traceback = ran.stderr.partition("Traceback (most recent call last):")
    return (messages.strip() or traceback.strip() or f"exit status {ran.returncode}").splitlines()[-1].strip()


def _run(folder: Path) -> None:
    """The child: model.tflite and inputs.npz of `folder` → outputs.npz, the arena on stderr."""
    from tflite_micro.python.tflite_micro import runtime

    data = (folder / "model.tflite").read_bytes()
    outputs_number = len(read_model_table(data).tables(2)[0].span(2, 4))
    interpreter = runtime.Interpreter.from_bytes(data, arena_size=ARENA_LIMIT)
    interpreter.print_allocations()
    with np.load(folder / "inputs.npz") as stacked:
        inputs = [stacked[name] for name in stacked.files]
    results = []
    for arrays in zip(*inputs, strict=True):
        interpreter.reset()
        for number, array in enumerate(arrays):
            interpreter.set_input(array, number)
        interpreter.invoke()
        results.append([interpreter.get_output(number).copy() for number in range(outputs_number)])
    np.savez(folder / "outputs.npz", *(np.stack(arrays) for arrays in zip(*results, strict=True)))


if __name__ == "__main__":
    _run(Path(sys.argv[1]))
