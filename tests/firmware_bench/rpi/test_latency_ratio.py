"""Ratios of latencies and their intervals."""

import numpy as np
import pytest

from firmware_bench.rpi.latency_ratio import latency_ratio


def rounds(factors, scale=1.0, seed=0):
    random = np.random.default_rng(seed)
    return [{"latencies_ms": (scale * factor * random.normal(10, 0.1, 40)).tolist()} for factor in factors]


def test_a_ratio_is_that_of_the_medians_and_lies_within_its_interval():
    ratio = latency_ratio(rounds([1, 1, 1, 1, 1], 2.0), rounds([1, 1, 1, 1, 1], seed=1), paired=False)
    assert ratio["low"] < ratio["value"] < ratio["high"]
    assert ratio["value"] == pytest.approx(2, rel=0.01) and ratio["high"] - ratio["low"] < 0.05


def test_a_clock_that_drifts_widens_the_interval_unless_rounds_were_in_alternation():
    drift = [1, 1.1, 1.2, 1.3, 1.4]
    ours, reference = rounds(drift, 2.0), rounds(drift, seed=1)
    apart, together = (latency_ratio(ours, reference, paired=paired) for paired in (False, True))
    widths = [one["high"] - one["low"] for one in (apart, together)]
    assert widths[1] < widths[0] / 3 and together["low"] < 2 < together["high"]


def test_the_interval_covers_the_true_ratio_at_its_nominal_rate():
    random = np.random.default_rng(0)
    held = 0
    for trial in range(60):
        ours, reference = (rounds(1 + 0.05 * random.normal(size=10), seed=1000 * side + trial) for side in (1, 2))
        ratio = latency_ratio(ours, reference, paired=False)
        held += ratio["low"] <= 1 <= ratio["high"]
    assert 48 <= held <= 60
