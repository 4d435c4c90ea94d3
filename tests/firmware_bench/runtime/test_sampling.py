"""A few of many, evenly spaced."""

import numpy as np
import pytest

from firmware_bench.runtime.sampling import evenly_spaced


def test_first_and_last_are_among_them():
    assert evenly_spaced(11, 3).tolist() == [0, 5, 10]


@pytest.mark.parametrize("total", [0, 1, 7])
def test_all_are_returned_where_there_are_no_more(total):
    assert evenly_spaced(total, 7).tolist() == list(range(total))


def test_distances_differ_by_one_at_most():
    positions = evenly_spaced(1000, 37)
    assert len(positions) == 37 and set(np.diff(positions)) <= {27, 28}
