"""Networks that take a signal sample by sample and answer now and then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from firmware_bench.front_end.integer_front_end import scale_window
from firmware_bench.front_end.window_score import RunningThreshold, plan_window_score
from firmware_bench.runtime.metadata import Tensor
from firmware_bench.runtime.quantisation import dequantise
from firmware_bench.runtime.streaming_model import RawModel, StreamingModel

FEED = 8  # values of a scaled window that the network takes with every new one


class SampleModel(Protocol):
    """A network that takes samples one after another and answers now and then."""

    @property
    def signal(self) -> Tensor:
        """The input that takes the samples."""
        ...

    @property
    def output(self) -> Tensor:
        """The output that names the labels."""
        ...

    @property
    def span(self) -> int:
        """Samples that an answer is about."""
        ...

    @property
    def remaining(self) -> int:
        """Samples until the network runs again."""
        ...

    def reset(self) -> None:
        """Begin a recording."""
        ...

    def push(self, samples: np.ndarray) -> np.ndarray | None:
        """Take samples, integers (n, leads), at most `remaining`; return the output where there is one."""
        ...


class WindowFeeder:
    """A model for whole windows as a SampleModel: it answers at the end of each."""

    def __init__(self, model: RawModel):
        self.model, self.signal, self.output = model, model.inputs[0], model.outputs[0]
        self.span = int(np.prod(self.signal.shape)) // self.signal.shape[-1]
        self.reset()

    def reset(self) -> None:
        self._samples = np.zeros((0, self.signal.shape[-1]), self.signal.dtype)

    @property
    def remaining(self) -> int:
        return self.span - len(self._samples)

    def push(self, samples: np.ndarray) -> np.ndarray | None:
        self._samples = np.concatenate([self._samples, samples])
        if self.remaining:
            return None
        window, self._samples = self._samples, self._samples[:0]
        return self._run(window)

    def _run(self, window):
        return self.model.run_raw([window.reshape(self.signal.shape)])[0]


class ScaledWindowFeeder(WindowFeeder):
    """A model for whole windows that are scaled to zero mean and unit standard deviation.

    A device keeps the values of a window, finds their scale when it is complete, and then hands FEED of them to the
    network with every new one, which takes the place of one that was handed over: the answer comes an eighth of a
    window late.
    """

    def __init__(self, model: RawModel, quantise: Callable[[np.ndarray], np.ndarray]):
        self._quantise = quantise
        super().__init__(model)
        self._length, self._late = self.span, -(-self.span // FEED)
        self.span = self._length + self._late
        self.reset()

    def reset(self) -> None:
        self._samples = np.zeros((0, self.signal.shape[-1]), np.int64)
        self._complete: np.ndarray | None = None

    @property
    def remaining(self) -> int:
        return (self._length if self._complete is None else self._late) - len(self._samples)

    def push(self, samples: np.ndarray) -> np.ndarray | None:
        """Take values of the front end, at most `remaining`, instead of the network's integers."""
        self._samples = np.concatenate([self._samples, samples])
        if self.remaining:
            return None
        if self._complete is not None:
            window, self._complete = self._complete, None
            return self._run(self._quantise(scale_window(window)))
        self._complete, self._samples = self._samples, self._samples[:0]
        return None


class ScoredWindowFeeder(WindowFeeder):
    """A model that reconstructs windows as a SampleModel: it answers with the threshold and the score of each."""

    def __init__(self, model: RawModel):
        self._plan = plan_window_score(model.metadata)
        super().__init__(model)

    def reset(self) -> None:
        super().reset()
        self._threshold = RunningThreshold(self._plan.threshold)

    def _run(self, window):
        made = self.model.run_raw([window.reshape(self.signal.shape)])
        names = [tensor.name for tensor in self.model.metadata.outputs]
        score = self._plan.compute(window, dict(zip(names, made, strict=True)))
        return np.array([self._threshold.judge(score), score])


class StepFeeder(WindowFeeder):
    """A streaming model as a SampleModel: it answers after each block, as soon as its delay has passed."""

    def __init__(self, model: RawModel):
        self._stream = StreamingModel(model)
        super().__init__(model)
        self.signal, self.output, self.span = self._stream.signal, self._stream.outputs[0], self._stream.window

    def reset(self) -> None:
        self._stream.reset()
        self._samples = np.zeros((0, self._stream.signal.shape[-1]), self._stream.signal.dtype)

    @property
    def remaining(self) -> int:
        return self._stream.step - len(self._samples)

    def _run(self, window):
        outputs = self._stream.feed_raw(dequantise(window, self.signal.scale, self.signal.zero_point))
        return outputs[self.output.name] if self._stream.blocks > self._stream.delay else None
