"""The terms of the evidence lower bound against their definitions, and the weight of one epoch by epoch."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from models_keras.layers.elbo import LOG_VARIANCE, cyclical_beta, gaussian_nll, kl_divergence


def test_the_likelihood_is_that_of_a_normal_distribution():
    random = np.random.default_rng(0)
    x, mean, log_variance = random.normal(size=(3, 4, 5)).astype(np.float32)
    expected = -norm.logpdf(x, mean, np.exp(log_variance / 2))
    np.testing.assert_allclose(gaussian_nll(x, mean, log_variance), expected, atol=1e-5)


def test_the_divergence_is_that_from_the_standard_normal_distribution():
    for mean, log_variance in ((0.0, 0.0), (1.0, 0.0), (0.5, -2.0), (-1.5, 1.0)):
        p = norm(mean, np.exp(log_variance / 2))
        expected, _ = quad(lambda z, p=p: p.pdf(z) * (p.logpdf(z) - norm.logpdf(z)), -15, 15)
        found = kl_divergence(np.float32([mean]), np.float32([log_variance]))
        assert float(found[0]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_log_variance_of_the_likelihood_is_clamped(sign):
    zero, limit, beyond = (np.float32([value]) for value in (0.0, sign * LOG_VARIANCE, sign * 40.0))
    assert gaussian_nll(zero, zero, beyond)[0] == gaussian_nll(zero, zero, limit)[0]
    assert gaussian_nll(zero, zero, limit)[0] != gaussian_nll(zero, zero, 0.9 * limit)[0]


def test_beta_epoch_by_epoch():
    warm_up = [0.03, 0.06, 0.09, 0.12, 0.15, 0.18, 0.21, 0.24, 0.27, 0.3]
    cycle = [0.06, 0.12, 0.18, 0.24, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]
    found = [cyclical_beta(epoch) for epoch in range(1, 41)]
    np.testing.assert_allclose(found, [*warm_up, *cycle, *cycle, *cycle])


def test_beta_takes_other_cycles():
    found = [cyclical_beta(epoch, highest=1.0, warm_up=2, cycle=4, ramp=0.75) for epoch in range(1, 11)]
    np.testing.assert_allclose(found, [1 / 2, 1, 1 / 3, 2 / 3, 1, 1, 1 / 3, 2 / 3, 1, 1])
    assert cyclical_beta(1, highest=0.5, warm_up=0, cycle=3, ramp=0.1) == 0.5, "a ramp takes one epoch at least"
