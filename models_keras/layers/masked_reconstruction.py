"""Pretraining without labels: a network sees a window with stretches hidden, and what was there is computed from its
features.

As in masked autoencoders (He et al., arXiv 2111.06377): most of the network is the encoder that a classifier keeps, the
decoder is two small layers, and errors count where the signal was hidden alone. Here the encoder is a whole
architecture up to its last series of features, and sees zeros in the hidden places.
"""

from typing import Any

import keras
import numpy as np

from models_keras.layers.keras_ops import ops

HIDDEN_SHARE = 0.4  # of the stretches
DECODER_UNITS = 128
LEAST_VARIANCE = 1e-4  # mV²: of a flat lead


@keras.saving.register_keras_serializable("ecg_edge")
class HideStretches(keras.layers.Layer):
    """Hides stretches of a window: ecg (time, leads) → [the same with zeros there, 1 where hidden (time, 1)].

    In training others are drawn for every window; otherwise they are always the same ones.

    Args:
        stretch: length, samples.
        seed: of the draws.
    """

    def __init__(self, stretch, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.stretch, self.seed = stretch, seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, ecg, training=False):
        samples = ecg.shape[1]
        count = -(-samples // self.stretch)
        if training:
            drawn = keras.random.uniform((ops.shape(ecg)[0], count), seed=self.generator)
        else:
            fixed = np.random.default_rng(0).random((1, count)).astype(np.float32)
            drawn = ops.zeros((ops.shape(ecg)[0], count)) + fixed
        hidden = ops.cast(drawn < HIDDEN_SHARE, "float32")
        hidden = ops.expand_dims(ops.repeat(hidden, self.stretch, axis=1)[:, :samples], -1)
        return [ecg * (1 - hidden), hidden]

    def compute_output_shape(self, shape):
        return [shape, (*shape[:2], 1)]

    def get_config(self):
        return {**super().get_config(), "stretch": self.stretch, "seed": self.seed}


@keras.saving.register_keras_serializable("ecg_edge")
class HiddenError(keras.layers.Layer):
    """The error where the signal was hidden, over the variance there: [ecg, reconstruction, hidden], each (time, …) →
    (1,). 1 is what the mean would give. Its mean over the batch is added as loss."""

    def call(self, inputs, training=False):
        ecg, reconstruction, hidden = inputs
        count = ops.maximum(ops.sum(hidden, axis=1), 1.0)  # (n, 1)
        mean = ops.sum(hidden * ecg, axis=1) / count
        variance = ops.sum(hidden * ops.square(ecg - ops.expand_dims(mean, 1)), axis=1) / count
        error = ops.sum(hidden * ops.square(ecg - reconstruction), axis=1) / count / (variance + LEAST_VARIANCE)
        if training:
            self.add_loss(ops.mean(error))
        return error

    def compute_output_shape(self, shapes):
        return (shapes[0][0], 1)


def hide_and_reconstruct(model: keras.Model, stretch: int) -> keras.Model:
    """Make the network that pretrains a classifier.

    Args:
        model: of one input, (time, 1), and one output, the probabilities; its layers are taken, but for those after its
            last series of features.
        stretch: length of what is hidden at a time, samples.

    Returns:
        The network, whose output "error" is that of HiddenError. Weights have the paths that they have in `model`.

    Raises:
        ValueError: the model has other inputs or outputs, or no series of features.
    """
    series = [layer.output for layer in model.layers[1:] if len(getattr(layer.output, "shape", ())) == 3]
    if len(model.inputs) != 1 or len(model.outputs) != 1 or len(model.outputs[0].shape) != 2 or not series:
        raise ValueError("only a classifier of windows of the ECG is pretrained")
    encoder = keras.Model(model.inputs, series[-1], name="encoder")
    ecg: Any = keras.Input(model.inputs[0].shape[1:], name="ecg")
    samples, leads = ecg.shape[1:]
    if leads != 1:
        raise ValueError("it is pretrained lead by lead")
    seen, hidden = HideStretches(stretch, name="hidden_stretches")(ecg)
    features: Any = encoder(seen)
    patch = -(-samples // features.shape[1])  # samples that one step of the features stands for
    x: Any = keras.layers.Dense(DECODER_UNITS, activation="relu", name="decoder_hidden")(features)
    x = keras.layers.Dense(patch, name="decoder")(x)
    x = keras.layers.Reshape((features.shape[1] * patch, 1), name="decoder_signal")(x)
    reconstruction = keras.layers.Cropping1D((0, x.shape[1] - samples), name="reconstruction")(x)
    return keras.Model(ecg, HiddenError(name="error")([ecg, reconstruction, hidden]), name=model.name)
