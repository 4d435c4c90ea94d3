"""A recording fed to a step file, block by block. Its metadata say under "streaming" which inputs are states.

    stream = StreamingModel(TFLiteModel("model.tflite"))
    for block in blocks:                      # (step, leads) each
        outputs = stream.feed(block)          # what the model makes of the recording up to `delay` steps before

What a device does is this file in C (export.c99.recording): copy the block, `valid` and `share` in, run, copy every
state's next value over the state. States go back as the integers that they are.
"""

from __future__ import annotations

import numpy as np

from firmware_bench.bench_rpi import ModelError, dequantise, quantise


class StreamingModel:
    """A step with its states. model: a TFLiteModel, or whatever has its inputs, outputs, metadata and run_raw.
    ModelError for a file that is no step."""

    def __init__(self, model):
        if "streaming" not in model.metadata:
            raise ModelError(f"{model.name}: it takes whole windows: export with --streaming for one that takes steps")
        about = model.metadata["streaming"]
        self.model, self.metadata, self.name = model, model.metadata, model.name
        self.step, self.delay, self.window = about["step"], about["delay"], about["window"]
        self.feedback = {entry["input"]: entry["output"] for entry in about["states"]}
        self.outputs = [tensor for tensor in model.outputs if tensor.name not in self.feedback.values()]
        (self.signal,) = (t for t in model.inputs if t.name not in {*self.feedback, "valid", "share"})
        self.reset()

    def reset(self) -> None:
        """Begin a recording: every state is zero."""
        self.blocks = 0  # that have gone in
        self.arrays = [np.full(t.shape, t.zero_point, t.dtype) for t in self.model.inputs]

    def feed(self, block=None) -> dict[str, np.ndarray]:
        """The next block (step, leads) float32, or None behind the recording's end → the outputs by name, float32,
        without the batch axis."""
        raw = self.feed_raw(None if block is None else np.asarray(block, np.float32))
        return {t.name: dequantise(raw[t.name][0], t.scale, t.zero_point) for t in self.outputs}

    def feed_raw(self, block=None) -> dict[str, np.ndarray]:
        """`feed`, with the outputs as the model gives them, states among them."""
        inside = block is not None
        self.blocks += 1
        # The mean of the first window is that of all its blocks. From there on it forgets as fast as it learns.
        counts = self.blocks > self.delay
        share = counts / min(max(self.blocks - self.delay, 1), self.window // self.step)
        for number, tensor in enumerate(self.model.inputs):
            if tensor.name in self.feedback:
                continue
            value = {"valid": inside, "share": share}.get(tensor.name, block if inside else 0)
            values = np.broadcast_to(np.asarray(value, np.float32), tensor.shape)
            self.arrays[number] = quantise(values, tensor.scale, tensor.zero_point, tensor.dtype)
        names = [tensor.name for tensor in self.model.outputs]
        raw = dict(zip(names, self.model.run_raw(self.arrays), strict=True))
        for number, tensor in enumerate(self.model.inputs):
            if tensor.name in self.feedback:
                self.arrays[number] = raw[self.feedback[tensor.name]]
        return raw

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
