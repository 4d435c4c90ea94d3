"""How much slower one is than another, and how sure that is."""

from collections.abc import Sequence

import numpy as np

RESAMPLES = 2000


def latency_ratio(ours: Sequence[dict], reference: Sequence[dict], paired: bool, seed: int = 0) -> dict:
    """The ratio of two medians of latency and its 95 % percentile interval: {"value", "low", "high"}.

    ours, reference: rounds of bench_rpi.py ("latencies_ms" each). Rounds are drawn with replacement, and windows within
    a round, because the windows of one process are alike. paired: the rounds were measured in alternation, so that the
    same ones are drawn for both, and a clock that drifts from round to round does not widen the interval.
    """
    ours, reference = ([np.asarray(one["latencies_ms"]) for one in rounds] for rounds in (ours, reference))
    random = np.random.default_rng(seed)

    def median(rounds, drawn):
        return np.median(np.concatenate([random.choice(rounds[number], len(rounds[number])) for number in drawn]))

    def draw(rounds):
        return random.integers(len(rounds), size=len(rounds))

    ratios = []
    for _ in range(RESAMPLES):
        drawn = draw(ours)
        ratios.append(median(ours, drawn) / median(reference, drawn if paired else draw(reference)))
    low, high = np.percentile(ratios, [2.5, 97.5])
    value = np.median(np.concatenate(ours)) / np.median(np.concatenate(reference))
    return {"value": float(value), "low": float(low), "high": float(high)}
