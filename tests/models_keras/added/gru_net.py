"""Grouped convolutions and a GRU, for tests of what one file adds."""

import keras
from keras import layers

from models_keras.registry import Architecture, Preset, register


def gru_net(samples=1000, leads=12, classes=9, width=12, name="gru_net"):
    """Build the model: convolutions in groups down to some fifteen steps, and a GRU over them."""
    ecg = keras.Input((samples, leads), name="ecg")
    x = layers.Conv1D(width, 7, strides=4, padding="same", activation="elu")(ecg)
    for _ in range(2):
        x = layers.Conv1D(width, 5, strides=2, padding="same", groups=2)(x)
        x = layers.LeakyReLU(0.1)(layers.GroupNormalization(2)(x))
        x = layers.AveragePooling1D(2)(x)
    x = layers.GRU(width, return_sequences=True)(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(ecg, layers.Dense(classes, activation="softmax", name="probabilities")(x), name=name)


SIGNAL = {"fs": 100.0, "window_s": 10.0}
TINY = Preset(
    model={},
    signal=SIGNAL,
    training={"epochs": 40, "batch": 16, "learning_rate": 5e-3, "label_smoothing": 0.1},
    parameters={},
)
register(
    Architecture(
        name="gru_net",
        summary="grouped convolutions and a GRU",
        paper="none",
        task="rhythm",
        build=gru_net,
        classes=9,
        presets=dict.fromkeys(("paper", "edge", "tiny"), TINY),
        published={},
    )
)
