"""Agreement of the integer file with Keras and between the two runtimes."""

import numpy as np
import pytest

from export.tflite import flatbuffer
from export.tflite.operator_facts import LSTM, LSTM_HIDDEN, LSTM_OUTPUT_STATE
from export.verify import runtimes
from export.verify.parity import parity
from export.verify.prediction_agreement import check_predictions, check_recall
from export.verify.runtimes import check_tensors
from export.verify.sqnr import sqnr_db
from firmware_bench.runtime.errors import AcceptanceError
from firmware_bench.runtime.quantisation import quantise
from firmware_bench.runtime.tflite_model import TFLiteModel

LABELS = ("slow", "fast", "wide")


@pytest.fixture(scope="module")
def expected(recogniser):
    return recogniser.model.predict(recogniser.others, verbose=0)


def checks(data, recogniser, expected):
    def compare(expected, found):
        (ours,), (theirs,) = expected.values(), found.values()
        return check_predictions(ours.argmax(-1), theirs.argmax(-1), recogniser.other_targets, LABELS)

    name = TFLiteModel(data).outputs[0].name
    return parity(data, {"ecg": recogniser.others}, {name: expected}, compare)


def test_sound_file_passes_every_check(edited, integer, recogniser, expected):
    measured = checks(integer(edited), recogniser, expected)
    assert [check.name for check in measured.checks if not check.passed] == []
    assert list(measured.answers) == ["LiteRT", "TensorFlow Lite Micro"]
    assert measured.figures["windows"] == 80 and measured.figures["micro_windows"] == 32
    assert measured.figures["same_decision"] > 0.97 and measured.figures["decibels"] > 25
    assert sum(recall["windows"] for recall in measured.figures["recall"].values()) == 80


def test_mismatched_lstm_scales_fail_between_runtimes_and_with_keras(edited, integer, recogniser, expected):
    for name, operator, graph in flatbuffer.operators(edited):
        if name == LSTM:
            for tensor in (operator.inputs[LSTM_OUTPUT_STATE], operator.intermediates[LSTM_HIDDEN]):
                quantisation = graph.tensors[tensor].quantization
                quantisation.min, quantisation.max = [3 * quantisation.min[0]], [0.5 * quantisation.max[0]]
    measured = checks(integer(edited), recogniser, expected)
    failed = [check.name for check in measured.checks if not check.passed]
    assert "agreement of LiteRT with Keras, 80 windows" in failed
    assert "agreement of TFLite Micro with Keras, 32 windows" in failed


@pytest.mark.parametrize(
    ("total", "before", "after", "passed"),
    [(50, 45, 40, True), (50, 45, 39, False), (8, 6, 4, True), (8, 6, 0, False), (20, 0, 0, True), (20, 4, 20, True)],
)
def test_a_class_may_lose_a_tenth_or_two_windows(total, before, after, passed):
    def classes(right):  # of the other class all are right
        return np.repeat([1, 0, 0], [right, total - right, 100])

    targets = np.repeat([1, 0], [total, 100])
    check, recalls = check_recall(classes(before), classes(after), targets, ["N", "A", "unseen"])
    assert check.passed is passed
    assert recalls["A"] == {"windows": total, "float": before / total, "int8": after / total}
    assert recalls["N"]["int8"] == 1 and "unseen" not in recalls
    if not passed:
        assert check.measured == f"A {before} → {after} of {total}"


def test_tensors_upstream_of_lstms_are_bit_identical_and_a_difference_fails(edited, integer, recogniser, monkeypatch):
    from tflite_micro.python.tflite_micro import runtime

    data = integer(edited)
    (ecg,) = TFLiteModel(data).inputs
    windows = [[quantise(w[None], ecg.scale, ecg.zero_point, ecg.dtype)] for w in recogniser.others[:2]]
    check = check_tensors(data, windows)
    assert check.passed and int(check.measured.split()[2].replace(",", "")) > 2 * 512 * 2

    def with_one_step_more(self, index, graph, read=runtime.Interpreter.GetTensor):
        found = read(self, index, graph)
        return {**found, "tensor_data": found["tensor_data"] + 1}

    monkeypatch.setattr(runtime.Interpreter, "GetTensor", with_one_step_more)
    assert not check_tensors(data, windows).passed


def test_model_that_tflm_cannot_run(edited, integer, recogniser, expected, monkeypatch):
    from firmware_bench.mcu import tflm
    from firmware_bench.runtime.errors import ModelError

    def refuse(data, windows):
        raise ModelError("TensorFlow Lite Micro cannot run this model: it has no operator TILE")

    monkeypatch.setattr(tflm, "run_windows", refuse)
    with pytest.raises(AcceptanceError, match="no operator TILE"):
        checks(integer(edited), recogniser, expected)


def test_sqnr():
    signal = np.array([[0.0, 3.0, 4.0]])
    assert sqnr_db(signal, signal) == pytest.approx(200)
    assert sqnr_db(signal, signal * 1.1) == pytest.approx(20)
    assert sqnr_db(np.zeros((1, 3)), np.ones((1, 3))) < -100


@pytest.mark.parametrize(("with_keras", "passed"), [(40.0, False), (27.0, False), (25.0, True)])
def test_downstream_of_lstms_the_runtimes_may_differ_by_no_more_than_from_keras(monkeypatch, with_keras, passed):
    monkeypatch.setattr(runtimes, "_may_differ", lambda data: True)
    ours = np.full((1, 1000), 20)
    theirs = ours + 32 * np.eye(1, 1000, dtype=int)  # 26 dB
    assert runtimes.check_outputs(b"", [[ours]], [[theirs]], [0], with_keras).passed == passed
