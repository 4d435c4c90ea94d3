"""Runs a float TFLite file on windows or a stream and collects statistics of its activations, for 16-bit ranges."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from export.quantise.ranges import ObservedRange, activations
from export.tflite import flatbuffer
from firmware_bench.runtime.metadata import ModelMetadata, Tensor
from firmware_bench.runtime.streaming_model import StreamingModel

RECORDINGS = 10  # that the calibration windows are joined to: a state goes on growing for longer than a window
LOOK_EVERY = 3  # steps: successive ones hold nearly the same values
ENDLESS = 1e30  # beyond the last knot of the root in a layer norm, what an artefact leaves can grow to infinity


class ActivationStatistics(NamedTuple):
    """Values of the activations during calibration.

    Attributes:
        extremes: Tensor → its lowest and highest value at every look.
        means: Tensor that is convolved → (channels,), its mean in a typical window.
    """

    extremes: dict[int, ObservedRange]
    means: dict[int, np.ndarray]


class FloatRunner:
    """A float TFLite file all of whose tensors can be read; StreamingModel takes it in place of a TFLiteModel.

    Args:
        data: The float file.
        metadata: Those of the step, where the file is one.

    Attributes:
        look: Whether the next run counts for the statistics.
    """

    name = "float"

    def __init__(self, data: bytes, metadata: ModelMetadata | None = None):
        self.metadata = metadata or ModelMetadata()
        self.interpreter = Interpreter(
            model_content=data,
            experimental_preserve_all_tensors=True,
            # A delegate does not expose the tensors between its operators.
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self.interpreter.allocate_tensors()
        signature = self.interpreter.get_signature_runner()
        self._in, self._out = signature.get_input_details(), signature.get_output_details()
        self.inputs = [Tensor(name, tuple(d["shape"]), "float32", 0.0, 0) for name, d in self._in.items()]
        self.outputs = [Tensor(name, tuple(d["shape"]), "float32", 0.0, 0) for name, d in self._out.items()]
        model = flatbuffer.read(data)
        convolved = {int(o.inputs[0]) for name, o, _ in flatbuffer.operators(model) if name == "CONV_2D"}
        self.extremes = {tensor: [] for tensor in activations(model)}
        self.sums, self.looks = {tensor: [] for tensor in convolved}, []  # of each window
        self.look = True

    def begin_window(self) -> None:
        """Counts the runs from here on to a new window."""
        self.looks.append(0)
        for sums in self.sums.values():
            sums.append(0.0)

    def run_raw(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Runs the file once.

        Args:
            arrays: The inputs in order.

        Returns:
            The outputs in order.
        """
        for detail, array in zip(self._in.values(), arrays, strict=True):
            self.interpreter.set_tensor(detail["index"], array)
        self.interpreter.invoke()
        if self.look:
            self.looks[-1] += 1
            for tensor, extremes in self.extremes.items():
                values = self.interpreter.get_tensor(tensor)
                extremes += [values.min(), values.max()]
                if tensor in self.sums:
                    self.sums[tensor][-1] += values.mean(axis=(0, 1, 2), dtype=np.float64)
        return [self.interpreter.get_tensor(detail["index"]) for detail in self._out.values()]

    def statistics(self) -> ActivationStatistics:
        """The statistics of all runs so far."""
        extremes = {tensor: np.clip(np.nan_to_num(x), -ENDLESS, ENDLESS) for tensor, x in self.extremes.items()}
        means = {tensor: [s / n for s, n in zip(x, self.looks, strict=True)] for tensor, x in self.sums.items()}
        return ActivationStatistics(
            {tensor: ObservedRange(x, float(x.min()), float(x.max())) for tensor, x in extremes.items()},
            {tensor: np.median(x, axis=0) for tensor, x in means.items()},
        )


def observe_windows(runner: FloatRunner, windows: np.ndarray) -> ActivationStatistics:
    """Runs the windows (n, samples, leads) one by one."""
    for window in windows:
        runner.begin_window()
        runner.run_raw([window[None]])
    return runner.statistics()


def observe_stream(runner: FloatRunner, windows: np.ndarray) -> ActivationStatistics:
    """Feeds the windows (n, samples, leads), joined to RECORDINGS, to a step."""
    stream = StreamingModel(runner)
    seen = 0
    for windows_of_one in np.array_split(windows, min(RECORDINGS, len(windows))):
        stream.reset()
        signal = windows_of_one.reshape(-1, stream.step, windows.shape[2])
        for number, block in enumerate([*signal, *[None] * stream.delay]):
            if block is not None and number * stream.step % windows.shape[1] == 0:
                runner.begin_window()
            runner.look = seen % LOOK_EVERY == 0 or stream.blocks < stream.delay + 4
            stream.feed_raw(block)
            seen += 1
    return runner.statistics()
