"""What an autoencoder of ECG is trained towards: the likelihood of the window, and a latent space close to normal."""

import math

from keras import ops

LOG_VARIANCE = 10.0  # a log-variance beyond ± this counts as this: the likelihood of a flat lead would have no bound


def gaussian_nll(x, mean, log_variance):
    """Negative log-likelihood of `x` under independent normal distributions, nats per value: arrays of one shape → of
    that shape. The log-variance is clamped to ±LOG_VARIANCE."""
    log_variance = ops.clip(log_variance, -LOG_VARIANCE, LOG_VARIANCE)
    return 0.5 * (math.log(2 * math.pi) + log_variance + ops.square(x - mean) * ops.exp(-log_variance))


def kl_divergence(mean, log_variance):
    """Of a normal distribution from the standard normal one, nats: arrays of one shape → of that shape. Summed over
    the last axis it is that of a latent vector; averaged over all others, it tells which dimensions are used."""
    return 0.5 * (ops.square(mean) + ops.exp(log_variance) - 1 - log_variance)


def cyclical_beta(epoch, highest=0.3, warm_up=10, cycle=10, ramp=0.5):
    """The weight of the KL divergence in `epoch`, counted from 1.

    Over the first `warm_up` epochs it rises linearly to `highest`. From there on, cycles of `cycle` epochs each: it
    rises from highest / n to `highest` over the first n = cycle · ramp epochs, at least one, and stays there.
    The cycle is that of the code published with arXiv 2510.05919, after Fu et al., arXiv 1903.10145.
    """
    if epoch <= warm_up:
        return highest * epoch / warm_up
    position = (epoch - warm_up - 1) % cycle
    return highest * min(1.0, (position + 1) / max(1, int(cycle * ramp)))
