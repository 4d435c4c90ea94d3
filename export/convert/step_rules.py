"""Rules for the layers of a step, one per kind: `rule(walk, layer, stream)` computes the frames of one step."""

import numpy as np
from keras import layers, ops

from export.convert.layer_walk import FrameStream, constant
from models_keras.layers.normalisation import LayerNorm
from models_keras.layers.selective_ssm import SelectiveSSM, read_state, step_state

# Of the piecewise linear approximation of the inverse root: knots per decade, and the decades of variances.
KNOTS, DECADES = 12, (-2, 2)


def apply_layer(walk, layer, x):
    """A layer without weights that treats every number, or every frame, alike."""
    return x.replace_values(clone_layer(layer)(x.values), layer.name)


def clone_layer(layer):
    """A layer of the same kind and settings, so that the model's own stays as it is."""
    return type(layer).from_config({**layer.get_config(), "name": f"step_{layer.name}"})


def pass_through(walk, layer, x):
    """Dropout does nothing here."""
    return x


def dense(walk, layer, x):
    """A convolution of one tap."""
    return x.replace_values(layer.activation(walk.conv(x.values, layer.kernel[None], layer.bias)), layer.name)


def batch_norm(walk, layer, x):
    """One factor and one summand per channel."""
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
    """Windows that neither overlap nor leave gaps lie within a step."""
    (size,) = layer.pool_size
    reduce = ops.max_pool if isinstance(layer, layers.MaxPooling1D) else ops.average_pool
    return x.replace_values(reduce(x.values, (1, size), (1, size), data_format="channels_last"), layer.name)


def mean_so_far(walk, layer, x):
    """The running mean, a state, moves by `share` towards the mean of the step's frames."""
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
    """(1, 1, frames, channels) as a list of single frames."""
    return ops.split(values, values.shape[2], 2) if values.shape[2] > 1 else [values]


def layer_norm(walk, layer, x):
    """With an inverse root that integers can compute, where the walk asks for it."""
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
