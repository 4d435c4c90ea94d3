"""A trained model as 16-bit integers compute it over a whole window, in operators that have kernels for them.

The layers are walked as in export.convert.streaming_step, whose rules hold here too: the window is one block with
nothing before it. What differs has a rule below. Frames are (1, 1, frames, channels) again.

A state space takes no loop: h[t] = k[t] h[t-1] + a[t] is a scan whose span doubles. After the round of distance d every
a[t] is what the last 2d steps have added up to, and k[t] what they keep of the state before them:

    a[t] ← a[t] + k[t] a[t-d],   k[t] ← k[t] k[t-d],   d = 1, 2, 4, … until it spans the window.

A state is so the sum of few products instead of many, and rounded a few times instead of hundreds. A layer that runs
backwards in time looks at t + d.
"""

import keras
import numpy as np
from keras import layers, ops

from export.convert.streaming_step import RULES, Stream, Walk, constant
from firmware_bench.runtime.errors import InputError
from models_keras.layers.positions import SinusoidalPositions, sinusoids
from models_keras.layers.selective_ssm import SelectiveSSM

GROUPS = 2  # of a state space's channels: halves the arena, of which states are nine tenths, for a tenth more file


def whole_window(model: keras.Model) -> keras.Model:
    """`model` (samples, leads) with batch 1 and the same weights and outputs, its layers made of such operators."""
    check(model)
    (signal,) = model.inputs
    walk = Walk(signal.shape[1], integer=True)
    ecg = keras.Input(batch_shape=(1, *signal.shape[1:]), name=signal.name)
    streams = model._run_through_graph(
        [Stream(ops.expand_dims(ecg, 1), 0, signal.name)],
        call_fn=lambda layer, *streams, **_: WHOLE[type(layer)](walk, layer, *streams),
    )
    outputs = {
        name: ops.reshape(stream.values, (1, *tensor.shape[1:]))
        for name, tensor, stream in zip(model.output_names, model.outputs, keras.tree.flatten(streams), strict=True)
    }
    return keras.Model(ecg, outputs, name=model.name)


def check(model):
    """Raises InputError naming the first layer that is not known in 16 bits."""
    for layer in model.operations:
        if type(layer) not in WHOLE and not isinstance(layer, layers.InputLayer):
            raise InputError(
                f"layer {layer.name!r} ({type(layer).__name__}) has no form with 16-bit activations, which "
                "a selective state space in the same model needs"
            )
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 3:
        raise InputError(f"{model.name} has no form with 16-bit activations: its input is not one signal")


def convolution(walk, layer, x):
    (stride,), (dilation,) = layer.strides, layer.dilation_rate
    values, padding = x.values, layer.padding
    if padding == "causal":
        before = (layer.kernel_size[0] - 1) * dilation
        values, padding = ops.pad(values, ((0, 0), (0, 0), (before, 0), (0, 0))), "valid"
    y = ops.conv(values, constant(layer.kernel)[None], (1, stride), padding, "channels_last", (1, dilation))
    y = y if layer.bias is None else y + constant(layer.bias)
    return x.but(layer.activation(y), layer.name)


def pool(walk, layer, x):
    (size,), (stride,) = layer.pool_size, layer.strides
    reduce = ops.max_pool if isinstance(layer, layers.MaxPooling1D) else ops.average_pool
    return x.but(reduce(x.values, (1, size), (1, stride), layer.padding, "channels_last"), layer.name)


def mean(walk, layer, x):
    return x.but(ops.mean(x.values, axis=2, keepdims=True), layer.name)


def positions(walk, layer, x):
    return x.but(x.values + sinusoids(*x.values.shape[2:]), layer.name)


def state_space(walk, layer, x):
    """The states of all steps are (1, frames, width, states), GROUPS of channels one after the other."""
    frames, width = x.values.shape[2:]
    dt_low_rank = walk.conv(x.values, layer.dt_down[None])
    b = ops.reshape(walk.conv(x.values, layer.B_proj[None]), (1, frames, 1, layer.states))
    c = ops.reshape(walk.conv(x.values, layer.C_proj[None]), (1, frames, layer.states, 1))
    dt_up, dt_bias = constant(layer.dt_up)[None], constant(layer.dt_bias).T
    outputs = []
    for channels in np.array_split(np.arange(width), min(GROUPS, width)):
        group, shape = slice(channels[0], channels[-1] + 1), (1, frames, len(channels), 1)
        gate = ops.sigmoid(ops.reshape(walk.conv(dt_low_rank, dt_up[..., group]), shape) + dt_bias[group])
        target = b * ops.reshape(x.values[..., group], shape)
        states = scan(gate * target, 1.0 - gate, layer.backwards)
        # The states on the left: TensorFlow Lite Micro keeps a copy of what is on the right for as long as it lives.
        outputs.append(ops.matmul(states, c))
    y = ops.reshape(ops.concatenate(outputs, 2), x.values.shape)
    return x.but(y + x.values * constant(layer.D), layer.name)


def scan(added, kept, backwards):
    """The states h[t] = added[t] + kept[t] h[t-1], `backwards` of h[t+1]; all (1, frames, width, states)."""
    frames, distance = kept.shape[1], 1
    while distance < frames:
        added = added + kept * shifted(added, distance, backwards)
        if 2 * distance < frames:
            kept = kept * shifted(kept, distance, backwards)
        distance *= 2
    return added


def shifted(x, distance, backwards):
    """What stands in x (1, frames, width, states) `distance` frames before or, `backwards`, after; zeros outside. In
    one operator: a convolution of three taps, so far apart, of which the first or the last is one."""
    taps = np.zeros((3, 1, x.shape[3], 1), np.float32)
    taps[-1 if backwards else 0] = 1
    return ops.depthwise_conv(x, taps, 1, "same", "channels_last", (distance, 1))


WHOLE = RULES | {
    **dict.fromkeys((layers.MaxPooling1D, layers.AveragePooling1D), pool),
    layers.Conv1D: convolution,
    layers.GlobalAveragePooling1D: mean,
    SelectiveSSM: state_space,
    SinusoidalPositions: positions,
}
