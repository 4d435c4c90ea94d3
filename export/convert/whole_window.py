"""A trained model over a whole window, in operators that have 16-bit kernels.

The layers are visited as for a step, whose rules (export.convert.step_rules) hold here too: the window is one block
without a past. Layers that differ have a rule below. Frames are (1, 1, frames, channels) again.

A state space needs no loop: h[t] = k[t] h[t-1] + a[t] is computed by a Hillis–Steele parallel prefix scan. After the
round of distance d, a[t] is the sum over the last 2d steps, and k[t] the factor of the state before them:

    a[t] ← a[t] + k[t] a[t-d],   k[t] ← k[t] k[t-d],   d = 1, 2, 4, … until it spans the window.

So a state is the sum of few products instead of many, and rounded a few times instead of hundreds. A layer that runs
backwards in time reads t + d.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from export import tf_private
from export.convert.layer_walk import FrameStream, LayerWalk, constant
from export.convert.normalisation_rules import group_norm, layer_norm, window_norm
from export.convert.recurrent_rules import LONGEST_STEP, RECURRENT_RULES
from export.convert.step_rules import RULES, channels_obstacle, prelu
from firmware_bench.runtime.errors import InputError
from models_keras.layers.multi_head_attention import MultiHeadAttention
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
    walk = WholeWindowWalk(signal.shape[1], integer=True)
    ecg = keras.Input(batch_shape=(1, *signal.shape[1:]), name=signal.name)
    streams = tf_private.run_through_graph(
        model,
        [FrameStream(ops.expand_dims(ecg, 1), 0, signal.name)],
        call_fn=lambda layer, *streams, **_: find_rule(layer)(walk, layer, *streams),
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
        if not isinstance(layer, layers.InputLayer):
            find_rule(layer)
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 3:
        raise InputError(f"{model.name} has no form with 16-bit activations: its input is not one signal")


def find_rule(layer: Any) -> Callable:
    """The rule of a layer over a whole window.

    Raises:
        InputError: There is none; the message names the layer.
    """
    kind, reason = type(layer), None
    steps = layer.input.shape[1] if kind in RECURRENT_RULES or kind is layers.Bidirectional else 0
    if steps > LONGEST_STEP:
        reason = f"runs over {steps} steps, and is unrolled up to {LONGEST_STEP}"
    elif kind is layers.Bidirectional and type(layer.forward_layer) in RECURRENT_RULES:
        reason = channels_obstacle(layer.forward_layer)
    if reason is None and kind in WINDOW_RULES:
        return WINDOW_RULES[kind]
    if reason is None and kind in RULES and channels_obstacle(layer) is None:
        return RULES[kind]
    if reason is None and (kind in OTHER_AXES or not isinstance(layer, layers.Layer)):
        return in_own_shape
    reason = reason or "has no form with 16-bit activations, which a selective state space in the same model needs"
    raise InputError(f"layer {layer.name!r} ({kind.__name__}) {reason}")


class WholeWindowWalk(LayerWalk):
    """A window is one step without a past: states before it are None, which stands for zeros."""

    def state(self, name: str, shape: tuple[int, ...]) -> None:
        return None

    def set_state(self, name: str, value: Any, x: FrameStream) -> None:
        pass


def convolution(walk, layer, x):
    """With the layer's own padding."""
    if layer.groups > 1:
        return in_own_shape(walk, layer, x)
    (stride,), (dilation,) = layer.strides, layer.dilation_rate
    values, padding = x.values, layer.padding
    if padding == "causal":
        before = (layer.kernel_size[0] - 1) * dilation
        values, padding = ops.pad(values, ((0, 0), (0, 0), (before, 0), (0, 0))), "valid"
    strides: Any = 1, stride  # the type hint of ops.conv has no pairs
    dilations: Any = 1, dilation
    y = ops.conv(values, constant(layer.kernel)[None], strides, padding, "channels_last", dilations)
    y = y if layer.bias is None else y + constant(layer.bias)
    return x.replace_values(walk.activate(layer.activation, y), layer.name)


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


def norm(walk, layer, x):
    """Over the channels of each frame, or over all of the window."""
    rule = layer_norm if channels_obstacle(layer) is None else window_norm
    return rule(walk, layer, x)


def both_directions(walk, layer, x):
    """A layer that runs forwards and one that runs backwards in time."""
    forwards, backwards = (
        RECURRENT_RULES[type(inner)](walk, inner, x).values for inner in (layer.forward_layer, layer.backward_layer)
    )
    if layer.return_sequences:
        backwards = ops.flip(backwards, axis=2)
    merged: dict[str, Callable] = {
        "concat": lambda a, b: ops.concatenate([a, b], axis=3),
        "sum": ops.add,
        "mul": ops.multiply,
        "ave": lambda a, b: 0.5 * (a + b),
    }
    return x.replace_values(merged[layer.merge_mode](forwards, backwards), layer.name)


def in_own_shape(walk, layer, *inputs):
    """A layer or operation as it is, or as it is converted to 8 bits, on tensors of the shapes that it has in Keras."""
    from export.convert.convertible_layers import replace_layer

    given: Any = keras.tree.flatten(layer.input)
    shapes = iter(tensor.shape[1:] for tensor in given)
    tensors: Any = keras.tree.map_structure(
        lambda x: ops.reshape(x.values, (1, *next(shapes))) if isinstance(x, FrameStream) else x, inputs
    )
    made = replace_layer(layer)
    outputs = made(*tensors)
    if getattr(made, "weights", None):
        made.set_weights(layer.get_weights())
        outputs = ConstantLayer(made)(*tensors)
    names = (f"{layer.name}_{n}" if n else layer.name for n in range(len(keras.tree.flatten(outputs))))
    return keras.tree.map_structure(lambda y: FrameStream(in_frames(y), 0, next(names)), outputs)


class ConstantLayer(keras.Operation):
    """A layer whose weights are constants: the converter leaves variables of a graph as they are."""

    def __init__(self, layer: layers.Layer):
        super().__init__()
        self.layer = layer
        self.weights = [
            [ops.convert_to_numpy(variable) for variable in variables]
            for variables in (layer.trainable_variables, layer.non_trainable_variables)
        ]

    def call(self, *inputs: Any) -> Any:
        """What the layer makes of `inputs`."""
        return self.layer.stateless_call(*self.weights, *inputs)[0]

    def compute_output_spec(self, *inputs: Any) -> Any:
        """The shapes and types of it."""
        return self.layer.compute_output_spec(*inputs)


def in_frames(values):
    """A tensor of a window, (1, 1, frames, channels) where it is a sequence or a vector."""
    missing = 4 - len(values.shape)
    return values if missing <= 0 else ops.reshape(values, (1, *(1,) * missing, *values.shape[1:]))


WINDOW_RULES: dict[type, Callable] = {
    **dict.fromkeys((layers.Conv1DTranspose, layers.DepthwiseConv1D, layers.SeparableConv1D), in_own_shape),
    **dict.fromkeys(
        (layers.Conv2D, layers.Conv2DTranspose, layers.DepthwiseConv2D, layers.SeparableConv2D), in_own_shape
    ),
    **dict.fromkeys((layers.AveragePooling2D, layers.MaxPooling2D, layers.GlobalAveragePooling2D), in_own_shape),
    **dict.fromkeys((layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D), in_own_shape),
    **dict.fromkeys((layers.Flatten, layers.Permute, layers.RepeatVector, layers.Reshape), in_own_shape),
    **dict.fromkeys((layers.Cropping1D, layers.ZeroPadding1D, layers.UpSampling2D), in_own_shape),
    **dict.fromkeys((layers.Dot, layers.MultiHeadAttention, MultiHeadAttention), in_own_shape),
    **dict.fromkeys((layers.MaxPooling1D, layers.AveragePooling1D), pool),
    layers.Bidirectional: both_directions,
    layers.Conv1D: convolution,
    layers.GlobalAveragePooling1D: mean,
    layers.GroupNormalization: group_norm,
    layers.LayerNormalization: norm,
    layers.PReLU: prelu,
    SelectiveSSM: state_space,
    SinusoidalPositions: positions,
}
OTHER_AXES = (layers.Concatenate, layers.Softmax, layers.TimeDistributed)  # that a step has along the channels alone
