"""The challenges' scores by hand."""

import numpy as np
import pytest

from ecg_edge.records.databases.cinc2017 import Cinc2017
from ecg_edge.records.databases.cpsc2018 import Cpsc2018
from ecg_edge.records.record import Entry

CINC2017, CPSC2018 = Cinc2017.challenge_score.prepare, Cpsc2018.challenge_score.prepare


def entries(*labels):
    return [Entry(str(i), str(i), str(i), own) for i, own in enumerate(labels)]


def test_cinc2017_score_by_hand():
    classes = ["N", "A", "O", "~"]
    score = CINC2017(entries(("N",), ("N",), ("A",), ("O",), ("~",)), classes)
    predicted = np.array([0, 1, 1, 2, 0])
    # N: 2·1/(2+2), A: 2·1/(1+2), O: 2·1/(1+1); ~ counts in N's denominator only
    assert score(np.arange(5), predicted) == pytest.approx((2 / 4 + 2 / 3 + 1) / 3)


def test_cpsc2018_score_accepts_any_label_and_counts_errors_against_the_first():
    classes = ["SNR", "AF", "RBBB"]
    score = CPSC2018(entries(("AF", "RBBB"), ("AF", "RBBB"), ("SNR",)), classes)
    assert score(np.arange(3), np.array([2, 1, 0])) == 1.0
    # the first recording, called SNR, is a missed AF: AF 2·1/(2+1), SNR 2·1/(1+2), RBBB occurs nowhere
    assert score(np.arange(3), np.array([0, 1, 0])) == pytest.approx(2 / 3)


def test_the_score_of_a_subset_depends_on_the_subset_only():
    score = CINC2017(entries(("N",), ("A",), ("O",)), ["N", "A", "O"])
    predicted = np.array([0, 1, 0])
    assert score(np.array([0, 1, 1]), predicted) == 1.0
    assert score(np.array([2, 2]), predicted) == 0.0
