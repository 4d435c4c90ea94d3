"""How much slower one is than another, and how sure that is."""

from collections.abc import Sequence

import numpy as np

RESAMPLES = 1000


def latency_ratio(ours: Sequence[dict], reference: Sequence[dict], paired: bool, seed: int = 0) -> dict:
    """The ratio of two medians of latency and its 95 % percentile interval: {"value", "low", "high"}.

    ours, reference: rounds of bench_rpi.py ("latencies_ms" each, equally many in all of them). Rounds are drawn with
    replacement, and windows within a round, because the windows of one process are alike. paired: the rounds were
    measured in alternation, so that the same ones are drawn for both, and a clock that drifts from round to round does
    not widen the interval.
    """
    ours, reference = (np.array([one["latencies_ms"] for one in rounds]) for rounds in (ours, reference))
    random = np.random.default_rng(seed)

    def draw(rounds):
        return random.integers(len(rounds), size=(RESAMPLES, len(rounds), 1))

    def medians(rounds, drawn):
        windows = random.integers(rounds.shape[1], size=(*drawn.shape[:2], rounds.shape[1]))
        return np.median(rounds[drawn, windows], axis=(1, 2))  # (resamples, rounds, windows) → (resamples,)

    drawn = draw(ours)
    ratios = medians(ours, drawn) / medians(reference, drawn if paired else draw(reference))
    low, high = np.percentile(ratios, [2.5, 97.5])
    return {"value": float(np.median(ours) / np.median(reference)), "low": float(low), "high": float(high)}
