"""A trained model as one step: a block of samples and what earlier steps left → outputs and what later steps need.

The layers of a functional Keras model are walked in their order; RULES says of each kind what it does with the frames
of one step. What it needs of earlier steps is an input of the step, and an output gives it to the next:

    tail_…     the last frames, which a convolution or a waiting branch looks back at
    state_…    of a SelectiveSSM
    mean_…     of a GlobalAveragePooling1D so far

Convolutions with padding "same" look ahead. In a stream their outputs come whole steps later and are otherwise the same
numbers; `delay` counts the steps, and where branches meet, the earlier one waits. In front of every layer the
whole-window model has zeros outside the recording. So has the step: its input `valid` is 1 for a block of the recording
and 0 for those after it, and frames from outside the recording are multiplied by it. Its input `share` is 1 / k in the
k-th of the steps whose outputs count, and 0 in the `delay` steps before: the mean moves by it towards the new frames.

Frames are (1, 1, frames, channels) here: devices convolve over two axes.
"""

import dataclasses
import math

import keras
import numpy as np
from keras import layers, ops

from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ModelMetadata, StreamingMetadata
from firmware_bench.runtime.streaming_model import NEXT
from models_keras.layers.normalisation import LayerNorm
from models_keras.layers.positions import SinusoidalPositions
from models_keras.layers.selective_ssm import SelectiveSSM, read_state, step_state

# Of the line that stands for the root in integers: knots per decade, and the decades of variances that it spans.
KNOTS, DECADES = 12, (-2, 2)


@dataclasses.dataclass(frozen=True)
class Step:
    """model: keras.Model, batch 1, inputs and outputs by name. samples: of the signal in a step, and in the window that
    the whole-window model takes. states: the inputs of which output NEXT + name is the next value, zeros at first.
    delay: steps by which every output is late."""

    model: keras.Model
    samples: int
    window: int
    states: tuple[str, ...]
    delay: int

    def metadata(self) -> ModelMetadata:
        """What a file of this step states about itself, for firmware_bench.runtime.streaming_model."""
        return ModelMetadata(streaming=StreamingMetadata(self.samples, self.delay, self.window, self.states))


@dataclasses.dataclass(frozen=True)
class Stream:
    """values (1, 1, frames, channels): the frames of the block `delay` steps ago. `name` is that of the layer they come
    from. `quiet`: they are zeros outside the recording."""

    values: object
    delay: int
    name: str
    quiet: bool = False

    @property
    def frames(self) -> int:
        return self.values.shape[2]

    def but(self, values, name):
        """Other values at the same time."""
        return Stream(values, self.delay, name)


def streamable(model: keras.Model) -> keras.Model:
    """`model` for windows of a whole number of steps: itself, or the same layers on slightly shorter windows.

    Raises InputError naming the layer that cannot run as a stream.
    """
    check(model)
    samples, length = step_samples(model), model.inputs[0].shape[1]
    if length < samples:
        raise InputError(f"{model.name} takes {length} samples at a time, and one step of it {samples}")
    return model if length % samples == 0 else for_length(model, length - length % samples)


def step(model: keras.Model, integer: bool = False) -> Step:
    """The step of a `streamable` model. `integer`: in operators that have 16-bit kernels; the root in LayerNorm is
    then a line of many knots, within 0.4 %."""
    samples = step_samples(model)
    # The first walk finds out how far back each stream is looked at and whether a layer looks ahead.
    first = Walk(samples, integer)
    delay = max(stream.delay for stream in first.run(model))
    walk = Walk(samples, integer, delay, first.reach, first.looks_ahead)
    streams = walk.run(model)
    outputs = {
        name: ops.reshape(walk.delayed(stream, delay).values, (1, *(stream.frames,) * (len(tensor.shape) - 2), -1))
        for name, tensor, stream in zip(model.output_names, model.outputs, streams, strict=True)
    }
    outputs |= {NEXT + name: values for name, values in walk.next.items()}
    made = keras.Model(walk.inputs, outputs, name=f"{model.name}_step")
    return Step(made, samples, model.inputs[0].shape[1], tuple(walk.next), delay)


def check(model):
    """Raises InputError naming the first layer that cannot run as a stream."""
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
        return "tells where in a window a step stands; train with --set model.positions=false"
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


def for_length(model, samples):
    """The same layers for windows of `samples`, with the same weights."""
    signal = model.inputs[0]
    clone = keras.models.clone_model(model, input_tensors=keras.Input((samples, signal.shape[2]), name=signal.name))
    clone.set_weights(model.get_weights())
    return clone


def step_samples(model) -> int:
    """The samples in which the slowest layer of `model` makes one frame."""
    multiple = math.prod(s for layer in model.layers for s in np.ravel(getattr(layer, "strides", 1)).tolist())
    probe = for_length(model, multiple)
    lengths = [t.shape[1] for layer in probe.layers for t in [layer.output] if len(t.shape) == 3]
    return multiple // min(lengths)


class Walk:
    """One way through a model. inputs: name → keras.Input. next: name of a state → its next value. delay: of averages,
    and so of the outputs. reach: stream → how many of its frames before the step's own are looked at, as far as is
    known."""

    def __init__(self, samples, integer, delay=0, reach=(), looks_ahead=False):
        self.samples, self.integer, self.delay = samples, integer, delay
        self.reach, self.looks_ahead = dict(reach), looks_ahead
        self.inputs, self.next, self.pasts = {}, {}, {}

    def run(self, model) -> list[Stream]:
        """The model's outputs."""
        signal = model.inputs[0]
        x = self.input(signal.name, (1, self.samples, signal.shape[2]))
        outputs = model._run_through_graph(
            [Stream(x, 0, signal.name, quiet=True)],
            call_fn=lambda layer, *streams, **_: RULES[type(layer)](self, layer, *streams),
        )
        return keras.tree.flatten(outputs)

    def input(self, name, shape):
        if name not in self.inputs:
            self.inputs[name] = keras.Input(batch_shape=(1, *shape), name=name)
        return self.inputs[name]

    def past(self, x: Stream, frames: int, count: int):
        """`count` frames of `x` from the one on that came `frames` before its first: (1, 1, count, channels)."""
        if (frames, count) == (0, x.frames):
            return x.values
        if frames > self.reach.get(x.name, 0):
            self.reach[x.name] = frames
            self.pasts.pop(x.name, None)
        if frames and x.name not in self.pasts:
            self.inputs.pop(f"tail_{x.name}", None)
            tail = self.input(f"tail_{x.name}", (1, self.reach[x.name], x.values.shape[3]))
            self.pasts[x.name] = ops.concatenate([tail, self.inside(x)], axis=2)
            self.next[f"tail_{x.name}"] = self.pasts[x.name][:, :, x.frames :]
        whole = self.pasts.get(x.name, x.values)
        start = whole.shape[2] - x.frames - frames
        return whole if count == whole.shape[2] else whole[:, :, start : start + count]

    def inside(self, x: Stream):
        """The values of `x`, zeros outside the recording: a model that looks ahead runs on behind its end, and what
        is late begins before its start."""
        if x.quiet or not self.looks_ahead:
            return x.values
        valid = Stream(self.input("valid", (1, 1, 1)), 0, "valid", quiet=True)
        return x.values * self.delayed(valid, x.delay).values

    def delayed(self, x: Stream, delay: int) -> Stream:
        """`x`, which waits until it is `delay` steps late."""
        if delay == x.delay:
            return x
        frames = (delay - x.delay) * x.frames
        return dataclasses.replace(x, values=self.past(x, frames, x.frames), delay=delay, quiet=False)

    def conv(self, values, kernel, bias=None, stride=1, dilation=1):
        """Convolution of (1, 1, frames, c) by `kernel` (taps, c, filters), only where it fits."""
        kernel = constant(kernel)[None]
        y = ops.conv(values, kernel, (1, stride), "valid", dilation_rate=(1, dilation), data_format="channels_last")
        return y if bias is None else y + constant(bias)


def constant(weights) -> np.ndarray:
    return ops.convert_to_numpy(weights).astype(np.float32)


# ------------------------------------------------------------------------------------------------ a rule per kind


def apply(walk, layer, x):
    """A layer without weights that treats every number, or every frame, alike."""
    return x.but(fresh(layer)(x.values), layer.name)


def fresh(layer):
    """A layer of the same kind and settings, so that the model's own stays as it is."""
    return type(layer).from_config({**layer.get_config(), "name": f"step_{layer.name}"})


def skip(walk, layer, x):
    return x


def dense(walk, layer, x):
    return x.but(layer.activation(walk.conv(x.values, layer.kernel[None], layer.bias)), layer.name)


def batch_norm(walk, layer, x):
    mean, variance = constant(layer.moving_mean), constant(layer.moving_variance)
    factor = (variance + layer.epsilon) ** -0.5 * (constant(layer.gamma) if layer.scale else 1)
    shift = (constant(layer.beta) if layer.center else 0) - mean * factor
    return x.but(x.values * factor + shift, layer.name)


def merge(walk, layer, xs):
    """Sum, product or concatenation of streams, of which the earlier wait for the latest."""
    delay = max(x.delay for x in xs)
    values = [walk.delayed(x, delay).values for x in xs]
    return Stream(fresh(layer)(values), delay, layer.name)


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
    return Stream(layer.activation(y), x.delay + late, layer.name)


def pool(walk, layer, x):
    (size,) = layer.pool_size
    reduce = ops.max_pool if isinstance(layer, layers.MaxPooling1D) else ops.average_pool
    return x.but(reduce(x.values, (1, size), (1, size), data_format="channels_last"), layer.name)


def mean_so_far(walk, layer, x):
    x = walk.delayed(x, max(x.delay, walk.delay))
    name = f"mean_{layer.name}"
    block = ops.mean(x.values, axis=2, keepdims=True) if x.frames > 1 else x.values
    before = walk.input(name, (1, 1, x.values.shape[3]))
    walk.next[name] = before + walk.input("share", (1, 1, 1)) * (block - before)
    return x.but(walk.next[name], layer.name)


def state_space(walk, layer, x):
    """From its state: zero inputs leave a state of zeros as it is, so what comes before the recording must be zeros."""
    values = walk.inside(x) if x.delay else x.values
    dt = walk.conv(walk.conv(values, layer.dt_down[None]), layer.dt_up[None])
    B, C = walk.conv(values, layer.B_proj[None]), walk.conv(values, layer.C_proj[None])
    dt_bias, D = constant(layer.dt_bias), constant(layer.D)
    name = f"state_{layer.name}"
    state = walk.input(name, (1, *dt_bias.shape))
    outputs = []
    for frame in zip(*(by_frame(v) for v in (dt, values, B, C)), strict=True):
        dt_t, x_t, B_t, C_t = (ops.squeeze(v, 2) for v in frame)  # (1, 1, channels or states)
        state = step_state(state, dt_t, x_t, B_t, dt_bias)  # (1, 1, states, channels)
        outputs.append(ops.expand_dims(read_state(C_t, state), 2))
    walk.next[name] = state
    y = ops.concatenate(outputs, 2) if len(outputs) > 1 else outputs[0]
    return x.but(y + values * D, layer.name)


def by_frame(values):
    return ops.split(values, values.shape[2], 2) if values.shape[2] > 1 else [values]


def layer_norm(walk, layer, x):
    row = x.values - ops.mean(x.values, axis=3, keepdims=True)
    variance = ops.mean(row * row, axis=3, keepdims=True)
    scale = inverse_root(walk, variance, layer.epsilon) if walk.integer else ops.rsqrt(variance + layer.epsilon)
    return x.but(row * scale * constant(layer.gamma) + constant(layer.beta), layer.name)


def inverse_root(walk, variance, epsilon):
    """1 / sqrt(variance + epsilon) of (1, 1, frames, 1), by a line through KNOTS points per decade.

    The line is a sum of ramps, one from each knot down to zero variance. Each is scaled to what it adds to the root, so
    that all are of a size that integers of one scale can hold, and 8-bit weights, one per ramp, are exact.
    """
    low, high = DECADES
    knots = np.logspace(low, high, (high - low) * KNOTS + 1)
    roots = (knots + epsilon) ** -0.5
    slopes = np.diff(roots) / np.diff(knots)
    bends = np.diff(slopes, append=0.0)  # of the line at its knots but the first; the ramps begin there
    ramps = ops.relu(walk.conv(variance, -bends[None, None], bends * knots[1:]))
    return walk.conv(ramps, np.ones((1, len(bends), 1)), roots[-1:])


RULES = {
    **dict.fromkeys((layers.Dropout, layers.SpatialDropout1D), skip),
    **dict.fromkeys((layers.ReLU, layers.LeakyReLU, layers.Activation, layers.Softmax), apply),
    **dict.fromkeys((layers.Add, layers.Subtract, layers.Multiply, layers.Concatenate), merge),
    **dict.fromkeys((layers.MaxPooling1D, layers.AveragePooling1D), pool),
    layers.BatchNormalization: batch_norm,
    layers.Conv1D: convolution,
    layers.Dense: dense,
    layers.GlobalAveragePooling1D: mean_so_far,
    LayerNorm: layer_norm,
    SelectiveSSM: state_space,
}
