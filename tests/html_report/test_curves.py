"""Curves against scikit-learn."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_curve

from ecg_edge.html_report.curves import find_precision_recall, find_reliability, find_roc, project

RANDOM = np.random.default_rng(0)
POSITIVE = RANDOM.random(200) < 0.3
SCORES = np.round(RANDOM.random(200) + 0.5 * POSITIVE, 1)  # with ties


def test_the_roc_is_scikit_learns():
    false, true = find_roc(POSITIVE, SCORES)
    expected = roc_curve(POSITIVE, SCORES, drop_intermediate=False)
    np.testing.assert_allclose(false, expected[0])
    np.testing.assert_allclose(true, expected[1])
    assert auc(false, true) > 0.7


def test_precision_over_recall_is_scikit_learns():
    recall, precision = find_precision_recall(POSITIVE, SCORES)
    expected = precision_recall_curve(POSITIVE, SCORES)
    np.testing.assert_allclose(precision, expected[0][:-1][::-1])
    np.testing.assert_allclose(recall, expected[1][:-1][::-1])
    area = np.sum(np.diff(recall, prepend=0) * precision)
    assert area == pytest.approx(average_precision_score(POSITIVE, SCORES))


def test_reliability_counts_every_unit_once():
    said = np.array([0.0, 0.05, 0.31, 0.39, 1.0])
    mean, share, counts = find_reliability(said, np.array([False, True, True, True, True]))
    np.testing.assert_allclose(mean, [0.025, 0.35, 1.0])
    np.testing.assert_allclose(share, [0.5, 1.0, 1.0])
    assert counts.tolist() == [2, 2, 1]


def test_points_are_projected_onto_principal_components():
    points = RANDOM.normal(size=(50, 4)) * [3, 2, 1, 0.1]
    found, shares = project(points)
    expected = PCA(2).fit(points)
    np.testing.assert_allclose(np.abs(found), np.abs(expected.transform(points)), atol=1e-9)
    np.testing.assert_allclose(shares, expected.explained_variance_ratio_)
    assert project(points[:, :1])[0].shape == (50, 2) and np.isfinite(project(points[:1])[0]).all()
