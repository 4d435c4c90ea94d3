"""A trained model over a whole window, in operators that have 16-bit kernels.

The layers are visited as for a step, whose rules (export.convert.step_rules) hold here too: the window is one block
without a past. Layers that differ have a rule below. Frames are (1, 1, frames, channels) again.

A state space needs no loop: h[t] = k[t] h[t-1] + a[t] is computed by a Hillis–Steele parallel prefix scan. After the
round of distance d, a[t] is the sum over the last 2d steps, and k[t] the factor of the state before them:

    a[t] ← a[t] + k[t] a[t-d],   k[t] ← k[t] k[t-d],   d = 1, 2, 4, … until it spans the window.

So a state is the sum of few products instead of many, and rounded a few times instead of hundreds. A layer that runs
backwards in time reads t + d.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from export import tf_private
from export.convert.layer_walk import FrameStream, LayerWalk, constant
from export.convert.step_rules import RULES
from firmware_bench.runtime.errors import InputError
from models_keras.layers.positions import SinusoidalPositions, sinusoids
from models_keras.layers.selective_ssm import SelectiveSSM

GROUPS = 2  # of a state space's channels: halves the arena, of which states are nine tenths, for a tenth more file


def rebuild_for_int16(model: keras.Model) -> keras.Model:
    """Rebuilds a model of operators that have 16-bit kernels.

    Args:
        model: A model of one signal (samples, leads).

    Returns:
        A model with batch 1 and the same weights and outputs.

    Raises:
        InputError: A layer has no form with 16-bit activations; the message names it.
    """
    check_int16(model)
    (signal,) = model.inputs
    walk = LayerWalk(signal.shape[1], integer=True)
    ecg = keras.Input(batch_shape=(1, *signal.shape[1:]), name=signal.name)
    streams = tf_private.run_through_graph(
        model,
        [FrameStream(ops.expand_dims(ecg, 1), 0, signal.name)],
        call_fn=lambda layer, *streams, **_: INT16_RULES[type(layer)](walk, layer, *streams),
    )
    outputs = {
        name: ops.reshape(stream.values, (1, *tensor.shape[1:]))
        for name, tensor, stream in zip(model.output_names, model.outputs, keras.tree.flatten(streams), strict=True)
    }
    return keras.Model(ecg, outputs, name=model.name)


def check_int16(model: keras.Model) -> None:
    """Checks that every layer has a form with 16-bit activations.

    Raises:
        InputError: One has none; the message names the first.
    """
    for layer in model.operations:
        if type(layer) not in INT16_RULES and not isinstance(layer, layers.InputLayer):
            raise InputError(
                f"layer {layer.name!r} ({type(layer).__name__}) has no form with 16-bit activations, which "
                "a selective state space in the same model needs"
            )
        if getattr(layer, "groups", 1) > 1:
            raise InputError(f"layer {layer.name!r} ({type(layer).__name__}) has no groups with 16-bit activations")
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 3:
        raise InputError(f"{model.name} has no form with 16-bit activations: its input is not one signal")


def convolution(walk, layer, x):
    """With the layer's own padding."""
    (stride,), (dilation,) = layer.strides, layer.dilation_rate
    values, padding = x.values, layer.padding
    if padding == "causal":
        before = (layer.kernel_size[0] - 1) * dilation
        values, padding = ops.pad(values, ((0, 0), (0, 0), (before, 0), (0, 0))), "valid"
    strides: Any = 1, stride  # the type hint of ops.conv has no pairs
    dilations: Any = 1, dilation
    y = ops.conv(values, constant(layer.kernel)[None], strides, padding, "channels_last", dilations)
    y = y if layer.bias is None else y + constant(layer.bias)
    return x.replace_values(layer.activation(y), layer.name)


def pool(walk, layer, x):
    """With the layer's own padding."""
    (size,), (stride,) = layer.pool_size, layer.strides
    reduce = ops.max_pool if isinstance(layer, layers.MaxPooling1D) else ops.average_pool
    return x.replace_values(reduce(x.values, (1, size), (1, stride), layer.padding, "channels_last"), layer.name)


def mean(walk, layer, x):
    """Over all frames of the window."""
    return x.replace_values(ops.mean(x.values, axis=2, keepdims=True), layer.name)


def positions(walk, layer, x):
    """Adds the sinusoids of the window's frames."""
    return x.replace_values(x.values + sinusoids(*x.values.shape[2:]), layer.name)


def state_space(walk, layer, x):
    """The states of all steps are (1, frames, width, states), GROUPS of channels one after the other."""
    frames, width = x.values.shape[2:]
    dt_low_rank = walk.conv(x.values, layer.dt_down[None])
    b: Any = ops.reshape(walk.conv(x.values, layer.B_proj[None]), (1, frames, 1, layer.states))
    c = ops.reshape(walk.conv(x.values, layer.C_proj[None]), (1, frames, layer.states, 1))
    dt_up, dt_bias = constant(layer.dt_up)[None], constant(layer.dt_bias).T
    outputs = []
    for channels in np.array_split(np.arange(width), min(GROUPS, width)):
        group, shape = slice(channels[0], channels[-1] + 1), (1, frames, len(channels), 1)
        gate: Any = ops.sigmoid(ops.reshape(walk.conv(dt_low_rank, dt_up[..., group]), shape) + dt_bias[group])
        target: Any = b * ops.reshape(x.values[..., group], shape)
        states = prefix_scan(gate * target, 1.0 - gate, layer.backwards)
        # The states are the left factor: TensorFlow Lite Micro keeps a copy of the right one for as long as it lives.
        outputs.append(ops.matmul(states, c))
    y: Any = ops.reshape(ops.concatenate(outputs, 2), x.values.shape)
    return x.replace_values(y + x.values * constant(layer.D), layer.name)


def prefix_scan(added: Any, kept: Any, backwards: bool) -> Any:
    """Hillis–Steele scan: the states h[t] = added[t] + kept[t] h[t-1], or h[t+1] where `backwards`.

    Args:
        added: (1, frames, width, states).
        kept: The factors of the state before, of the same shape.
        backwards: Whether the recurrence runs backwards in time.
    """
    frames, distance = kept.shape[1], 1
    while distance < frames:
        added = added + kept * shift(added, distance, backwards)
        if 2 * distance < frames:
            kept = kept * shift(kept, distance, backwards)
        distance *= 2
    return added


def shift(x: Any, distance: int, backwards: bool) -> Any:
    """Moves x (1, frames, width, states) by `distance` frames, to later ones or, `backwards`, to earlier ones.

    Zeros come in. It is one operator: a convolution of three taps, `distance` apart, of which the first or the last is
    one and the others are zero.
    """
    taps = np.zeros((3, 1, x.shape[3], 1), np.float32)
    taps[-1 if backwards else 0] = 1
    dilations: Any = distance, 1
    return ops.depthwise_conv(x, taps, 1, "same", "channels_last", dilations)


INT16_RULES = RULES | {
    **dict.fromkeys((layers.MaxPooling1D, layers.AveragePooling1D), pool),
    layers.Conv1D: convolution,
    layers.GlobalAveragePooling1D: mean,
    SelectiveSSM: state_space,
    SinusoidalPositions: positions,
}
