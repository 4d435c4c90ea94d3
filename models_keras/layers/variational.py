"""Layers of autoencoders: sampling of the latent space, and objectives added as losses of the model itself.

At inference they are identities: an exported graph has neither a random operator nor a loss.
"""

import keras

from models_keras.layers.elbo import cyclical_beta, gaussian_nll, kl_divergence
from models_keras.layers.keras_ops import ops


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
    """The reparameterisation trick (Kingma & Welling, arXiv 1312.6114): [mean, log-variance], each (..., d) → (..., d),
    a sample of the normal distribution in training, its mean at inference.

    Args:
        seed: of the samples.
    """

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
    """Adds the mean squared error as loss: [ecg, reconstruction], each (time, leads) → the reconstruction."""

    def call(self, inputs, training=False):
        ecg, reconstruction = inputs
        if training:
            self.add_loss(ops.mean(ops.square(ecg - reconstruction)))
        return reconstruction

    def compute_output_shape(self, shapes):
        return shapes[1]


@keras.saving.register_keras_serializable("ecg_edge")
class EvidenceLowerBound(EpochScheduledLayer):
    """Adds the negative evidence lower bound as loss, nats per value of the ECG: mean NLL + beta · KL of a time step /
    leads.

    [ecg, reconstruction, log-variance, latent mean, latent log-variance], the first three (time, leads), the others
    (time, d) → the reconstruction.

    Args:
        highest_beta: `start_epoch` sets the variable beta, which is not trained, to cyclical_beta(epoch, highest_beta).
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
