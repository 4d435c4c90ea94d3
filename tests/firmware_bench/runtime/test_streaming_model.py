"""Feeding a step: which numbers go in, which go back, and what is refused."""

import numpy as np
import pytest
from small_models import convolutional

from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.metadata import HistoryMetadata, ModelMetadata, StreamingMetadata, Tensor
from firmware_bench.runtime.streaming_model import HistoryModel, StreamingModel
from firmware_bench.runtime.tflite_model import TFLiteModel


class Sum:
    """A step that adds up what it gets, one step late: the state is the block before."""

    name = "sum"
    inputs = (
        Tensor("sum", (1, 1, 1, 1), "int16", 1.0, 0),
        Tensor("ecg", (1, 1, 2, 1), "int16", 1.0, 0),
        Tensor("valid", (1, 1, 1, 1), "int16", 1.0, 0),
        Tensor("share", (1, 1, 1, 1), "int16", 1 / 1024, 0),
        Tensor("late", (1, 1, 2, 1), "int16", 1.0, 0),
    )
    outputs = (
        Tensor("next_late", (1, 1, 2, 1), "int16", 1.0, 0),
        Tensor("total", (1, 1), "int16", 0.5, 0),
        Tensor("frames", (1, 2, 1), "int16", 1.0, 0),
        Tensor("next_sum", (1, 1, 1, 1), "int16", 1.0, 0),
    )

    def __init__(self):
        self.metadata = ModelMetadata(streaming=StreamingMetadata(2, 1, 6, ("sum", "late")))
        self.controls = []

    def run_raw(self, arrays):
        total, ecg, valid, share, late = arrays
        self.controls.append((int(valid.item()), share.item() / 1024))
        total = total + late.sum(dtype=np.int16)
        return [ecg.astype(np.int16), 2 * total.reshape(1, 1), late.reshape(1, 2, 1), total]


def test_states_are_fed_back_and_delayed_outputs_are_collected():
    step = Sum()
    stream = StreamingModel(step)
    answer = stream.run(np.arange(9.0)[:, None])  # the ninth sample is no whole step
    assert answer["total"] == [28] and answer["frames"].ravel().tolist() == list(range(8))
    assert [valid for valid, _ in step.controls] == [1, 1, 1, 1, 0]
    # 1 / k in the k-th step that counts, and a window's last share for ever after
    assert [share for _, share in step.controls] == pytest.approx([0, 1, 1 / 2, 1 / 3, 1 / 3], abs=1 / 1024)


def test_reset_begins_a_recording():
    stream = StreamingModel(Sum())
    first = stream.run({"ecg": np.ones((4, 1))})
    assert stream.run({"ecg": np.ones((4, 1))})["total"] == first["total"] == [4]


def test_models_and_signals_that_do_not_suit_are_refused():
    with pytest.raises(ModelError, match="--streaming"):
        StreamingModel(TFLiteModel(convolutional()))
    for signal in (np.ones((1, 1)), np.ones((4, 2))):
        with pytest.raises(ModelError, match="takes"):
            StreamingModel(Sum()).run(signal)


def test_states_that_the_file_does_not_have_are_refused():
    step = Sum()
    step.metadata = ModelMetadata(streaming=StreamingMetadata(2, 1, 6, ("late", "gone")))
    with pytest.raises(ModelError, match="sum: its metadata name states that it does not have: export it again"):
        StreamingModel(step)


class Counts:
    """A step that keeps how many examples there were."""

    name = "counts"
    metadata = ModelMetadata(history=HistoryMetadata(("state_count",)))
    inputs = (Tensor("x", (1, 2), "int8", 0.5, 0), Tensor("state_count", (1, 1), "int8", 1.0, -128))
    outputs = (Tensor("next_state_count", (1, 1), "int8", 1.0, -128), Tensor("sum", (1, 1), "int8", 0.5, 0))

    def run_raw(self, arrays):
        x, count = arrays
        return [count + np.int8(1), x.sum(axis=1, keepdims=True, dtype=np.int8)]


def test_a_history_model_keeps_its_states_until_a_reset():
    model = HistoryModel(Counts())
    assert [model.run({"x": np.array([1.0, 0.5])}).tolist() for _ in range(3)] == [[1.5]] * 3
    assert model.arrays[1] == [[-125]]
    model.reset()
    assert model.arrays[1] == [[-128]]


def test_a_history_model_refuses_other_inputs():
    for example in ({"x": np.ones(3)}, {"y": np.ones(2)}, {}):
        with pytest.raises(ModelError, match=r"counts: input x takes \(2,\)"):
            HistoryModel(Counts()).run(example)
    with pytest.raises(ModelError, match="--streaming"):
        HistoryModel(Sum())
