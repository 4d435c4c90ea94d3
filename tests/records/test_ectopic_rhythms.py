"""Rhythms that the classes of beats define: where each begins and ends, and what is none."""

import numpy as np
import pytest

from ecg_edge.records.ectopic_rhythms import find_ectopic_rhythms
from ecg_edge.records.record import Beats, RhythmInterval

FS = 100.0


def find(symbols, intervals):
    """The rhythms of beats `intervals` samples apart, the first one at 100."""
    steps = np.broadcast_to(intervals, len(symbols) - 1)
    return find_ectopic_rhythms(Beats(100 + np.concatenate([[0], np.cumsum(steps)]), np.array(list(symbols))), FS)


@pytest.mark.parametrize(("ectopic", "rhythm"), [("V", "B"), ("E", "B"), ("A", "AB"), ("J", "AB")])
def test_bigeminy_is_three_couples_or_more(ectopic, rhythm):
    couple = "N" + ectopic
    assert find(f"NN{couple * 3}NNN", 80) == (RhythmInterval(260, 661, rhythm),)
    assert find(f"NN{couple * 4}NNN", 80) == (RhythmInterval(260, 821, rhythm),)
    assert find(f"NN{couple * 2}NNN", 80) == ()
    assert find(f"NN{couple * 3}NNN{couple * 3}N", 80)[1] == RhythmInterval(980, 1381, rhythm)


def test_a_bundle_branch_block_counts_as_a_normal_beat():
    assert find("LVLVLV", 80) == (RhythmInterval(100, 501, "B"),)


def test_a_tachycardia_is_a_fast_run():
    assert find("NNAAANN", [80, 50, 50, 50, 90, 80]) == (RhythmInterval(230, 331, "SVTA"),)
    assert find("NNAAANN", 61) == ()
    assert find("NNAANN", 50) == ()


def test_normal_rhythm_is_regular_and_not_slow():
    assert find("N" * 160, 80) == (RhythmInterval(100, 6021, "N"), RhythmInterval(6100, 12021, "N"))
    assert find("N" * 130, 101) == ()
    irregular = np.full(159, 80)
    irregular[10] = 60
    assert find("N" * 160, irregular) == (RhythmInterval(6160, 12081, "N"),)


def test_other_beats_are_in_no_rhythm():
    assert find("QFQFQF", 80) == ()
