"""Metrics against scikit-learn's, intervals against what is known, the challenges' scores by hand."""

import numpy as np
import pytest
from sklearn import metrics as sk

from ecg_edge.evaluation.bootstrap import intervals
from ecg_edge.evaluation.metrics import classification, confusion_matrix, figures_of, ranking
from ecg_edge.evaluation.scores import cinc2017, cpsc2018
from ecg_edge.records.record import Entry


@pytest.fixture
def predictions():
    random = np.random.default_rng(3)
    targets = random.integers(0, 4, 200)
    probabilities = random.dirichlet(np.ones(4), 200)
    probabilities[np.arange(200), targets] += 0.3
    probabilities = np.round(probabilities, 2)  # so that scores tie
    return targets, probabilities


def test_figures_equal_scikit_learn_s(predictions):
    targets, probabilities = predictions
    predicted = probabilities.argmax(axis=1)
    ours = figures_of(targets, probabilities)
    precision, recall, f1, _ = sk.precision_recall_fscore_support(targets, predicted, zero_division=0)
    np.testing.assert_allclose(ours["precision"], precision)
    np.testing.assert_allclose(ours["recall"], recall)
    np.testing.assert_allclose(ours["f1"], f1)
    np.testing.assert_array_equal(confusion_matrix(targets, predicted, 4), sk.confusion_matrix(targets, predicted))
    for c in range(4):
        assert ours["auroc"][c] == pytest.approx(sk.roc_auc_score(targets == c, probabilities[:, c]))
        assert ours["auprc"][c] == pytest.approx(sk.average_precision_score(targets == c, probabilities[:, c]))


def test_ranking_of_ties_and_extremes():
    assert ranking(np.array([True, False]), np.array([1.0, 0.0])) == (1.0, 1.0)
    assert ranking(np.array([True, False]), np.array([0.0, 1.0])) == (0.0, 0.5)
    assert ranking(np.array([True, False]), np.array([1.0, 1.0])) == (0.5, 0.5)


def test_a_class_that_does_not_occur_has_no_figures_and_does_not_lower_the_mean():
    targets = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1]])
    result = classification(targets, probabilities, ["N", "A", "O"], ["1", "2", "3", "4"])
    assert result["macro_f1"]["value"] == 1.0
    assert result["classes"]["O"]["f1"] == {"value": None, "low": None, "high": None}
    assert result["confusion_matrix"] == [[2, 0, 0], [0, 2, 0], [0, 0, 0]]


def test_interval_holds_the_value_and_narrows_with_patients(predictions):
    targets, probabilities = predictions
    few = classification(targets[:50], probabilities[:50], list("abcd"), np.arange(50))["accuracy"]
    many = classification(targets, probabilities, list("abcd"), np.arange(200))["accuracy"]
    for figure in (few, many):
        assert figure["low"] < figure["value"] < figure["high"]
    assert many["high"] - many["low"] < few["high"] - few["low"]


def test_interval_of_a_mean_is_the_known_one():
    values = np.random.default_rng(0).normal(size=400)
    low, high = intervals(lambda rows: np.array([values[rows].mean()]), np.arange(400))[0]
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_patients_are_drawn_whole():
    """Ten recordings of each of 20 patients who agree with themselves: as wide as 20 recordings, not as 200."""
    patients = np.repeat(np.arange(20), 10)
    values = np.repeat(np.random.default_rng(0).integers(0, 2, 20), 10)

    def width(of):
        low, high = intervals(lambda rows: np.array([values[rows].mean()]), of)[0]
        return high - low

    assert width(patients) > 2.5 * width(np.arange(200))


def entries(*labels):
    return [Entry(str(i), str(i), str(i), own) for i, own in enumerate(labels)]


def test_cinc2017_score_by_hand():
    classes = ["N", "A", "O", "~"]
    score = cinc2017(entries(("N",), ("N",), ("A",), ("O",), ("~",)), classes)
    predicted = np.array([0, 1, 1, 2, 0])
    # N: 2·1/(2+2), A: 2·1/(1+2), O: 2·1/(1+1); ~ counts in N's denominator only
    assert score(np.arange(5), predicted) == pytest.approx((2 / 4 + 2 / 3 + 1) / 3)


def test_cpsc2018_score_takes_any_label_and_blames_the_first():
    classes = ["SNR", "AF", "RBBB"]
    score = cpsc2018(entries(("AF", "RBBB"), ("AF", "RBBB"), ("SNR",)), classes)
    assert score(np.arange(3), np.array([2, 1, 0])) == 1.0
    # the first recording, called SNR, is a missed AF: AF 2·1/(2+1), SNR 2·1/(1+2), RBBB occurs nowhere
    assert score(np.arange(3), np.array([0, 1, 0])) == pytest.approx(2 / 3)
