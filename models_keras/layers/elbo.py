"""The terms of a variational autoencoder's evidence lower bound (ELBO): likelihood and KL divergence."""

import math

from models_keras.layers.keras_ops import ops

LOG_VARIANCE = 10.0  # log-variances are clipped to ± this: the likelihood of a flat lead would be unbounded


def gaussian_nll(x, mean, log_variance):
    """Negative log-likelihood of `x` under independent normal distributions, nats per value.

    Args:
        x, mean, log_variance: of one shape; the log-variance is clipped to ±LOG_VARIANCE.

    Returns:
        nats, of the same shape.
    """
    log_variance = ops.clip(log_variance, -LOG_VARIANCE, LOG_VARIANCE)
    return 0.5 * (math.log(2 * math.pi) + log_variance + ops.square(x - mean) * ops.exp(-log_variance))


def kl_divergence(mean, log_variance):
    """KL divergence of normal distributions from the standard normal one, nats per dimension.

    Args:
        mean, log_variance: of one shape.

    Returns:
        nats, of the same shape; the sum over the last axis is the divergence of a latent vector.
    """
    return 0.5 * (ops.square(mean) + ops.exp(log_variance) - 1 - log_variance)


def cyclical_beta(epoch, highest=0.3, warm_up=10, cycle=10, ramp=0.5):
    """The weight of the KL divergence in an epoch: linear warm-up, then a cyclical schedule.

    Within a cycle it rises from highest / n to `highest` over the first n = cycle · ramp epochs, at least one, and
    stays there: the schedule of the code published with arXiv 2510.05919, after Fu et al., arXiv 1903.10145.

    Args:
        epoch: counted from 1.
        highest: weight at the end of the warm-up and of every ramp.
        warm_up: epochs of the linear rise from 0.
        cycle: epochs of a cycle.
        ramp: share of a cycle in which the weight rises.
    """
    if epoch <= warm_up:
        return highest * epoch / warm_up
    position = (epoch - warm_up - 1) % cycle
    return highest * min(1.0, (position + 1) / max(1, int(cycle * ramp)))
