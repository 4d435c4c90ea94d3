"""Layers that sample a latent space and that carry an autoencoder's objective, so that it is compiled without a loss.

At inference they hand their inputs on: neither a random operator nor a loss is left in an exported graph.
"""

import keras
from keras import ops

from models_keras.losses import cyclical_beta, gaussian_nll, kl_divergence


class EpochScheduledLayer(keras.layers.Layer):
    """A layer that adds a loss of its own, weighted by the epoch."""

    def start_epoch(self, epoch: int) -> None:
        """Set the weights of `epoch`, counted from 1."""
        raise NotImplementedError


def start_epoch(model: keras.Model, epoch: int) -> None:
    """Tell every EpochScheduledLayer of `model` that `epoch`, counted from 1, begins: before each epoch of training."""
    for layer in model.layers:
        if isinstance(layer, EpochScheduledLayer):
            layer.start_epoch(epoch)


@keras.saving.register_keras_serializable("ecg_edge")
class Sampling(keras.layers.Layer):
    """[mean, log-variance] of a latent vector, (..., d) each → in training a sample of it, else the mean: (..., d)."""

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        mean, log_variance = inputs
        if not training:
            return mean
        return mean + ops.exp(0.5 * log_variance) * keras.random.normal(ops.shape(mean), seed=self.generator)

    def compute_output_shape(self, shapes):
        return shapes[0]

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable("ecg_edge")
class SquaredError(keras.layers.Layer):
    """[ecg, reconstruction], (time, leads) each → the reconstruction; training minimises their mean squared error."""

    def call(self, inputs, training=False):
        ecg, reconstruction = inputs
        if training:
            self.add_loss(ops.mean(ops.square(ecg - reconstruction)))
        return reconstruction

    def compute_output_shape(self, shapes):
        return shapes[1]


@keras.saving.register_keras_serializable("ecg_edge")
class EvidenceLowerBound(EpochScheduledLayer):
    """[ecg, reconstruction, log-variance, latent mean, latent log-variance], the first three (time, leads), the others
    (time, d) → the reconstruction; training minimises the negative evidence lower bound, nats per value of the ECG,
    with `beta` as the weight of the KL divergence: mean NLL + beta · KL of a time step / leads.

    `beta` is a variable that is not trained: `start_epoch` sets it, by cyclical_beta up to `highest_beta`.
    """

    def __init__(self, highest_beta, **kwargs):
        super().__init__(**kwargs)
        self.highest_beta = highest_beta

    def build(self, shapes):
        first = keras.initializers.Constant(cyclical_beta(1, self.highest_beta))
        self.beta = self.add_weight(shape=(), initializer=first, trainable=False, name="beta")

    def start_epoch(self, epoch):
        self.beta.assign(cyclical_beta(epoch, self.highest_beta))

    def call(self, inputs, training=False):
        ecg, reconstruction, log_variance, latent_mean, latent_log_variance = inputs
        if training:
            likelihood = ops.mean(gaussian_nll(ecg, reconstruction, log_variance))
            divergence = ops.mean(ops.sum(kl_divergence(latent_mean, latent_log_variance), axis=-1)) / ecg.shape[-1]
            self.add_loss(likelihood + self.beta * divergence)
        return reconstruction

    def compute_output_shape(self, shapes):
        return shapes[1]

    def get_config(self):
        return {**super().get_config(), "highest_beta": self.highest_beta}
