"""The four silent faults of an integer LSTM: each lowers the SQNR, and an acceptance check finds it."""

import numpy as np
import pytest

from export.tflite import flatbuffer
from export.tflite.operator_facts import LSTM, LSTM_CELL_STATE, LSTM_HIDDEN, LSTM_OUTPUT_STATE
from export.verify.lint import lint
from export.verify.sqnr import sqnr_db
from firmware_bench.runtime.quantisation import dequantise, quantise
from firmware_bench.runtime.tflite_model import TFLiteModel


def lstms(model):
    return [operator for name, operator, _ in flatbuffer.operators(model) if name == LSTM]


def failed(data):
    return [check.name for check in lint(data) if not check.passed]


def widen(tensor, factor):
    tensor.quantization.min = [factor * tensor.quantization.min[0]]
    tensor.quantization.max = [factor * tensor.quantization.max[0]]


def test_sound_file_agrees_and_passes(edited, integer, agreement):
    data = integer(edited)
    assert failed(data) == []
    assert agreement(data)[0] > 28


def test_state_that_is_not_reset_between_windows(edited, integer, recogniser):
    model = TFLiteModel(integer(edited))
    (ecg,), (output,) = model.inputs, model.outputs
    expected = recogniser.model.predict(recogniser.others, verbose=0)
    reset, kept = [], []
    for window in recogniser.others:
        raw = quantise(window[None], ecg.scale, ecg.zero_point, ecg.dtype)
        reset.append(dequantise(model.run_raw([raw])[0][0], output.scale, output.zero_point))
    interpreter = model._interpreter
    for window in recogniser.others:
        interpreter.set_tensor(model._in[0]["index"], quantise(window[None], ecg.scale, ecg.zero_point, ecg.dtype))
        interpreter.invoke()
        kept.append(dequantise(interpreter.get_tensor(model._out[0]["index"])[0], output.scale, output.zero_point))
    assert sqnr_db(expected, np.stack(reset)) > sqnr_db(expected, np.stack(kept)) + 3


def test_state_of_another_scale_than_the_output(edited, integer, agreement):
    sound = agreement(integer(edited))[0]
    for operator in lstms(edited):
        for tensor in (operator.inputs[LSTM_OUTPUT_STATE], operator.intermediates[LSTM_HIDDEN]):
            widen(edited.subgraphs[0].tensors[tensor], 1.5)
    data = integer(edited)
    assert failed(data) == ["LSTMs whose state and output differ in scale"]
    assert agreement(data)[0] < sound - 10


@pytest.mark.parametrize("cell", [0.25, 128.0])
def test_cell_scale_out_of_bounds(edited, integer, agreement, cell):
    sound = agreement(integer(edited))[0]
    for operator in lstms(edited):
        tensor = edited.subgraphs[0].tensors[operator.inputs[LSTM_CELL_STATE]]
        tensor.quantization.min, tensor.quantization.max = [-cell], [cell]
    data = integer(edited)
    assert failed(data) == ["LSTM cell scales"]
    assert agreement(data)[0] < sound - 3


def test_operator_clips_where_the_trained_cell_clips(quantised):
    import keras

    from export.convert.convertible_layers import make_convertible
    from export.convert.int8 import convert_calibrated_float
    from export.quantise.ranges import observe
    from models_keras.layers.lstm import ClippedLSTM as TrainedLSTM

    # An integrator: the cell goes up by up to one a step, far past ten without a clip, and then down again.
    ecg = keras.Input((64, 1), name="ecg")
    layers = [TrainedLSTM(1), keras.layers.LSTM(1)]
    weights = [
        np.array([[0.1, 0.2, 3, 0.3]], np.float32),
        np.array([[0.01, 0.02, 0.03, 0.04]], np.float32),  # the converter crashes on weights that are all zero
        np.array([9, 9, 0.1, 9], np.float32),
    ]
    clipped, unclipped = (keras.Model(ecg, layer(ecg)) for layer in layers)
    for layer in layers:
        layer.set_weights(weights)
    ramps = np.concatenate([np.ones((8, 50, 1)), -np.ones((8, 14, 1))], axis=1) * np.linspace(0.3, 1, 8)[:, None, None]
    ramps = ramps.astype(np.float32)

    graph = convert_calibrated_float(make_convertible(clipped), {"ecg": ramps})
    file = TFLiteModel(quantised(graph, observe(graph, {"ecg": ramps}), 100))
    found = np.stack([file.run(ramp) for ramp in ramps])
    assert np.abs(found - clipped.predict(ramps, verbose=0)).max() < 0.1
    assert np.abs(found - unclipped.predict(ramps, verbose=0)).max() > 1
