"""Fewer points without losing a peak."""

import numpy as np
import pytest

from ecg_edge.plot.decimation import decimate


@pytest.mark.parametrize("samples", [6001, 100_000, 99_991])
def test_every_peak_of_one_sample_stays_where_it_is(samples):
    random = np.random.default_rng(samples)
    values = random.normal(0, 0.01, samples).astype(np.float32)
    up, down = np.sort(random.choice(samples // 20, 40, replace=False)).reshape(-1, 2).T * 20
    values[up], values[down] = 1.0, -1.0
    kept, drawn = decimate(values, 6000)
    assert {*up, *down} <= set(kept) and len(kept) <= 6000
    np.testing.assert_array_equal(drawn, values[kept])
    assert (np.diff(kept) > 0).all()


def test_a_short_signal_stays_whole():
    kept, drawn = decimate(np.arange(10.0), 10)
    assert kept.tolist() == drawn.tolist() == list(range(10))


def test_a_gap_stays_a_gap():
    values = np.ones(30_000)
    values[5000:20_000], values[25_000] = np.nan, np.nan
    kept, drawn = decimate(values, 600)
    gaps = kept[np.isnan(drawn)]
    assert 25_000 in gaps and ((gaps >= 5000) & (gaps < 20_000)).sum() > 100
    assert not np.isnan(drawn[(kept < 5000) | (kept > 25_200)]).any()


def test_a_signal_without_samples_is_all_gap():
    assert np.isnan(decimate(np.full(10_000, np.nan), 300)[1]).all()
