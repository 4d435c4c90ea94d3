"""What an integer file has to decide like the float model."""

import numpy as np
import pytest

from export.verify.prediction_agreement import check_predictions


@pytest.mark.parametrize(("flipped", "passed"), [(3, True), (4, False)])
def test_labels_count_one_by_one(flipped, passed):
    expected = np.zeros((50, 2), bool)
    found = expected.copy()
    found[:flipped, 0] = True
    (check,), figures = check_predictions(expected, found, expected, "ab")
    assert check.passed is passed and figures == {"same_decision": 1 - flipped / 100}


def test_scores_have_to_rank_windows_alike():
    scores = np.random.default_rng(0).normal(size=200)
    (check,), figures = check_predictions(scores, 3 * scores + 7, None, ())
    assert check.passed and figures["rank_correlation"] == 1
    (check,), figures = check_predictions(scores, scores + np.random.default_rng(1).normal(size=200), None, ())
    assert not check.passed and 0.5 < figures["rank_correlation"] < 0.9
