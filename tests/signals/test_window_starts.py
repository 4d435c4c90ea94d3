"""Windows cover a recording evenly, whatever its length."""

import numpy as np
import pytest

from ecg_edge.signals.window_starts import compute_window_starts


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
    assert compute_window_starts(length, samples=100, stride=100).tolist() == starts


def test_starts_with_overlap_reach_the_end():
    starts = compute_window_starts(1000, samples=100, stride=50)
    assert starts[0] == 0 and starts[-1] == 900
    assert np.diff(starts).max() <= 51
