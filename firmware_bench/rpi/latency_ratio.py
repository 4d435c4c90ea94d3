"""The ratio of two latencies and its confidence interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RESAMPLES = 1000


def latency_ratio(ours: Sequence[dict], reference: Sequence[dict], paired: bool, seed: int = 0) -> dict[str, float]:
    """Return the ratio of two median latencies and its 95 % percentile interval by bootstrap.

    Rounds are drawn with replacement, and windows within a round, because the windows of one process are alike.

    Args:
        ours: Rounds of a report of bench_rpi, each with equally many "latencies_ms".
        reference: Rounds to compare them with.
        paired: Whether the rounds were measured in alternation. Then the same ones are drawn for both, and a clock that
            drifts from round to round does not widen the interval.
        seed: Seed of the random draws.

    Returns:
        "value", the ratio, and its interval's "low" and "high".
    """
    latencies = np.array([one["latencies_ms"] for one in ours])
    reference_latencies = np.array([one["latencies_ms"] for one in reference])
    random = np.random.default_rng(seed)

    def draw(rounds):
        return random.integers(len(rounds), size=(RESAMPLES, len(rounds), 1))

    def medians(rounds, drawn):
        windows = random.integers(rounds.shape[1], size=(*drawn.shape[:2], rounds.shape[1]))
        return np.median(rounds[drawn, windows], axis=(1, 2))  # (resamples, rounds, windows) → (resamples,)

    drawn = draw(latencies)
    drawn_reference = drawn if paired else draw(reference_latencies)
    ratios = medians(latencies, drawn) / medians(reference_latencies, drawn_reference)
    low, high = np.percentile(ratios, [2.5, 97.5])
    value = float(np.median(latencies) / np.median(reference_latencies))
    return {"value": value, "low": float(low), "high": float(high)}
