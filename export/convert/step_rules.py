"""Rules for the layers of a step, one per kind: `rule(walk, layer, stream)` computes the frames of one step."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from export import tf_private
from export.convert import int16_activations
from export.convert.convolution_rules import (
    average_pool,
    convolution,
    depthwise_convolution,
    max_pool,
    separable_convolution,
    transposed_convolution,
    upsampling,
)
from export.convert.layer_walk import FrameStream, constant, split_frames
from export.convert.normalisation_rules import layer_norm, rms_norm, unit_norm
from export.convert.recurrent_rules import RECURRENT_RULES
from models_keras.layers.normalisation import LayerNorm
from models_keras.layers.selective_ssm import SelectiveSSM, read_state, step_state


def apply_layer(walk, layer, x):
    """A layer without weights that treats every number, or every frame, alike."""
    return x.replace_values(clone_layer(layer)(x.values), layer.name)


def clone_layer(layer):
    """A layer of the same kind and settings along the channels, so that the model's own stays as it is."""
    config = layer.get_config()
    axis = {"axis": -1} if "axis" in config else {}
    return type(layer).from_config({**config, **axis, "name": f"step_{layer.name}"})


def pass_through(walk, layer, x):
    """Dropout and noise do nothing here."""
    return x


def activation(walk, layer, x):
    """An activation as a layer."""
    return x.replace_values(walk.activate(layer.activation, x.values), layer.name)


def elu(walk, layer, x):
    """With any alpha."""
    return (
        x.replace_values(int16_activations.elu(x.values, layer.alpha), layer.name)
        if walk.integer
        else apply_layer(walk, layer, x)
    )


def prelu(walk, layer, x):
    """With a slope for each channel."""
    positive = ops.relu(x.values)
    return x.replace_values(positive + (x.values - positive) * constant(layer.alpha)[None, None], layer.name)


def dense(walk, layer, x):
    """A convolution of one tap."""
    y = walk.conv(x.values, layer.kernel[None], layer.bias)
    return x.replace_values(walk.activate(layer.activation, y), layer.name)


def inner_layer(walk, layer, x):
    """A layer that treats every frame alike already."""
    return dataclasses.replace(RULES[type(layer.layer)](walk, layer.layer, x), name=layer.name)


def batch_norm(walk, layer, x):
    """One factor and one summand per channel."""
    mean, variance = constant(layer.moving_mean), constant(layer.moving_variance)
    factor = (variance + layer.epsilon) ** -0.5 * (constant(layer.gamma) if layer.scale else 1)
    shift = (constant(layer.beta) if layer.center else 0) - mean * factor
    return x.replace_values(x.values * factor + shift, layer.name)


def merge(walk, layer, xs):
    """Sum, product, extreme or concatenation of streams, of which the earlier wait for the latest."""
    delay = max(x.delay for x in xs)
    values = [walk.delay_to(x, delay).values for x in xs]
    return FrameStream(clone_layer(layer)(values), delay, layer.name)


def elementwise(function: Callable) -> Callable:
    """The rule for an operation of keras.ops on streams and numbers."""

    def rule(walk, operation, *operands):
        streams = [x for x in operands if isinstance(x, FrameStream)]
        delay = max(x.delay for x in streams)
        values: list[Any] = [walk.delay_to(x, delay).values if isinstance(x, FrameStream) else x for x in operands]
        return FrameStream(function(*values), delay, operation.name)

    return rule


def split(walk, operation, x):
    """Parts of the channels."""
    parts: Any = ops.split(x.values, operation.indices_or_sections, axis=3)
    return [x.replace_values(part, f"{operation.name}_{n}") for n, part in enumerate(parts)]


def mean_so_far(walk, layer, x):
    """The running mean, a state, moves by `share` towards the mean of the step's frames."""
    x = walk.delay_to(x, max(x.delay, walk.delay))
    name = f"mean_{layer.name}"
    block = ops.mean(x.values, axis=2, keepdims=True) if x.frames > 1 else x.values
    before = walk.state(name, (1, 1, x.values.shape[3]))
    walk.next[name] = before + walk.input("share", (1, 1, 1)) * (block - before)
    return x.replace_values(walk.next[name], layer.name)


def state_space(walk, layer, x):
    """Zero inputs leave a state of zeros as it is, so the frames before the recording must be zeros."""
    values = walk.mask_outside(x) if x.delay else x.values
    dt = walk.conv(walk.conv(values, layer.dt_down[None]), layer.dt_up[None])
    B, C = walk.conv(values, layer.B_proj[None]), walk.conv(values, layer.C_proj[None])
    dt_bias, D = constant(layer.dt_bias), constant(layer.D)
    name = f"state_{layer.name}"
    state = walk.state(name, (1, *dt_bias.shape))
    outputs = []
    for frame in zip(*(split_frames(v) for v in (dt, values, B, C)), strict=True):
        dt_t, x_t, B_t, C_t = (ops.squeeze(v, 2) for v in frame)  # (1, 1, channels or states)
        state = step_state(state, dt_t, x_t, B_t, dt_bias)  # (1, 1, states, channels)
        outputs.append(ops.expand_dims(read_state(C_t, state), 2))
    walk.next[name] = state
    y = ops.concatenate(outputs, 2) if len(outputs) > 1 else outputs[0]
    return x.replace_values(y + values * D, layer.name)


SILENT = (layers.Dropout, layers.SpatialDropout1D, layers.GaussianNoise, layers.GaussianDropout, layers.Identity)
ELEMENTWISE = {
    "Add": ops.add,
    "Maximum": ops.maximum,
    "Minimum": ops.minimum,
    "Multiply": ops.multiply,
    "Relu": ops.relu,
    "Sigmoid": ops.sigmoid,
    "Silu": ops.silu,
    "Square": lambda x: x * x,
    "Subtract": ops.subtract,
    "Tanh": ops.tanh,
}
RULES: dict[type, Callable] = {
    **dict.fromkeys(SILENT, pass_through),
    **dict.fromkeys((layers.ReLU, layers.LeakyReLU, layers.Softmax, layers.Rescaling), apply_layer),
    **dict.fromkeys((layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Concatenate), merge),
    **dict.fromkeys((layers.Maximum, layers.Minimum), merge),
    **dict.fromkeys((layers.LayerNormalization, LayerNorm), layer_norm),
    **{tf_private.operation_type(name): elementwise(function) for name, function in ELEMENTWISE.items()},
    **RECURRENT_RULES,
    layers.Activation: activation,
    layers.AveragePooling1D: average_pool,
    layers.BatchNormalization: batch_norm,
    layers.Conv1D: convolution,
    layers.Conv1DTranspose: transposed_convolution,
    layers.Dense: dense,
    layers.DepthwiseConv1D: depthwise_convolution,
    layers.ELU: elu,
    layers.GlobalAveragePooling1D: mean_so_far,
    layers.MaxPooling1D: max_pool,
    layers.PReLU: prelu,
    layers.RMSNormalization: rms_norm,
    layers.SeparableConv1D: separable_convolution,
    layers.TimeDistributed: inner_layer,
    layers.UnitNormalization: unit_norm,
    layers.UpSampling1D: upsampling,
    tf_private.operation_type("Split"): split,
    SelectiveSSM: state_space,
}
FRAME_BY_FRAME = (layers.Dense, layers.Activation, layers.ReLU, layers.LeakyReLU, layers.Softmax)


def channels_obstacle(layer) -> str | None:
    """Why there is no rule for how a layer treats the channels of a frame; None where there is one."""
    kind = type(layer)
    if kind is layers.TimeDistributed and type(layer.layer) not in FRAME_BY_FRAME:
        return "applies a layer that needs the whole window"
    if (axes := getattr(layer, "axis", None)) is not None:
        last = len(keras.tree.flatten(layer.output)[0].shape) - 1
        if {axis % (last + 1) for axis in np.ravel(axes).tolist()} != {last}:
            return "works along time: along the last axis it can be a step"
    if kind is layers.PReLU and layer.alpha.shape[0] > 1:
        return "has a slope for each sample of a window: use shared_axes=[1]"
    if kind is layers.GRU and layer.recurrent_activation is not keras.activations.sigmoid:
        return "has a step with the recurrent activation sigmoid alone"
    if isinstance(layer, layers.RNN) and (layer.stateful or layer.return_state):
        return "keeps or returns its state, as a step does by itself: leave out stateful and return_state"
    return None
