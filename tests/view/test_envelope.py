"""A reduced signal keeps every peak, and costs as much for a day as for a minute."""

import numpy as np
import pytest

from ecg_edge.view.envelope import Envelope

FS = 100.0


def make_signal(samples=200_000, leads=2):
    return np.random.default_rng(1).normal(size=(samples, leads)).astype(np.float32)


@pytest.mark.parametrize(("start_s", "end_s"), [(0, 2000), (3.3, 1999), (500, 1000), (-50, 3000)])
def test_no_peak_is_lost(start_s, end_s):
    signal = make_signal()
    peak = 70_001
    signal[peak, 1] = 99
    times, values = Envelope(signal, FS).extract(start_s, end_s, pixels=300)
    assert len(times) == len(values) <= 600
    assert values[:, 1].max() == 99
    assert abs(times[values[:, 1].argmax()] - peak / FS) < 2 * (times[-1] - times[0]) / 300
    first, last = max(0, int(start_s * FS)), min(len(signal), int(end_s * FS) + 2)
    assert values[:, 0].min() == signal[first - first % 512 : last + 512, 0].min()


def test_a_short_part_is_drawn_sample_by_sample():
    signal = make_signal()
    times, values = Envelope(signal, FS).extract(10, 12, pixels=300)
    assert (values == signal[1000:1201]).all()
    np.testing.assert_allclose(times, np.arange(1000, 1201) / FS)


def test_gaps_stay_gaps_and_hide_no_neighbour():
    signal = make_signal(80_000, 1)
    signal[20_000:60_000] = np.nan
    times, values = Envelope(signal, FS).extract(0, 800, pixels=100)
    inside = (times > 210) & (times < 590)
    assert np.isnan(values[inside]).all()
    assert np.isfinite(values[(times < 190) | (times > 610)]).all()


def test_single_gaps_hide_nothing():
    signal = make_signal(80_000, 1)
    signal[::5] = np.nan
    assert np.isfinite(Envelope(signal, FS).extract(0, 800, pixels=100)[1]).all()


def test_nothing_is_outside_of_the_signal():
    times, values = Envelope(make_signal(100), FS).extract(5, 9, pixels=100)
    assert len(times) == len(values) == 0
