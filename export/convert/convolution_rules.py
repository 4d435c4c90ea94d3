"""Rules for convolutions and pools of a step (export.convert.step_rules): layers that read frames around their own."""

import numpy as np
from keras import layers

from export.convert.layer_walk import FrameStream, LayerWalk, Neighbourhood, constant
from export.convert.normalisation_rules import piecewise_linear
from models_keras.layers.keras_ops import ops


def convolution(walk: LayerWalk, layer, x: FrameStream) -> FrameStream:
    """Also in groups of channels."""
    around = neighbourhood(layer, x)
    y = walk.conv(walk.look_around(x, around), layer.kernel, layer.bias, around.stride, around.dilation)
    return FrameStream(walk.activate(layer.activation, y), x.delay + around.late, layer.name)


def depthwise_convolution(walk: LayerWalk, layer, x: FrameStream) -> FrameStream:
    """Each channel by itself."""
    around = neighbourhood(layer, x)
    y = walk.conv_depthwise(walk.look_around(x, around), layer.kernel, around.stride, around.dilation)
    y = y if layer.bias is None else y + constant(layer.bias)
    return FrameStream(walk.activate(layer.activation, y), x.delay + around.late, layer.name)


def separable_convolution(walk: LayerWalk, layer, x: FrameStream) -> FrameStream:
    """Each channel by itself, and all channels of a frame."""
    around = neighbourhood(layer, x)
    y = walk.conv_depthwise(walk.look_around(x, around), layer.depthwise_kernel, around.stride, around.dilation)
    y = walk.conv(y, layer.pointwise_kernel, layer.bias)
    return FrameStream(walk.activate(layer.activation, y), x.delay + around.late, layer.name)


def transposed_convolution(walk: LayerWalk, layer, x: FrameStream) -> FrameStream:
    """A convolution that makes `stride` frames of each, side by side as channels.

    Frame stride · i + phase of the output is the sum over k of weight k times frame i + d of the input, where
    k = phase + pad - stride · d.
    """
    (stride,), kernel = layer.strides, constant(layer.kernel)  # (taps, filters, channels)
    taps, filters, channels = kernel.shape
    pad = max(taps - stride, 0) // 2
    first, last = -((taps - 1 - pad) // stride), (stride - 1 + pad) // stride
    weights = np.zeros((last - first + 1, channels, stride, filters), np.float32)
    for phase in range(stride):
        for d in range(first, last + 1):
            if 0 <= (k := phase + pad - stride * d) < taps:
                weights[d - first, :, phase] = kernel[k].T
    around = Neighbourhood(-first, last, len(weights), 1, 1, x.frames)
    bias = None if layer.bias is None else np.tile(constant(layer.bias), stride)
    y = walk.conv(walk.look_around(x, around), weights.reshape(len(weights), channels, -1), bias)
    y = ops.reshape(walk.activate(layer.activation, y), (1, 1, x.frames * stride, filters))
    return FrameStream(y, x.delay + around.late, layer.name)


def upsampling(walk: LayerWalk, layer, x: FrameStream) -> FrameStream:
    """Repeats each frame."""
    size, channels = int(layer.size), x.values.shape[3]
    repeated = ops.concatenate([x.values] * size, axis=3)
    return x.replace_values(ops.reshape(repeated, (1, 1, x.frames * size, channels)), layer.name)


def average_pool(walk: LayerWalk, layer, x: FrameStream) -> FrameStream:
    """An average over the frames inside the recording."""
    around = neighbourhood(layer, x)
    windows = (1, around.taps), (1, around.stride), "valid", "channels_last"
    y = ops.average_pool(walk.look_around(x, around), *windows)
    if around.taps > around.stride:  # frames outside are zeros there: divide by the share of the others
        inside = ops.average_pool(walk.look_inside(x, around), *windows)
        shares = np.arange(1, around.taps + 1) / around.taps
        y = y * piecewise_linear(walk, inside, shares, 1 / shares)
    return FrameStream(y, x.delay + around.late, layer.name)


def max_pool(walk: LayerWalk, layer, x: FrameStream) -> FrameStream:
    """A maximum over the frames inside the recording.

    The frames that a window does not share with the next are inside of the recording, and one of the others counts as
    their maximum where it is outside.
    """
    around = neighbourhood(layer, x)
    inputs = walk.look_around(x, around)
    size, stride, count = around.taps, around.stride, x.frames // around.stride
    if size <= stride:
        y = ops.max_pool(inputs, (1, size), (1, stride), "valid", "channels_last")
        return FrameStream(y, x.delay + around.late, layer.name)
    own = inputs[:, :, around.left : around.left + x.frames]
    own = found = ops.max_pool(own, (1, stride), (1, stride), "valid", "channels_last") if stride > 1 else own
    inside = walk.look_inside(x, around)
    for tap in {*range(around.left), *range(around.left + stride, size)}:
        frames = slice(tap, tap + (count - 1) * stride + 1, stride)
        found = ops.maximum(found, own + (inputs[:, :, frames] - own) * inside[:, :, frames])
    return FrameStream(found, x.delay + around.late, layer.name)


def neighbourhood(layer, x: FrameStream) -> Neighbourhood:
    """The frames around its own that a convolution or a pool reads."""
    sizes = layer.pool_size if isinstance(layer, (layers.MaxPooling1D, layers.AveragePooling1D)) else layer.kernel_size
    (taps,), (stride,), (dilation,) = sizes, layer.strides, getattr(layer, "dilation_rate", (1,))
    span = (taps - 1) * dilation + 1
    # In front of the first frame "causal" pads as if the stride were 1, "same" one half of what is missing.
    left = span - 1 if layer.padding == "causal" else max(span - stride, 0) // 2
    return Neighbourhood(left, max(span - stride - left, 0), taps, stride, dilation, x.frames)
