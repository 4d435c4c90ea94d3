"""A MobileNet-like network: inverted residuals with GELU and squeeze-and-excite, for tests of what one file adds."""

import keras
from keras import layers

from models_keras.registry import Architecture, Preset, register


def squeeze_excite(x, ratio=2):
    """Scales every channel by a gate of all of time."""
    width = x.shape[-1]
    gate = layers.GlobalAveragePooling1D(keepdims=True)(x)
    gate = layers.Conv1D(width // ratio, 1, activation="relu")(gate)
    return layers.Multiply()([x, layers.Conv1D(width, 1, activation="hard_sigmoid")(gate)])


def inverted_residual(x, width, stride):
    """Expands, convolves each channel, gates, projects; (time, c) → (time / stride, width)."""
    y = layers.Conv1D(2 * x.shape[-1], 1, use_bias=False)(x)
    y = layers.Activation("gelu")(layers.BatchNormalization()(y))
    y = layers.DepthwiseConv1D(5, strides=stride, padding="same", use_bias=False)(y)
    y = squeeze_excite(layers.Activation("gelu")(layers.BatchNormalization()(y)))
    y = layers.BatchNormalization()(layers.Conv1D(width, 1, use_bias=False)(y))
    return layers.Add()([x, y]) if y.shape == x.shape else y


def mobile_gelu(samples=1000, leads=12, classes=9, width=8, name="mobile_gelu"):
    """Build the model."""
    ecg = keras.Input((samples, leads), name="ecg")
    x = layers.Activation("hard_swish")(layers.BatchNormalization()(layers.Conv1D(width, 7, 4, "same")(ecg)))
    for number, stride in enumerate((2, 1, 2, 2)):
        x = inverted_residual(x, width * (1 + number // 2), stride)
    x = layers.LayerNormalization()(layers.AveragePooling1D(2)(x))
    both = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])
    return keras.Model(ecg, layers.Dense(classes, activation="softmax", name="probabilities")(both), name=name)


SIGNAL = {"fs": 100.0, "window_s": 10.0}
TINY = Preset(model={}, signal=SIGNAL, training={"epochs": 12, "batch": 16, "learning_rate": 3e-3}, parameters={})
register(
    Architecture(
        name="mobile_gelu",
        summary="inverted residuals with GELU",
        paper="none",
        task="rhythm",
        build=mobile_gelu,
        classes=9,
        presets=dict.fromkeys(("paper", "edge", "tiny"), TINY),
        published={},
    )
)
