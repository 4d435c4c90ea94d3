"""A temporal convolutional network: dilated causal convolutions with residuals, for tests of what one file adds."""

import keras
from keras import layers

from models_keras.registry import Architecture, Preset, register


def temporal_block(x, width, dilation):
    """Two dilated convolutions and a residual: (time, width) → (time, width)."""
    y = x
    for _ in range(2):
        y = layers.Conv1D(width, 3, padding="causal", dilation_rate=dilation)(y)
        y = layers.ReLU()(layers.BatchNormalization()(y))
    return layers.ReLU()(layers.Add()([x, y]))


def tcn(samples=1000, leads=12, classes=9, width=8, blocks=4, name="tcn"):
    """Build the model."""
    ecg = keras.Input((samples, leads), name="ecg")
    x = layers.Conv1D(width, 5, strides=4, padding="causal")(ecg)
    for block in range(blocks):
        x = temporal_block(x, width, 2**block)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(ecg, layers.Dense(classes, name="probabilities", activation="softmax")(x), name=name)


SIGNAL = {"fs": 100.0, "window_s": 10.0}
TINY = Preset(model={}, signal=SIGNAL, training={"epochs": 12, "batch": 16, "learning_rate": 3e-3}, parameters={})
register(
    Architecture(
        name="tcn",
        summary="dilated causal convolutions",
        paper="none",
        task="rhythm",
        build=tcn,
        classes=9,
        presets=dict.fromkeys(("paper", "edge", "tiny"), TINY),
        published={},
    )
)
