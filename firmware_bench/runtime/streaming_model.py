"""Models that keep states from step to step: of blocks of a recording, or of one example (a beat) after the other.

    stream = StreamingModel(TFLiteModel("model.tflite"))
    for block in blocks:                      # (step, leads) each
        outputs = stream.feed(block)          # for the recording up to `delay` steps before

    model = HistoryModel(TFLiteModel("model.tflite"))
    for beat in beats:                        # {"ecg": (samples, leads), "rr": (1,) s}
        outputs = model.run(beat)             # for the beat, given those before it

A device does the same in C (for blocks export.c99.emit_streaming): copy the block, `valid` and `share` in, or the beat,
run, copy every state's next value to the state. States are copied as integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.metadata import ModelMetadata, Tensor
from firmware_bench.runtime.quantisation import dequantise, quantise

NEXT = "next_"  # begins the name of the output that is the next value of the state, an input, of that name


class RawModel(Protocol):
    """What StreamingModel and HistoryModel need of a model: a TFLiteModel has it."""

    @property
    def name(self) -> str: ...

    @property
    def metadata(self) -> ModelMetadata: ...

    @property
    def inputs(self) -> Sequence[Tensor]: ...

    @property
    def outputs(self) -> Sequence[Tensor]: ...

    def run_raw(self, arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """Run one step: arrays of the inputs in order → arrays of the outputs in order."""
        ...


class _StatefulModel:
    """A model and its states. `inputs` and `outputs` are those that are no states."""

    def __init__(self, model: RawModel, states: Iterable[str]):
        inputs, outputs = {tensor.name for tensor in model.inputs}, {tensor.name for tensor in model.outputs}
        if not all(name in inputs and NEXT + name in outputs for name in states):
            raise ModelError(f"{model.name}: its metadata name states that it does not have: export it again")
        self.model, self.metadata, self.name = model, model.metadata, model.name
        self.feedback = {name: NEXT + name for name in states}
        self.inputs = [tensor for tensor in model.inputs if tensor.name not in self.feedback]
        self.outputs = [tensor for tensor in model.outputs if tensor.name not in self.feedback.values()]
        self.reset()

    def reset(self) -> None:
        """Begin a recording: every state is zero."""
        self.arrays = [np.full(t.shape, t.zero_point, t.dtype) for t in self.model.inputs]

    def step_raw(self, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Run one step.

        Args:
            values: For every input that is no state, float32 of its shape or what broadcasts to it, by name.

        Returns:
            The outputs as the model gives them, states among them, by name.
        """
        for number, tensor in enumerate(self.model.inputs):
            if tensor.name not in self.feedback:
                value = np.broadcast_to(np.asarray(values[tensor.name], np.float32), tensor.shape)
                self.arrays[number] = quantise(value, tensor.scale, tensor.zero_point, tensor.dtype)
        outputs = self.model.run_raw(self.arrays)
        raw = {tensor.name: outputs[number] for number, tensor in enumerate(self.model.outputs)}
        for number, tensor in enumerate(self.model.inputs):
            if tensor.name in self.feedback:
                self.arrays[number] = raw[self.feedback[tensor.name]]
        return raw

    def dequantise_outputs(self, raw: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the outputs of `step_raw` that are no states, float32, without the batch axis."""
        return {t.name: dequantise(raw[t.name][0], t.scale, t.zero_point) for t in self.outputs}


class HistoryModel(_StatefulModel):
    """A model of one example after the other, such as beats, that keeps what it needs of those before.

    Args:
        model: The model, whose metadata have a history.

    Raises:
        ModelError: Its metadata have none, or name states that it does not have.
    """

    def __init__(self, model: RawModel):
        history = model.metadata.history
        if history is None:
            raise ModelError(f"{model.name}: it keeps nothing of the examples before: export with --streaming")
        super().__init__(model, history.states)

    def run(self, example: Mapping[str, np.ndarray]) -> Any:
        """Run the next example.

        Args:
            example: float32 arrays by input name, without the batch axis.

        Returns:
            The output, float32 without the batch axis, or outputs by name where there are several.

        Raises:
            ModelError: An input is missing or has another shape.
        """
        for tensor in self.inputs:
            if tensor.name not in example or np.shape(example[tensor.name]) != tensor.shape[1:]:
                found = np.shape(example[tensor.name]) if tensor.name in example else "nothing"
                raise ModelError(f"{self.name}: input {tensor.name} takes {tensor.shape[1:]}, got {found}")
        values = self.dequantise_outputs(self.step_raw(example))
        return values if len(values) > 1 else next(iter(values.values()))


class StreamingModel(_StatefulModel):
    """A model of one block of a recording after the other.

    Args:
        model: The model, whose metadata have a streaming part.

    Attributes:
        step: Length of a block, samples.
        delay: Blocks by which every output is late.
        window: Window of the model for whole windows, samples.
        signal: The input that takes the block.
        blocks: How many blocks were fed since the reset.

    Raises:
        ModelError: The metadata have no streaming part or do not describe the model.
    """

    def __init__(self, model: RawModel):
        streaming = model.metadata.streaming
        if streaming is None:
            raise ModelError(f"{model.name}: it takes whole windows: export with --streaming for one that takes steps")
        self.step, self.delay, self.window = streaming.step, streaming.delay, streaming.window
        super().__init__(model, streaming.states)
        signals = [tensor for tensor in self.inputs if tensor.name not in ("valid", "share")]
        if len(signals) != 1 or signals[0].shape[-2:-1] != (self.step,):
            raise ModelError(f"{model.name}: it does not take one signal of {self.step} samples: export it again")
        (self.signal,) = signals

    def reset(self) -> None:
        """Begin a recording: every state is zero."""
        super().reset()
        self.blocks = 0

    def feed(self, block: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Run the next block.

        Args:
            block: float32 (step, leads), or None after the end of the recording.

        Returns:
            The outputs by name, float32, without the batch axis.
        """
        return self.dequantise_outputs(self.feed_raw(block))

    def feed_raw(self, block: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """As `feed`, with the outputs as the model gives them, states among them."""
        inside = block is not None
        self.blocks += 1
        # The mean of the first window is that of all its blocks. From there on it is an exponential moving average.
        counts = self.blocks > self.delay
        share = counts / min(max(self.blocks - self.delay, 1), self.window // self.step)
        return self.step_raw({"valid": inside, "share": share, self.signal.name: block if inside else 0})

    def run(self, window: np.ndarray | Mapping[str, np.ndarray]) -> Any:
        """Run a whole recording, from a reset to the last delayed output.

        Args:
            window: float32 (samples, leads), or a dict of it by the input's name. A rest shorter than a step is left
                out.

        Returns:
            What the model for whole windows gives for it: float32 without the batch axis, or outputs by name where
            there are several.

        Raises:
            ModelError: The recording is shorter than a step or has another number of leads.
        """
        signal = np.asarray(window[self.signal.name] if isinstance(window, Mapping) else window, np.float32)
        count, leads = len(signal) // self.step, self.signal.shape[-1]
        if count == 0 or signal.shape[1:] != (leads,):
            raise ModelError(f"{self.name}: takes ({self.step} samples or more, {leads}), got {signal.shape}")
        blocks = signal[: count * self.step].reshape(count, self.step, leads)
        self.reset()
        steps = [self.feed(block) for block in blocks] + [self.feed() for _ in range(self.delay)]
        values = {}
        for tensor in self.outputs:  # (classes,) of the recording so far, or (frames, c) of one step
            delayed = [outputs[tensor.name] for outputs in steps[self.delay :]]
            values[tensor.name] = delayed[-1] if delayed[-1].ndim == 1 else np.concatenate(delayed)
        return values if len(values) > 1 else next(iter(values.values()))
