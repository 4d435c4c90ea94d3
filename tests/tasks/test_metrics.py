"""Figures against scikit-learn's, thresholds against trying them all, and what small parts leave undefined."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from ecg_edge.tasks.metrics import (
    auroc_auprc,
    best_threshold,
    binary_auroc_auprc,
    class_metrics,
    classifier_statistic,
    confusion_matrix,
    macro_average,
    precision_recall_f1,
)


@pytest.fixture
def predictions():
    random = np.random.default_rng(3)
    targets = random.integers(0, 4, 200)
    probabilities = random.dirichlet(np.ones(4), 200)
    probabilities[np.arange(200), targets] += 0.3
    probabilities = np.round(probabilities, 2)  # so that scores tie
    return targets, probabilities


def test_metrics_equal_scikit_learn_s(predictions):
    targets, probabilities = predictions
    predicted = probabilities.argmax(axis=1)
    ours = class_metrics(targets, probabilities)
    precision, recall, f1, _ = sk.precision_recall_fscore_support(targets, predicted, zero_division=0)
    np.testing.assert_allclose(ours["precision"], precision)
    np.testing.assert_allclose(ours["recall"], recall)
    np.testing.assert_allclose(ours["f1"], f1)
    np.testing.assert_array_equal(confusion_matrix(targets, predicted, 4), sk.confusion_matrix(targets, predicted))
    for c in range(4):
        assert ours["auroc"][c] == pytest.approx(sk.roc_auc_score(targets == c, probabilities[:, c]))
        assert ours["auprc"][c] == pytest.approx(sk.average_precision_score(targets == c, probabilities[:, c]))


def test_metrics_of_several_labels_equal_scikit_learn_s():
    random = np.random.default_rng(0)
    positive, scores = random.random((60, 3)) < 0.4, np.round(random.random((60, 3)), 1)
    said = scores >= 0.5
    ours = precision_recall_f1((positive & said).sum(axis=0), positive.sum(axis=0), said.sum(axis=0)) | auroc_auprc(
        positive, scores
    )
    precision, recall, f1, _ = sk.precision_recall_fscore_support(positive, said, zero_division=0)
    np.testing.assert_allclose([ours["precision"], ours["recall"], ours["f1"]], [precision, recall, f1])
    np.testing.assert_allclose(ours["auroc"], sk.roc_auc_score(positive, scores, average=None))
    np.testing.assert_allclose(ours["auprc"], sk.average_precision_score(positive, scores, average=None))


def test_ranking_of_ties_and_extremes():
    assert binary_auroc_auprc(np.array([True, False]), np.array([1.0, 0.0])) == (1.0, 1.0)
    assert binary_auroc_auprc(np.array([True, False]), np.array([0.0, 1.0])) == (0.0, 0.5)
    assert binary_auroc_auprc(np.array([True, False]), np.array([1.0, 1.0])) == (0.5, 0.5)


def test_a_ratio_of_nothing_is_zero_where_the_class_occurs_and_undefined_where_not():
    figures = precision_recall_f1(np.array([0, 0, 2]), np.array([3, 0, 2]), np.array([0, 1, 4]))
    np.testing.assert_array_equal(figures["precision"], [0, 0, 0.5])
    np.testing.assert_array_equal(figures["recall"], [0, np.nan, 1])
    np.testing.assert_allclose(figures["f1"], [0, np.nan, 4 / 6])


def test_a_class_absent_or_alone_has_no_auroc_auprc():
    positive = np.array([[True, False, True], [True, False, False]])
    figures = auroc_auprc(positive, np.array([[0.9, 0.1, 0.6], [0.2, 0.3, 0.5]]))
    np.testing.assert_array_equal(figures["auroc"], [np.nan, np.nan, 1])
    np.testing.assert_array_equal(figures["auprc"], [np.nan, np.nan, 1])


def test_the_mean_is_over_the_classes_that_occur():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = macro_average({"f1": np.array([1.0, np.nan, 0.5]), "auroc": np.full(3, np.nan)}, ("f1", "auroc"))
    assert figures["macro_f1",] == 0.75 and np.isnan(figures["macro_auroc",])


def test_the_statistic_uses_the_resampled_positions_only(predictions):
    targets, probabilities = predictions
    statistic = classifier_statistic(targets, probabilities, list("abcd"))
    drawn = np.random.default_rng(0).integers(0, 200, 200)
    figures, predicted = statistic(drawn), probabilities.argmax(axis=1)
    assert figures["accuracy",] == np.mean(targets[drawn] == predicted[drawn])
    f1 = sk.f1_score(targets[drawn], predicted[drawn], average=None)
    assert figures["macro_f1",] == pytest.approx(f1.mean())
    assert [figures["classes", name, "f1"] for name in "abcd"] == pytest.approx(f1.tolist())
    assert statistic(np.arange(200)) != figures


def f1_at(threshold, positive, scores):
    said = scores >= threshold
    return 2 * np.sum(positive & said) / (positive.sum() + said.sum())


@pytest.mark.parametrize("seed", range(12))
def test_the_best_threshold_is_as_good_as_any(seed):
    random = np.random.default_rng(seed)
    count = int(random.integers(2, 40))
    positive = random.random(count) < random.uniform(0.05, 0.95)
    positive[0] = True
    scores = random.random(count) + 0.3 * positive
    if seed % 2:
        scores = np.round(scores, 1)  # so that scores tie
    if seed % 3 == 0:
        scores = (1000 * scores).astype(np.float32)  # no probabilities
    every = [*(scores + 0.5e-4 * scores.max()), *scores, *(scores - 0.5e-4 * scores.max())]
    assert f1_at(best_threshold(positive, scores), positive, scores) == max(f1_at(t, positive, scores) for t in every)


def test_it_lies_halfway_to_the_next_lower_score():
    scores = np.array([0.9, 0.2, 0.6, 0.1])
    assert best_threshold(np.array([True, False, True, False]), scores) == pytest.approx(0.4)
    lowest = best_threshold(np.ones(4, bool), scores)
    assert lowest < 0.1 and (scores >= lowest).all()


def test_equal_scores_fall_on_the_same_side():
    positive, scores = np.array([True, True, False, False, False]), np.array([0.9, 0.6, 0.6, 0.6, 0.6])
    assert best_threshold(positive, scores) == pytest.approx(0.75)  # F1 0.67; below 0.6 all five, F1 0.57


def test_without_a_positive_it_is_one_half():
    assert best_threshold(np.zeros(3, bool), np.array([0.1, 0.9, 0.3])) == 0.5
