"""Confidence intervals by resampling patients."""

from collections.abc import Callable, Sequence

import numpy as np

RESAMPLES = 1000
LEVEL = 0.95


def intervals(
    statistic: Callable[[np.ndarray], np.ndarray],
    patients: Sequence[str],
    resamples: int = RESAMPLES,
    seed: int = 0,
    advance: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """95 % percentile intervals of `statistic`: (figures, 2), NaN where it was never defined.

    statistic: positions of recordings (some repeated) → (figures,), NaN where undefined for them. patients: of each
    recording; whole patients are drawn with replacement (Efron and Tibshirani 1993, chapter 13).
    """
    _, patient = np.unique(np.asarray(patients), return_inverse=True)
    order = np.argsort(patient, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(patient))[:-1])
    random = np.random.default_rng(seed)
    figures = []
    for _ in range(resamples):
        drawn = random.integers(len(members), size=len(members))
        figures.append(statistic(np.concatenate([members[i] for i in drawn])))
        advance()
    figures = np.array(figures)
    tail = 100 * (1 - LEVEL) / 2
    result = np.full((figures.shape[1], 2), np.nan)
    defined = ~np.isnan(figures).all(axis=0)
    result[defined] = np.nanpercentile(figures[:, defined], [tail, 100 - tail], axis=0).T
    return result
