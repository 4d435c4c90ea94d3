"""One visit of a model's layers, in which each layer is replaced by operators on the frames of one step.

Frames are (1, 1, frames, channels): devices convolve over two axes.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from export import tf_private
from export.convert.int16_activations import ACTIVATIONS


class GroupedConvolution(keras.Operation):
    """A convolution whose kernel (height, width, channels of a group, filters) has fewer channels than its input.

    `ops.conv` computes it, and refuses it while a functional model is built.
    """

    def __init__(self, kernel: np.ndarray, strides: tuple[int, int], dilations: tuple[int, int]):
        super().__init__()
        settings: Any = strides, "valid", "channels_last", dilations  # the type hint of ops.conv has no pairs
        self.kernel, self.settings = kernel, settings

    def call(self, values: Any) -> Any:
        """Convolves (1, height, width, channels), without padding."""
        return ops.conv(values, self.kernel, *self.settings)

    def compute_output_spec(self, values: Any) -> Any:
        """The shape and type of what `call` returns."""
        one = keras.KerasTensor((*values.shape[:3], self.kernel.shape[2]), values.dtype)
        return ops.conv(one, self.kernel, *self.settings)


@dataclasses.dataclass(frozen=True)
class FrameStream:
    """The frames of one layer in one step.

    Attributes:
        values: (1, 1, frames, channels), the frames of the block `delay` steps ago.
        delay: Steps by which they are late.
        name: Of the layer that they come from.
        zero_outside: Whether they are zeros outside the recording.
    """

    values: Any
    delay: int
    name: str
    zero_outside: bool = False

    @property
    def frames(self) -> int:
        """Frames of a step."""
        return self.values.shape[2]

    def replace_values(self, values: Any, name: str) -> "FrameStream":
        """Other values of the same time."""
        return FrameStream(values, self.delay, name)


@dataclasses.dataclass(frozen=True)
class Neighbourhood:
    """What a layer reads around the frames of a step.

    Attributes:
        left: Frames before the first of the step.
        right: Frames behind the last.
        taps: Frames that one of the output is made from,
        dilation: each so many after the one before.
        stride: Frames from one of the output to the next.
        frames: Of a step.
    """

    left: int
    right: int
    taps: int
    stride: int
    dilation: int
    frames: int

    @property
    def late(self) -> int:
        """Steps to wait for the frames behind the last."""
        return -(-self.right // self.frames)

    @property
    def before(self) -> int:
        """Frames before the first of the step that is there, by then."""
        return self.late * self.frames + self.left

    @property
    def count(self) -> int:
        """Frames that are read."""
        return self.frames - self.stride + (self.taps - 1) * self.dilation + 1


class LayerWalk:
    """One visit of all layers, which builds a step.

    Args:
        samples: Of the signal in a step.
        integer: As in `build_step`.
        delay: Steps by which averages, and so the outputs, are late.
        reach: Stream → frames before the step's own that a layer needs, as far as is known.
        looks_ahead: Whether a layer needs later samples.

    Attributes:
        inputs: Name → keras.Input.
        next: Name of a state → its next value.
    """

    def __init__(self, samples, integer, delay=0, reach=(), looks_ahead=False):
        self.samples, self.integer, self.delay = samples, integer, delay
        self.reach, self.looks_ahead = dict(reach), looks_ahead
        self.inputs, self.next, self.pasts = {}, {}, {}

    def run(self, model: keras.Model, rules: Mapping[type, Callable]) -> list[FrameStream]:
        """Visits the layers of `model`.

        Args:
            model: A functional model of one signal.
            rules: Kind of layer → `rule(walk, layer, *streams)`, which returns the layer's output.

        Returns:
            The model's outputs.
        """
        signal = model.inputs[0]
        x = self.input(signal.name, (1, self.samples, signal.shape[2]))
        outputs = tf_private.run_through_graph(
            model,
            [FrameStream(x, 0, signal.name, zero_outside=True)],
            call_fn=lambda layer, *streams, **_: rules[type(layer)](self, layer, *streams),
        )
        return keras.tree.flatten(outputs)

    def input(self, name: str, shape: tuple[int, ...]):
        """The input `name` of the step, (1, *shape); added where there is none yet."""
        if name not in self.inputs:
            self.inputs[name] = keras.Input(batch_shape=(1, *shape), name=name)
        return self.inputs[name]

    def state(self, name: str, shape: tuple[int, ...]) -> Any:
        """The state `name` before the step, (1, *shape)."""
        return self.input(name, shape)

    def set_state(self, name: str, value: Any, x: FrameStream) -> None:
        """Sets the state `name` after the step, made of the frames of `x`: zeros as long as these are outside."""
        self.next[name] = self._mask(value, x.delay) if x.delay else value

    def look_around(self, x: FrameStream, around: Neighbourhood) -> Any:
        """The frames of `x` that a layer reads: (1, 1, around.count, channels), zeros outside the recording."""
        self.looks_ahead |= around.late > 0
        return self.past(x, around.before, around.count)

    def look_inside(self, x: FrameStream, around: Neighbourhood) -> Any:
        """1 for those of them that are inside the recording, 0 for others: (1, 1, around.count, 1)."""
        valid: Any = self.input("valid", (1, 1, 1))
        name = "valid" if x.frames == 1 else f"valid_{x.frames}_frames"
        every = ops.concatenate([valid] * x.frames, axis=2) if x.frames > 1 else valid
        stream = FrameStream(every, 0, name, zero_outside=True)
        return self.past(stream, x.delay * x.frames + around.before, around.count)

    def past(self, x: FrameStream, frames: int, count: int):
        """`count` frames of `x` from the one on that came `frames` before its first: (1, 1, count, channels)."""
        if (frames, count) == (0, x.frames):
            return x.values
        if frames > self.reach.get(x.name, 0):
            self.reach[x.name] = frames
            self.pasts.pop(x.name, None)
        if frames and x.name not in self.pasts:
            self.inputs.pop(f"tail_{x.name}", None)
            tail = self.input(f"tail_{x.name}", (1, self.reach[x.name], x.values.shape[3]))
            self.pasts[x.name] = ops.concatenate([tail, self.mask_outside(x)], axis=2)
            self.next[f"tail_{x.name}"] = self.pasts[x.name][:, :, x.frames :]
        whole = self.pasts.get(x.name, x.values)
        start = whole.shape[2] - x.frames - frames
        return whole if count == whole.shape[2] else whole[:, :, start : start + count]

    def mask_outside(self, x: FrameStream):
        """The values of `x`, zeros outside the recording: a model that looks ahead runs on after its end, and a late
        stream begins before its start."""
        return x.values if x.zero_outside or not self.looks_ahead else self._mask(x.values, x.delay)

    def _mask(self, values: Any, delay: int) -> Any:
        """`values` of `delay` steps ago, zeros outside the recording."""
        valid = FrameStream(self.input("valid", (1, 1, 1)), 0, "valid", zero_outside=True)
        return values * self.delay_to(valid, delay).values

    def delay_to(self, x: FrameStream, delay: int) -> FrameStream:
        """Delays `x` until it is `delay` steps late."""
        if delay == x.delay:
            return x
        frames = (delay - x.delay) * x.frames
        return dataclasses.replace(x, values=self.past(x, frames, x.frames), delay=delay, zero_outside=False)

    def conv(self, values, kernel, bias=None, stride=1, dilation=1):
        """Convolves (1, 1, frames, c) with `kernel` (taps, c, filters), without padding."""
        kernel = constant(kernel)[None]
        strides: Any = 1, stride  # the type hint of ops.conv has no pairs
        dilations: Any = 1, dilation
        if kernel.shape[2] < values.shape[3]:
            y = GroupedConvolution(kernel, strides, dilations)(values)
        else:
            y = ops.conv(values, kernel, strides, "valid", dilation_rate=dilations, data_format="channels_last")
        return y if bias is None else y + constant(bias)

    def conv_depthwise(self, values, kernel, stride=1, dilation=1) -> Any:
        """Convolves every channel of (1, 1, frames, c) by itself with `kernel` (taps, c, filters), without padding."""
        dilations: Any = 1, dilation
        return ops.depthwise_conv(values, constant(kernel)[None], stride, "valid", "channels_last", dilations)

    def activate(self, function: Callable, values: Any) -> Any:
        """Applies an activation, in integers in a form that has 16-bit kernels."""
        if self.integer and function in ACTIVATIONS:
            return ACTIVATIONS[function](values)
        return keras.layers.Activation(function)(values)


def split_frames(values: Any) -> list[Any]:
    """(1, 1, frames, channels) as a list of single frames."""
    frames: Any = ops.split(values, values.shape[2], 2) if values.shape[2] > 1 else [values]
    return frames


def constant(weights) -> np.ndarray:
    """The values of a variable, float32."""
    return np.asarray(ops.convert_to_numpy(weights), np.float32)
