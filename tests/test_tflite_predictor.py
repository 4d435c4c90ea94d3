"""A trained model as a function of inputs by name, be it Keras or TensorFlow Lite."""

import types

import keras
import numpy as np
from histories import HISTORIES, described, repeating, told
from small_models import SAMPLES, convolutional, reconstructing

from ecg_edge.tasks.predictor import KerasPredictor
from ecg_edge.tflite_predictor import TFLitePredictor
from export.convert.history_step import convert_to_step
from firmware_bench.runtime.tflite_model import TFLiteModel


def test_keras_with_one_input_and_one_output():
    ecg = keras.Input((4, 1), name="ecg")
    model = keras.Model(ecg, keras.layers.GlobalAveragePooling1D()(ecg))
    outputs = KerasPredictor(model)({"ecg": np.arange(8, dtype=np.float32).reshape(2, 4, 1)})
    assert isinstance(outputs, np.ndarray) and outputs.tolist() == [[1.5], [5.5]]


def test_keras_with_several_inputs_and_outputs():
    first, second = keras.Input((1,), name="first"), keras.Input((1,), name="second")
    model = keras.Model([first, second], {"sum": first + second, "difference": first - second})
    inputs = {"second": np.array([[1.0], [2.0]], np.float32), "first": np.array([[10.0], [20.0]], np.float32)}
    outputs = KerasPredictor(model)(inputs)
    assert {name: values[:, 0].tolist() for name, values in outputs.items()} == {
        "sum": [11, 22],
        "difference": [9, 18],
    }


def test_a_file_runs_window_by_window():
    windows = np.random.default_rng(0).normal(size=(3, SAMPLES, 2)).astype(np.float32)
    predictor = TFLitePredictor(convolutional())
    expected = [TFLiteModel(convolutional()).run({"ecg": window}) for window in windows]
    np.testing.assert_array_equal(predictor({"ecg": windows}), expected)
    assert predictor.metadata.labels == ("N", "A", "O")


def test_an_output_other_than_probabilities_is_returned_by_name():
    windows = np.random.default_rng(0).normal(size=(3, SAMPLES, 2)).astype(np.float32)
    outputs = TFLitePredictor(reconstructing())({"ecg": windows})
    assert list(outputs) == ["reconstruction"]
    np.testing.assert_allclose(outputs["reconstruction"], windows / 2, atol=0.05)


def test_several_outputs_are_returned_by_name():
    class File:
        outputs = (types.SimpleNamespace(name="mean"), types.SimpleNamespace(name="spread"))

        def run(self, inputs):
            return {"mean": inputs["ecg"].mean(axis=0), "spread": np.ptp(inputs["ecg"], axis=0)}

    predictor = TFLitePredictor(convolutional())
    predictor.model = File()
    outputs = predictor({"ecg": np.arange(12, dtype=np.float32).reshape(2, 3, 2)})
    assert {name: values.tolist() for name, values in outputs.items()} == {
        "mean": [[2, 3], [8, 9]],
        "spread": [[4, 4], [4, 4]],
    }


def test_a_step_of_beats_keeps_its_history_until_begin():
    made, history = convert_to_step(repeating(), HISTORIES)
    predictor = TFLitePredictor(described(made, history=history))
    beats = [told([1, 0, 0], 0.25), told([0, 1, 0], 0.5), told([0, 0, 1], 0.75)]
    inputs = {name: np.stack([beat[name] for beat in beats]) for name in ("ecg", "rr")}
    first, second = predictor(inputs)["known"], predictor(inputs)["known"]
    assert first[:, :5].tolist() == [[0, 0, 0, 0, 0.25], [0, 0, 0, 0.25, 0.5], [0, 0, 0.25, 0.5, 0.75]]
    assert second[0, :5].tolist() == [0, 0.25, 0.5, 0.75, 0.25]
    predictor.begin()
    np.testing.assert_array_equal(predictor(inputs)["known"], first)
    assert predictor.keeps_history and not TFLitePredictor(convolutional()).keeps_history
