"""Prediction agreement between float and quantised model."""

import numpy as np
import pytest

from export.verify.prediction_agreement import check_predictions


@pytest.mark.parametrize(("flipped", "passed"), [(3, True), (4, False)])
def test_agreement_of_label_sets_is_counted_per_label(flipped, passed):
    expected = np.zeros((50, 2), bool)
    found = expected.copy()
    found[:flipped, 0] = True
    (check,), figures = check_predictions(expected, found, expected, "ab")
    assert check.passed is passed and figures == {"same_decision": 1 - flipped / 100}


def test_scores_must_have_a_high_rank_correlation():
    scores = np.random.default_rng(0).normal(size=200)
    (check,), figures = check_predictions(scores, 3 * scores + 7, None, ())
    assert check.passed and figures["rank_correlation"] == 1
    (check,), figures = check_predictions(scores, scores + np.random.default_rng(1).normal(size=200), None, ())
    assert not check.passed and 0.5 < figures["rank_correlation"] < 0.9
