"""What an integer file has to decide like the float model."""

import numpy as np
import pytest

from export.verify.prediction_agreement import decision_gates


@pytest.mark.parametrize(("flipped", "passed"), [(3, True), (4, False)])
def test_labels_count_one_by_one(flipped, passed):
    expected = np.zeros((50, 2), bool)
    found = expected.copy()
    found[:flipped, 0] = True
    (gate,), figures = decision_gates(expected, found, expected, "ab")
    assert gate.passed is passed and figures == {"same_decision": 1 - flipped / 100}


def test_scores_have_to_rank_windows_alike():
    scores = np.random.default_rng(0).normal(size=200)
    (gate,), figures = decision_gates(scores, 3 * scores + 7, None, ())
    assert gate.passed and figures["rank_correlation"] == 1
    (gate,), figures = decision_gates(scores, scores + np.random.default_rng(1).normal(size=200), None, ())
    assert not gate.passed and 0.5 < figures["rank_correlation"] < 0.9
