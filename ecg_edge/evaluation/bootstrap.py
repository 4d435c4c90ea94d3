"""Confidence intervals by bootstrap over patients."""

from collections.abc import Callable, Sequence

import numpy as np

RESAMPLES = 1000
LEVEL = 0.95


def bootstrap_intervals(
    statistic: Callable[[np.ndarray], np.ndarray],
    patients: Sequence[str],
    resamples: int = RESAMPLES,
    seed: int = 0,
    advance: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """Compute 95 % percentile intervals of a statistic by resampling patients with replacement.

    Cluster bootstrap: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.

    Args:
        statistic: Positions of recordings (some repeated) → (metrics,), NaN where undefined for them.
        patients: The patient of each recording.
        resamples: Number of resamples.
        seed: Seed of the draws.
        advance: Called after each resample.

    Returns:
        (metrics, 2): lower and upper bound; NaN for a metric that was never defined.
    """
    _, patient = np.unique(np.asarray(patients), return_inverse=True)
    order = np.argsort(patient, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(patient))[:-1])
    random = np.random.default_rng(seed)
    values = []
    for _ in range(resamples):
        drawn = random.integers(len(members), size=len(members))
        values.append(statistic(np.concatenate([members[i] for i in drawn])))
        advance()
    values = np.array(values)
    tail = 100 * (1 - LEVEL) / 2
    result = np.full((values.shape[1], 2), np.nan)
    defined = ~np.isnan(values).all(axis=0)
    result[defined] = np.nanpercentile(values[:, defined], [tail, 100 - tail], axis=0).T
    return result
