"""What a program that answers every hop computes, in Python: the rows that it keeps from a window in whose middle they
lie, and the answers from a file that holds the rest of the network."""

import numpy as np

from export.c99.continuous import ContinuousLoop, make_continuous
from export.c99.lower import lower
from export.c99.read_graph import read_graph
from export.tflite import flatbuffer
from firmware_bench.runtime.metadata import Tensor
from firmware_bench.runtime.tflite_model import TFLiteModel


class ContinuousModel:
    """A file for whole windows as a network that answers every hop, a SampleModel of `firmware_bench.front_end`.

    Args:
        data: The file.
        hop_s: Time from answer to answer, s.
        kernels: Which kernels of LiteRT compute it: "reference" ones give the bits of the generated program.

    Attributes:
        loop: How it answers.

    Raises:
        InputError: The network cannot answer every hop.
    """

    def __init__(self, data: bytes, hop_s: float, kernels: str = "optimised"):
        program = lower(read_graph(data))
        continuous = make_continuous(program, round(hop_s * program.description.sampling_rate)).continuous
        assert continuous is not None
        self.loop: ContinuousLoop = continuous
        self._model = TFLiteModel(data, kernels=kernels, keep_tensors=True)
        self._rest = TFLiteModel(_cut_file(data, self.loop.tensors), kernels=kernels, verify=False)
        self._window = program.inputs[0].storage.rows
        # Rows of a window before `_first` are made from zeros beyond its start, those after `_last` from zeros behind.
        self._first = -(self.loop.reach[0] // self.loop.samples)
        self._last = (self._window - 1 - self.loop.reach[1]) // self.loop.samples
        self.reset()

    @property
    def signal(self) -> Tensor:
        """The input that takes the samples."""
        return self._model.inputs[0]

    @property
    def output(self) -> Tensor:
        """The first output."""
        return self._model.outputs[0]

    @property
    def span(self) -> int:
        """Samples that an answer is about."""
        return self.loop.span

    @property
    def remaining(self) -> int:
        """Samples until the next answer."""
        rows = self.loop.rows if self._answers == 0 else self.loop.rows + self._answers * self.loop.hop
        return self.loop.reach[1] + 1 + (rows - 1) * self.loop.samples - self._taken

    def reset(self) -> None:
        """Begin a recording."""
        self._answers = self._taken = 0
        self._samples = np.zeros((0, self.signal.shape[-1]), self.signal.dtype)
        self._start = 0  # row with whose first sample they begin
        self._rows: list[np.ndarray] = []  # the last rows of each tensor that is kept
        self._made = 0

    def push(self, samples: np.ndarray) -> np.ndarray | None:
        """Take samples.

        Args:
            samples: Integers (n, leads), at most `remaining`.

        Returns:
            The first output of the last window, where a hop is complete.
        """
        self._samples = np.concatenate([self._samples, samples])
        self._taken += len(samples)
        if self.remaining:
            return None
        self._answers += 1
        self._compute_rows(self.loop.rows + (self._answers - 1) * self.loop.hop)
        shapes = [tensor.shape for tensor in self._rest.inputs]
        return self._rest.run_raw([rows.reshape(shape) for rows, shape in zip(self._rows, shapes, strict=True)])[0]

    def _compute_rows(self, count: int) -> None:
        """Make rows until there are `count`, and keep those of the last window."""
        loop = self.loop
        while self._made < count:
            start = max(0, min(self._made - self._first, count - 1 - self._last))
            window = np.full((self._window, self.signal.shape[-1]), self.signal.zero_point, self.signal.dtype)
            part = self._samples[(start - self._start) * loop.samples :][: self._window]
            window[: len(part)] = part
            self._model.run_raw([window.reshape(self.signal.shape)])
            end = min(start + self._last + 1, count)
            found = [self._model.tensor(tensor).reshape(loop.rows, -1) for tensor in loop.tensors]
            new = [values[self._made - start : end - start].copy() for values in found]
            kept = self._rows or [values[:0] for values in new]
            self._rows = [np.concatenate(pair)[-loop.rows :] for pair in zip(kept, new, strict=True)]
            self._made = end
        oldest = max(0, min(self._made - self._first, count + loop.hop - 1 - self._last))
        if oldest > self._start:
            self._samples, self._start = self._samples[(oldest - self._start) * loop.samples :], oldest


def _cut_file(data: bytes, tensors: tuple[int, ...]) -> bytes:
    """Return the part of a file behind some of its tensors, which become its inputs."""
    model = flatbuffer.read(data)
    (graph,) = model.subgraphs
    producers = {int(output): operator for operator in graph.operators for output in operator.outputs}
    needed, waiting = [], [int(output) for output in graph.outputs]
    while waiting:
        operator = None if (tensor := waiting.pop()) in tensors else producers.get(tensor)
        if operator is not None and operator not in needed:
            needed.append(operator)
            waiting += [int(index) for index in operator.inputs if index >= 0]
    graph.operators = [operator for operator in graph.operators if operator in needed]
    graph.inputs = list(tensors)
    model.signatureDefs, model.metadata = [], []
    return flatbuffer.write(model)
