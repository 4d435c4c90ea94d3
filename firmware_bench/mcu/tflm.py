"""A model in TensorFlow Lite Micro, the interpreter of microcontrollers, on this machine (package tflite-micro).

It runs in a child process: the interpreter reports its memory on the process's stderr, and what it cannot run may end
the process.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.tflite_reader import read_model_table

ARENA_LIMIT = 64 << 20  # bytes; only what a model needs of it is touched


@dataclasses.dataclass(frozen=True)
class Arena:
    """Bytes of the tensor arena. head: activations, reused from operator to operator; tail: what lives as long as the
    interpreter. Pointers have 8 bytes here and 4 on a microcontroller: expect 20 % less to 2 % more there."""

    total: int
    head: int
    tail: int

    label = "measured, TFLM on a 64-bit host"


def outputs(data: bytes, windows) -> list[list[np.ndarray]]:
    """Per window the raw outputs in order, for `windows` of raw inputs in order. The interpreter's state is reset
    before each. ModelError when TensorFlow Lite Micro cannot run the model."""
    return _child(data, windows)[0] if windows else []


def arena(data: bytes) -> Arena:
    """The arena that the model needs. ModelError when TensorFlow Lite Micro cannot take the model."""
    sizes = dict(re.findall(r"Arena allocation (total|head|tail) (\d+) bytes", _child(data, [])[1]))
    if sizes.keys() != {"total", "head", "tail"}:
        raise ModelError("TensorFlow Lite Micro does not report its arena: another version of tflite-micro is needed")
    return Arena(**{part: int(size) for part, size in sizes.items()})


def weights(data: bytes) -> int:
    """Bytes of the constants (weights, biases, shapes) that the graph's tensors refer to: the part of the file that
    any way of deploying the model keeps in flash. ModelError for a damaged file."""
    model = read_model_table(data)
    sizes = [len(buffer.span(0)) for buffer in model.tables(4)]
    used = {tensor.integer(2) for graph in model.tables(2) for tensor in graph.tables(0)}
    if not used <= set(range(len(sizes))):
        raise ModelError("the file is damaged: it points beyond its end")
    return sum(sizes[buffer] for buffer in used)


def _child(data, windows):
    """Run the model in a child process: its outputs per window, and what it wrote to stderr."""
    read_model_table(data)
    if importlib.util.find_spec("tflite_micro") is None:
        raise ModelError("TensorFlow Lite Micro is not installed: python -m pip install tflite-micro")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "model.tflite").write_bytes(data)
        np.savez(Path(folder, "inputs.npz"), *(np.stack(arrays) for arrays in zip(*windows, strict=True)))
        ran = subprocess.run(
            [sys.executable, "-m", "firmware_bench.mcu.tflm", folder],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
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
    # The interpreter's own words come before Python's traceback and say more than its last line.
    words, _, traceback = ran.stderr.partition("Traceback (most recent call last):")
    return (words.strip() or traceback.strip() or f"exit status {ran.returncode}").splitlines()[-1].strip()


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
