"""CAE: a convolutional autoencoder of short ECG windows, whose reconstruction error is the anomaly score.

Source: "An Attention-Augmented VAE-BiLSTM Framework for Anomaly Detection in 12-Lead ECG Signals", arXiv 2510.05919,
and its published code. Trained on windows of normal recordings alone.

Input   ecg             (samples, leads) float32, each lead z-scored over its recording: 500 samples are 1 s at 500 Hz
Output  reconstruction  (samples, leads) float32, of the ecg

The model adds its own loss, the mean squared error: it is compiled without one, and targets are ignored.

Deviations: strided convolutions use Keras's "same" padding (the original pads k // 2 on both sides); a window of any
length is reconstructed at its length (the original pads it to a multiple of 8). A recording of 10 s is scored by the
mean over its windows (the original scores it whole), and normal are only recordings that are called normal and nothing
else (the original counts all whose superclasses include NORM).
"""

from typing import Any

import keras
from keras import layers

from models_keras.layers.variational import SquaredError
from models_keras.registry import Architecture, Preset, register


def cae(samples=500, leads=12, classes=2, filters=(32, 64, 128), kernels=(7, 5, 3), name="cae"):
    """Build the model: strided convolutions, then the mirrored transposed convolutions.

    Args:
        samples: of a window.
        leads: channels.
        classes: not used, an autoencoder has no output for them.
        filters, kernels: of each convolution.
        name: of the model.
    """
    ecg = keras.Input((samples, leads), name="ecg")

    x: Any = ecg
    lengths = []
    for width, kernel in zip(filters, kernels, strict=True):
        lengths.append(x.shape[1])
        x = layers.Conv1D(width, kernel, strides=2, padding="same", activation="relu")(x)
    # x: (samples / 8, 128)

    widths = (leads, *filters[:-1])
    for stage in reversed(range(len(filters))):
        activation = "relu" if stage else None
        x = layers.Conv1DTranspose(widths[stage], kernels[stage], strides=2, padding="same", activation=activation)(x)
        # "same" padding of an odd length adds a sample, which the transposed convolution returns at the start.
        x = layers.Cropping1D((x.shape[1] - lengths[stage], 0))(x)
    # x: (samples, leads)

    reconstruction = SquaredError(name="reconstruction")([ecg, x])
    return keras.Model(ecg, {"reconstruction": reconstruction}, name=name)


SIGNAL = {
    "fs": 500.0,
    "window_s": 1.0,
    "stride_s": 0.5,
    "highpass_hz": 0.5,
    "lowpass_hz": 40.0,
    "filter_order": 4,
    "notch_hz": 50.0,
    "normalise": "record",
}
# What a device can compute sample by sample.
DEVICE_SIGNAL = SIGNAL | {"mode": "causal", "normalise": "running", "fs": 125.0}
TRAINING = {"batch": 64, "learning_rate": 1e-3, "class_weights": "none", "gradient_norm": 1.0}

register(
    Architecture(
        name="cae",
        summary="convolutional autoencoder",
        paper="arXiv 2510.05919",
        task="anomaly",
        build=cae,
        classes=2,
        presets={
            "paper": Preset(model={}, signal=SIGNAL, training=TRAINING, parameters={12: 75_340, 1: 70_401}),
            # As published it has 75 kB of 8-bit weights already: the edge preset only samples at a quarter of the rate.
            "edge": Preset(
                model={},
                signal=DEVICE_SIGNAL,
                training={**TRAINING, "epochs": 40},
                parameters={12: 75_340, 1: 70_401},
            ),
            "tiny": Preset(
                model={"filters": (8, 16, 32)},
                signal=DEVICE_SIGNAL,
                training={**TRAINING, "epochs": 20, "learning_rate": 3e-3},
                parameters={12: 5_788, 1: 4_545},
            ),
        },
        published={
            "CPSC 2018 precision": 0.64,
            "CPSC 2018 recall": 0.82,
            "CPSC 2018 F1": 0.72,
            "CPSC 2018 AUROC": 0.77,
            "CPSC 2018 AUPRC": 0.80,
        },
    )
)
