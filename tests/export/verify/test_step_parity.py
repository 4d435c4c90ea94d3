"""A step in TensorFlow Lite Micro: equal to the bit, but for the steps of an operator that is known to differ."""

import types

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from handmade_tflite import TFLiteBuilder

from export.c99.reference_kernels import run_reference_kernels
from export.verify import step_parity
from export.verify.runtimes import allowed_steps
from export.verify.step_parity import RunRecorder, compare_step_runtimes


def classifier() -> bytes:
    """(1, 4) to the probabilities of a softmax, to their squares, and to what is made without it."""
    file = TFLiteBuilder()
    x = file.tensor((1, 1, 4), np.int16, 2.0**-12)
    soft = file.tensor((1, 1, 4), np.int16, 2.0**-15)
    file.operator("SOFTMAX", 3, [x], soft, schema.SoftmaxOptionsT(beta=1.0))
    shape = file.constant([1, 4], np.int32)
    probabilities = file.operator("RESHAPE", 1, [soft, shape], file.tensor((1, 4), np.int16, 2.0**-15))
    square = file.operator("MUL", 2, [soft, soft], file.tensor((1, 1, 4), np.int16, 2.0**-15), schema.MulOptionsT())
    state = file.operator("MUL", 2, [x, x], file.tensor((1, 1, 4), np.int16, 2.0**-11), schema.MulOptionsT())
    return file.data([x], [probabilities, square, state])


def test_only_a_softmax_that_is_an_output_may_differ():
    assert allowed_steps(classifier()) == [1, 0, 0]


@pytest.mark.parametrize(
    ("output", "steps", "passes"),
    [(0, 0, True), (0, 1, True), (0, -1, True), (0, 2, False), (1, 1, False), (2, 1, False)],
)
def test_a_step_that_differs_by_more_is_counted(output, steps, passes, monkeypatch):
    data = classifier()
    litert = types.SimpleNamespace(inputs=[], outputs=[], metadata=None, name="classifier")
    litert.run_raw = lambda arrays: run_reference_kernels(data, arrays)
    recorder = RunRecorder(litert, 3)
    for n in range(3):
        recorder.run_raw([np.array([[[900, -50 * n, 7, -8]]], np.int16)])

    def run_micro(data, arrays):
        answers = [[array.copy() for array in answer] for answer in recorder.answers]
        answers[1][output].flat[2] += steps
        return answers

    monkeypatch.setattr(step_parity, "micro_installed", lambda: True)
    monkeypatch.setattr(step_parity, "check_tensors", lambda *arguments: None)
    monkeypatch.setattr(step_parity, "run_micro", run_micro)
    equal, (_, check) = compare_step_runtimes(data, recorder)
    assert equal == [True, steps == 0, True] and check.passed == passes
    assert check.measured == ("1" if not passes else "0; 1 by steps that are known" if steps else "0")
