"""A step file, whose metadata say which inputs are states, fed with a recording: block by block where they say so under
"streaming", beat by beat where they say so under "history".

    stream = StreamingModel(TFLiteModel("model.tflite"))
    for block in blocks:                      # (step, leads) each
        outputs = stream.feed(block)          # what the model makes of the recording up to `delay` steps before

    keeper = HistoryModel(TFLiteModel("model.tflite"))
    for beat in beats:                        # {"ecg": (samples, leads), "rr": (1,) s}
        outputs = keeper.run(beat)            # what the model makes of the beat after those before it

What a device does is this file in C (for blocks export.c99.emit_streaming): copy the block, `valid` and `share` in, or
the beat, run, copy every state's next value over the state. States go back as the integers that they are.
"""

from __future__ import annotations

import numpy as np

from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.quantisation import dequantise, quantise

NEXT = "next_"  # what the output is called that a state, an input, is in the next step


class _Step:
    """A step with its states. model: a TFLiteModel, or whatever has its inputs, outputs, metadata and run_raw.
    inputs, outputs: those that are no states. ModelError where the file has no such states."""

    def __init__(self, model, states):
        known = {t.name for t in model.inputs}, {t.name for t in model.outputs}
        if not all(name in known[0] and NEXT + name in known[1] for name in states):
            raise ModelError(f"{model.name}: its metadata name states that it does not have: export it again")
        self.model, self.metadata, self.name = model, model.metadata, model.name
        self.feedback = {name: NEXT + name for name in states}
        self.inputs = [tensor for tensor in model.inputs if tensor.name not in self.feedback]
        self.outputs = [tensor for tensor in model.outputs if tensor.name not in self.feedback.values()]
        self.reset()

    def reset(self) -> None:
        """Begin a recording: every state is zero."""
        self.arrays = [np.full(t.shape, t.zero_point, t.dtype) for t in self.model.inputs]

    def step_raw(self, values) -> dict[str, np.ndarray]:
        """One step. values: of every input that is no state, by name, float32 of its shape or what spreads to it → the
        outputs as the model gives them, states among them, by name."""
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

    def answers(self, raw) -> dict[str, np.ndarray]:
        """The outputs that are no states, float32, without the batch axis."""
        return {t.name: dequantise(raw[t.name][0], t.scale, t.zero_point) for t in self.outputs}


class HistoryModel(_Step):
    """A step of one example, a beat, that keeps what it knows of those before it. ModelError for a file that is none,
    and for inputs that it does not take."""

    def __init__(self, model):
        history = model.metadata.history
        if history is None:
            raise ModelError(f"{model.name}: it keeps nothing of the examples before: export with --streaming")
        super().__init__(model, history.states)

    def run(self, example):
        """The next example, float32 arrays by input name → as TFLiteModel.run."""
        for tensor in self.inputs:
            if np.shape(example.get(tensor.name)) != tensor.shape[1:]:
                found = np.shape(example[tensor.name]) if tensor.name in example else "nothing"
                raise ModelError(f"{self.name}: input {tensor.name} takes {tensor.shape[1:]}, got {found}")
        values = self.answers(self.step_raw(example))
        return values if len(values) > 1 else next(iter(values.values()))


class StreamingModel(_Step):
    """A step of one block of a recording. ModelError for a file that is none."""

    def __init__(self, model):
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
        super().reset()
        self.blocks = 0  # that have gone in

    def feed(self, block=None) -> dict[str, np.ndarray]:
        """The next block (step, leads) float32, or None behind the recording's end → the outputs by name, float32,
        without the batch axis."""
        return self.answers(self.feed_raw(block))

    def feed_raw(self, block=None) -> dict[str, np.ndarray]:
        """`feed`, with the outputs as the model gives them, states among them."""
        inside = block is not None
        self.blocks += 1
        # The mean of the first window is that of all its blocks. From there on it forgets as fast as it learns.
        counts = self.blocks > self.delay
        share = counts / min(max(self.blocks - self.delay, 1), self.window // self.step)
        return self.step_raw({"valid": inside, "share": share, self.signal.name: block if inside else 0})

    def run(self, window):
        """A recording of its own, float32 (samples, leads) or a dict of it by the input's name, fed from its start and
        until its end has come through → what the whole-window model answers to it: float32 without the batch axis, or
        a dict by output name where there are several. A rest shorter than a step is left out."""
        signal = np.asarray(window[self.signal.name] if isinstance(window, dict) else window, np.float32)
        count, leads = len(signal) // self.step, self.signal.shape[-1]
        if count == 0 or signal.shape[1:] != (leads,):
            raise ModelError(f"{self.name}: takes ({self.step} samples or more, {leads}), got {signal.shape}")
        blocks = signal[: count * self.step].reshape(count, self.step, leads)
        self.reset()
        answers = [self.feed(block) for block in blocks] + [self.feed() for _ in range(self.delay)]
        values = {}
        for tensor in self.outputs:  # (classes,) so far, or (frames, c) of one step
            late = [answer[tensor.name] for answer in answers[self.delay :]]
            values[tensor.name] = late[-1] if late[-1].ndim == 1 else np.concatenate(late)
        return values if len(values) > 1 else next(iter(values.values()))
