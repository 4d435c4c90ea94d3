"""A trained model as one step: a block of samples and the states of earlier steps → outputs and the next states.

The layers of a functional Keras model are visited in order; RULES says what each kind does with the frames of one step.
What it needs of earlier steps is an input of the step, and an output gives it to the next:

    tail_…     the last frames, which a convolution or a waiting branch needs
    state_…    of a SelectiveSSM
    mean_…     of a GlobalAveragePooling1D so far

Convolutions with padding "same" look ahead. In a stream their outputs come whole steps later and are otherwise the same
numbers; `delay` counts the steps, and where branches meet, the earlier one waits. The whole-window model pads with
zeros outside the recording, in front of every layer. So does the step: its input `valid` is 1 for a block of the
recording and 0 for those after it, and frames from outside the recording are multiplied by it. Its input `share` is
1 / k in the k-th of the steps whose outputs count, and 0 in the `delay` steps before: the mean moves by it towards the
new frames.

Frames are (1, 1, frames, channels) here: devices convolve over two axes.
"""

import dataclasses
import math
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from export import tf_private
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ModelMetadata, StreamingMetadata
from firmware_bench.runtime.streaming_model import NEXT
from models_keras.layers.normalisation import LayerNorm
from models_keras.layers.positions import SinusoidalPositions
from models_keras.layers.selective_ssm import SelectiveSSM, read_state, step_state

# Of the piecewise linear approximation of the inverse root: knots per decade, and the decades of variances.
KNOTS, DECADES = 12, (-2, 2)


@dataclasses.dataclass(frozen=True)
class StepModel:
    """One step of a model.

    Attributes:
        model: A Keras model with batch 1, inputs and outputs by name.
        samples: Of the signal in a step.
        window: Samples that the whole-window model takes.
        states: Inputs, zeros at first, whose next value is the output NEXT + name.
        delay: Steps by which every output is late.
    """

    model: keras.Model
    samples: int
    window: int
    states: tuple[str, ...]
    delay: int

    def metadata(self) -> ModelMetadata:
        """The metadata of a file of this step, for firmware_bench.runtime.streaming_model."""
        return ModelMetadata(streaming=StreamingMetadata(self.samples, self.delay, self.window, self.states))


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


def trim_to_steps(model: keras.Model) -> keras.Model:
    """Trims a model to windows of a whole number of steps.

    Args:
        model: A model of one signal (samples, leads).

    Returns:
        `model`, or the same layers and weights on slightly shorter windows.

    Raises:
        InputError: A layer cannot run as a stream; the message names it.
    """
    check_streamable(model)
    samples, length = step_samples(model), model.inputs[0].shape[1]
    if length < samples:
        raise InputError(f"{model.name} takes {length} samples at a time, and one step of it {samples}")
    return model if length % samples == 0 else clone_for_length(model, length - length % samples)


def build_step(model: keras.Model, integer: bool = False) -> StepModel:
    """Builds the step of a model.

    Args:
        model: From `trim_to_steps`.
        integer: Whether to use only operators with 16-bit kernels; the inverse root in LayerNorm is then piecewise
            linear, within 0.4 %.
    """
    samples = step_samples(model)
    # The first walk finds out how far back each stream is looked at and whether a layer looks ahead.
    first = LayerWalk(samples, integer)
    delay = max(stream.delay for stream in first.run(model))
    walk = LayerWalk(samples, integer, delay, first.reach, first.looks_ahead)
    streams = walk.run(model)
    outputs = {
        name: ops.reshape(walk.delay_to(stream, delay).values, (1, *(stream.frames,) * (len(tensor.shape) - 2), -1))
        for name, tensor, stream in zip(model.output_names, model.outputs, streams, strict=True)
    }
    outputs |= {NEXT + name: values for name, values in walk.next.items()}
    made = keras.Model(walk.inputs, outputs, name=f"{model.name}_step")
    return StepModel(made, samples, model.inputs[0].shape[1], tuple(walk.next), delay)


def check_streamable(model: keras.Model) -> None:
    """Checks that a model can run as a stream.

    Raises:
        InputError: It cannot; the message names the first layer that prevents it.
    """
    for layer in model.operations:
        reason = None if isinstance(layer, layers.InputLayer) else obstacle(layer)
        if reason:
            raise InputError(
                f"the model cannot run as a stream: layer {layer.name!r} ({type(layer).__name__}) {reason}"
            )
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 3:
        raise InputError(f"{model.name} cannot run as a stream: its input is not one signal (samples, leads)")


def obstacle(layer) -> str | None:
    """Why the layer cannot run as a stream; None where it can."""
    if isinstance(layer, SinusoidalPositions):
        return "adds the position within a window; train with --set model.positions=false"
    if type(layer) not in RULES:
        return "needs the whole window"
    if isinstance(layer, SelectiveSSM) and layer.backwards:
        return "runs backwards in time; train with --set model.bidirectional=false"
    if isinstance(layer, layers.Conv1D) and layer.groups > 1:
        return "convolves in groups"
    if isinstance(layer, layers.Conv1D) and layer.padding == "valid" and layer.kernel_size > layer.strides:
        return "has padding 'valid', which costs a window its ends: use 'same' or 'causal'"
    if RULES[type(layer)] is pool and layer.pool_size != layer.strides:
        return "has windows that overlap or leave gaps"
    return None


def clone_for_length(model: keras.Model, samples: int) -> keras.Model:
    """The same layers and weights for windows of `samples`."""
    signal = model.inputs[0]
    clone = keras.models.clone_model(model, input_tensors=keras.Input((samples, signal.shape[2]), name=signal.name))
    clone.set_weights(model.get_weights())
    return clone


def step_samples(model: keras.Model) -> int:
    """The samples in which the slowest layer of `model` makes one frame."""
    multiple = math.prod(s for layer in model.layers for s in np.ravel(getattr(layer, "strides", 1)).tolist())
    probe = clone_for_length(model, multiple)
    lengths = [t.shape[1] for layer in probe.layers for t in [layer.output] if len(t.shape) == 3]
    return multiple // min(lengths)


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

    def run(self, model: keras.Model) -> list[FrameStream]:
        """Visits the layers of `model`; its outputs."""
        signal = model.inputs[0]
        x = self.input(signal.name, (1, self.samples, signal.shape[2]))
        outputs = tf_private.run_through_graph(
            model,
            [FrameStream(x, 0, signal.name, zero_outside=True)],
            call_fn=lambda layer, *streams, **_: RULES[type(layer)](self, layer, *streams),
        )
        return keras.tree.flatten(outputs)

    def input(self, name: str, shape: tuple[int, ...]):
        """The input `name` of the step, (1, *shape); added where there is none yet."""
        if name not in self.inputs:
            self.inputs[name] = keras.Input(batch_shape=(1, *shape), name=name)
        return self.inputs[name]

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
        if x.zero_outside or not self.looks_ahead:
            return x.values
        valid = FrameStream(self.input("valid", (1, 1, 1)), 0, "valid", zero_outside=True)
        return x.values * self.delay_to(valid, x.delay).values

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
        y = ops.conv(values, kernel, strides, "valid", dilation_rate=dilations, data_format="channels_last")
        return y if bias is None else y + constant(bias)


def constant(weights) -> np.ndarray:
    """The values of a variable, float32."""
    return np.asarray(ops.convert_to_numpy(weights), np.float32)


# ------------------------------------------------------------------- one rule per kind of layer


def apply_layer(walk, layer, x):
    """A layer without weights that treats every number, or every frame, alike."""
    return x.replace_values(clone_layer(layer)(x.values), layer.name)


def clone_layer(layer):
    """A layer of the same kind and settings, so that the model's own stays as it is."""
    return type(layer).from_config({**layer.get_config(), "name": f"step_{layer.name}"})


def pass_through(walk, layer, x):
    return x


def dense(walk, layer, x):
    return x.replace_values(layer.activation(walk.conv(x.values, layer.kernel[None], layer.bias)), layer.name)


def batch_norm(walk, layer, x):
    mean, variance = constant(layer.moving_mean), constant(layer.moving_variance)
    factor = (variance + layer.epsilon) ** -0.5 * (constant(layer.gamma) if layer.scale else 1)
    shift = (constant(layer.beta) if layer.center else 0) - mean * factor
    return x.replace_values(x.values * factor + shift, layer.name)


def merge(walk, layer, xs):
    """Sum, product or concatenation of streams, of which the earlier wait for the latest."""
    delay = max(x.delay for x in xs)
    values = [walk.delay_to(x, delay).values for x in xs]
    return FrameStream(clone_layer(layer)(values), delay, layer.name)


def convolution(walk, layer, x):
    """Frame j of the output is made of `span` inputs from j · stride - left on."""
    (taps,), (stride,), (dilation,) = layer.kernel_size, layer.strides, layer.dilation_rate
    span = (taps - 1) * dilation + 1
    around = max(span - stride, 0)
    # In front of the first frame "causal" pads as if the stride were 1, "same" one half of what is missing.
    left = span - 1 if layer.padding == "causal" else around // 2
    late = -(-(span - stride - left) // x.frames) if span - stride > left else 0  # steps
    walk.looks_ahead |= late > 0
    inputs = walk.past(x, late * x.frames + left, x.frames - stride + span)
    y = walk.conv(inputs, layer.kernel, layer.bias, stride, dilation)
    return FrameStream(layer.activation(y), x.delay + late, layer.name)


def pool(walk, layer, x):
    (size,) = layer.pool_size
    reduce = ops.max_pool if isinstance(layer, layers.MaxPooling1D) else ops.average_pool
    return x.replace_values(reduce(x.values, (1, size), (1, size), data_format="channels_last"), layer.name)


def mean_so_far(walk, layer, x):
    x = walk.delay_to(x, max(x.delay, walk.delay))
    name = f"mean_{layer.name}"
    block = ops.mean(x.values, axis=2, keepdims=True) if x.frames > 1 else x.values
    before = walk.input(name, (1, 1, x.values.shape[3]))
    walk.next[name] = before + walk.input("share", (1, 1, 1)) * (block - before)
    return x.replace_values(walk.next[name], layer.name)


def state_space(walk, layer, x):
    """Zero inputs leave a state of zeros as it is, so the frames before the recording must be zeros."""
    values = walk.mask_outside(x) if x.delay else x.values
    dt = walk.conv(walk.conv(values, layer.dt_down[None]), layer.dt_up[None])
    B, C = walk.conv(values, layer.B_proj[None]), walk.conv(values, layer.C_proj[None])
    dt_bias, D = constant(layer.dt_bias), constant(layer.D)
    name = f"state_{layer.name}"
    state = walk.input(name, (1, *dt_bias.shape))
    outputs = []
    for frame in zip(*(split_frames(v) for v in (dt, values, B, C)), strict=True):
        dt_t, x_t, B_t, C_t = (ops.squeeze(v, 2) for v in frame)  # (1, 1, channels or states)
        state = step_state(state, dt_t, x_t, B_t, dt_bias)  # (1, 1, states, channels)
        outputs.append(ops.expand_dims(read_state(C_t, state), 2))
    walk.next[name] = state
    y = ops.concatenate(outputs, 2) if len(outputs) > 1 else outputs[0]
    return x.replace_values(y + values * D, layer.name)


def split_frames(values):
    return ops.split(values, values.shape[2], 2) if values.shape[2] > 1 else [values]


def layer_norm(walk, layer, x):
    row = x.values - ops.mean(x.values, axis=3, keepdims=True)
    variance = ops.mean(row * row, axis=3, keepdims=True)
    scale = inverse_root(walk, variance, layer.epsilon) if walk.integer else ops.rsqrt(variance + layer.epsilon)
    return x.replace_values(row * scale * constant(layer.gamma) + constant(layer.beta), layer.name)


def inverse_root(walk, variance, epsilon):
    """1 / sqrt(variance + epsilon) of (1, 1, frames, 1), piecewise linear with KNOTS points per decade.

    It is a sum of ramps, one from each knot down to zero variance. Each is scaled to what it adds to the root, so that
    integers of one scale can hold all of them, and 8-bit weights, one per ramp, are exact.
    """
    low, high = DECADES
    knots = np.logspace(low, high, (high - low) * KNOTS + 1)
    roots = (knots + epsilon) ** -0.5
    slopes = np.diff(roots) / np.diff(knots)
    bends = np.diff(slopes, append=0.0)  # of the line at its knots but the first; the ramps begin there
    ramps = ops.relu(walk.conv(variance, -bends[None, None], bends * knots[1:]))
    return walk.conv(ramps, np.ones((1, len(bends), 1)), roots[-1:])


RULES = {
    **dict.fromkeys((layers.Dropout, layers.SpatialDropout1D), pass_through),
    **dict.fromkeys((layers.ReLU, layers.LeakyReLU, layers.Activation, layers.Softmax), apply_layer),
    **dict.fromkeys((layers.Add, layers.Subtract, layers.Multiply, layers.Concatenate), merge),
    **dict.fromkeys((layers.MaxPooling1D, layers.AveragePooling1D), pool),
    layers.BatchNormalization: batch_norm,
    layers.Conv1D: convolution,
    layers.Dense: dense,
    layers.GlobalAveragePooling1D: mean_so_far,
    LayerNorm: layer_norm,
    SelectiveSSM: state_space,
}
