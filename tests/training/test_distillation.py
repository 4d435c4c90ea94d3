"""The loss of a student: that of its labels, and its divergence from its teachers at a temperature."""

import keras
import numpy as np
import pytest

from ecg_edge.training.distillation import distil, join_targets, temper_divergence
from ecg_edge.training.losses import find_loss

STUDENT = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], np.float32)
TEACHER = np.array([[0.5, 0.4, 0.1], [0.2, 0.3, 0.5]], np.float32)
LABELS = np.array([0, 2])


def soften(probabilities, temperature):
    raised = np.float64(probabilities) ** (1 / temperature)
    return raised / raised.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("share", [0.3, 1.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_one_class(share, smoothing):
    temperature = 3.0
    student, teacher = soften(STUDENT, temperature), soften(TEACHER, temperature)
    divergence = np.sum(teacher * np.log(teacher / student), axis=1)
    wanted = np.eye(3)[LABELS] * (1 - smoothing) + smoothing / 3
    entropy = -np.sum(wanted * np.log(STUDENT), axis=1)
    loss = distil(find_loss("cross_entropy", smoothing, True), "classes", share, temperature)
    found = loss(join_targets(LABELS, TEACHER), STUDENT)
    expected = (1 - share) * entropy + share * temperature**2 * divergence
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected, rtol=1e-4)


def test_any_number_of_labels():
    labels, temperature, share = np.array([[1, 0, 1], [0, 0, 1]], np.float32), 2.0, 0.4

    def both(p):  # of a label and of its absence, from the logit
        raised = 1 / (1 + np.exp(-np.log(p / (1 - p)) / temperature))
        return np.stack([raised, 1 - raised])

    student, teacher = both(np.float64(STUDENT)), both(np.float64(TEACHER))
    divergence = np.sum(teacher * np.log(teacher / student), axis=0).mean(axis=1)
    entropy = -np.mean(labels * np.log(STUDENT) + (1 - labels) * np.log(1 - STUDENT), axis=1)
    loss = distil(find_loss("binary_cross_entropy", 0.0, True), "labels", share, temperature)
    found = loss(join_targets(labels, TEACHER), STUDENT)
    expected = (1 - share) * entropy + share * temperature**2 * divergence
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected, rtol=1e-4)


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_student_that_agrees_has_nothing_to_learn_even_where_a_probability_is_0(exclusive):
    certain = np.array([[1.0, 0.0]], np.float32)
    assert float(temper_divergence(certain, certain, 2.0, exclusive)[0]) == 0.0
    assert np.isfinite(float(temper_divergence(certain, certain[:, ::-1].copy(), 2.0, exclusive)[0]))
