"""Windows cover a recording evenly, whatever its length."""

import numpy as np
import pytest

from ecg_edge.signals.window_starts import window_starts, windows


@pytest.mark.parametrize(
    ("length", "starts"),
    [
        (50, [0]),  # shorter: padded
        (100, [0]),
        (109, [0]),  # a remainder under a tenth gets no window of its own
        (120, [0, 20]),
        (200, [0, 100]),
        (203, [0, 103]),
        (250, [0, 75, 150]),
        (300, [0, 100, 200]),
    ],
)
def test_starts_without_overlap(length, starts):
    assert window_starts(length, samples=100, stride=100).tolist() == starts


def test_starts_with_overlap_reach_the_end():
    starts = window_starts(1000, samples=100, stride=50)
    assert starts[0] == 0 and starts[-1] == 900
    assert np.diff(starts).max() <= 51


def test_a_short_signal_is_padded_behind_with_zeros():
    cut = windows(np.ones((3, 2), np.float32), samples=5, stride=5)
    assert cut.shape == (1, 5, 2)
    np.testing.assert_array_equal(cut[0, :, 0], [1, 1, 1, 0, 0])


def test_windows_are_the_signal_s_own_samples():
    signal = np.arange(250, dtype=np.float32)[:, None]
    cut = windows(signal, samples=100, stride=100)
    assert [int(window[0, 0]) for window in cut] == [0, 75, 150]
    assert all((np.diff(window[:, 0]) == 1).all() for window in cut)
