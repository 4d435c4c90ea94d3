"""TensorFlow Lite Micro and LiteRT operator by operator: equal, or as far apart as the table of facts says."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from handmade_tflite import TFLiteBuilder

from export.tflite.operator_facts import LSTM, MICRO_DIFFERENCES, MicroDifference, micro_difference
from export.verify.runtimes import allowed_steps, check_tensors

WINDOW = [[np.arange(-128, 128, dtype=np.int8).reshape(1, 256)]]
TANH, BEHIND = 1, 2  # the tensors' numbers


def tanh() -> bytes:
    """All 256 values to their tanh, to its square, and to their own square."""
    file = TFLiteBuilder()
    x = file.tensor((1, 256), np.int8, 0.03)
    y = file.operator("TANH", 2, [x], file.tensor((1, 256), np.int8, 1 / 128))
    behind = file.operator("MUL", 2, [y, y], file.tensor((1, 256), np.int8, 1 / 128), schema.MulOptionsT())
    beside = file.operator("MUL", 2, [x, x], file.tensor((1, 256), np.int8, 0.12, -128), schema.MulOptionsT())
    return file.data([x], [y, behind, beside])


@pytest.fixture
def move(monkeypatch):
    """Move ten values of tensors of TensorFlow Lite Micro: {tensor: steps}."""
    from tflite_micro.python.tflite_micro import runtime

    steps = {}

    def moved(self, index, graph, read=runtime.Interpreter.GetTensor):
        found = read(self, index, graph)
        values = found["tensor_data"].copy()
        values.flat[:10] += steps.get(index, 0)
        return {**found, "tensor_data": values}

    monkeypatch.setattr(runtime.Interpreter, "GetTensor", moved)
    return steps.update


def measured():
    return check_tensors(tanh(), WINDOW).measured


def test_equal_values_are_compared_behind_an_operator_that_may_differ():
    assert measured() == "0 of 768" and allowed_steps(tanh()) == [1, 0, 0]


def test_as_many_steps_as_the_table_of_facts_accepts_pass(move):
    move({TANH: 1, BEHIND: 9})
    assert measured() == "0 of 512"  # what is made of unequal values is not judged
    move({TANH: 2})
    assert measured() == "10 of 512"
    move({TANH: 0})
    assert measured() == "10 of 768"  # now it is


def test_a_fact_that_is_not_accepted_lets_nothing_pass(move, monkeypatch):
    move({TANH: 1})
    monkeypatch.setitem(MICRO_DIFFERENCES, ("TANH", 8), MicroDifference("", 1, accepted=False))
    assert measured() == "10 of 512" and allowed_steps(tanh()) == [0, 0, 0]


def test_an_operator_without_a_number_of_steps_is_not_judged(move, monkeypatch):
    move({TANH: 5})
    monkeypatch.setitem(MICRO_DIFFERENCES, ("TANH", 8), MicroDifference("", accepted=True))
    assert measured() == "0 of 256"


def test_rounding_that_no_operator_avoids_is_accepted_and_a_missing_kernel_is_not():
    accepted = {key for key, difference in MICRO_DIFFERENCES.items() if difference.accepted}
    assert accepted == {("LEAKY_RELU", 16), ("LOGISTIC", 8), ("SOFTMAX", 16), ("TANH", 8), (LSTM, 8)}
    assert micro_difference("FULLY_CONNECTED", 8) and micro_difference("CONV_2D", 8) is None


def test_the_sigmoids_of_8_bit_values_differ_by_a_step_at_some_scales(monkeypatch):
    file = TFLiteBuilder()
    x = file.tensor((1, 256), np.int8, 0.05133836, -1)
    data = file.data([x], [file.operator("LOGISTIC", 2, [x], file.tensor((1, 256), np.int8, 1 / 256, -128))])
    assert check_tensors(data, WINDOW).measured == "0 of 256"
    monkeypatch.delitem(MICRO_DIFFERENCES, ("LOGISTIC", 8))
    assert check_tensors(data, WINDOW).measured == "2 of 256"
