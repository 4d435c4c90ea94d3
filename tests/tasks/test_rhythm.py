"""One class per recording: targets, weights and the decision from windows."""

import numpy as np
import pytest

from ecg_edge.errors import InputError
from ecg_edge.records.record import Entry
from ecg_edge.tasks.rhythm import RhythmTask

TASK = RhythmTask(["N", "A", "O"])


def entry(*labels):
    return Entry("r", "r", "r", labels)


def test_the_first_label_is_the_target():
    assert TASK.targets([entry("A", "N"), entry("O")]).tolist() == [1, 2]


@pytest.mark.parametrize(("labels", "message"), [((), "carries no label"), (("AFIB",), "no class 'AFIB'")])
def test_what_has_no_target_is_refused(labels, message):
    with pytest.raises(InputError, match=message):
        TASK.target(entry(*labels))


def test_class_weights():
    targets = np.array([0] * 6 + [1] * 2 + [2] * 1)
    np.testing.assert_allclose(TASK.class_weights(targets, "balanced"), [0.5, 1.5, 3.0])
    np.testing.assert_allclose(TASK.class_weights(targets, "sqrt"), np.sqrt([0.5, 1.5, 3.0]))
    np.testing.assert_allclose(TASK.class_weights(targets, "none"), 1)


def test_a_class_without_examples_is_named():
    with pytest.raises(InputError, match="class O has no recording in the training part"):
        TASK.class_weights(np.array([0, 1, 1]), "balanced")


def test_a_single_class_is_no_task():
    with pytest.raises(InputError, match="at least two classes"):
        RhythmTask(["N"])


def test_a_recording_s_decision_is_the_mean_of_its_windows():
    probabilities = np.array([[0.8, 0.2, 0.0], [0.1, 0.6, 0.3], [0.0, 0.9, 0.1]])
    found, decided = TASK.decide(probabilities, np.array([4, 2, 4]))
    assert found.tolist() == [2, 4]
    np.testing.assert_allclose(decided, [[0.1, 0.6, 0.3], [0.4, 0.55, 0.05]])
