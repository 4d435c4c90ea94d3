"""Fake quantisation equals the integer file; trained ranges become its scales."""

import numpy as np
import pytest

from export.quantise import ranges
from export.tflite import flatbuffer
from export.verify.runtimes import check_tensors
from export.verify.sqnr import sqnr_db
from firmware_bench.runtime.quantisation import quantise
from firmware_bench.runtime.tflite_model import TFLiteModel


def fake_quantised(graph_bytes, windows, percentile=99.99):
    from export.convert.int8 import choose_percentile
    from export.quantise.float_graph import FloatGraph

    graph = FloatGraph(graph_bytes)
    observed = ranges.observe(flatbuffer.write(graph.file), windows)
    return choose_percentile(graph, observed, windows, [percentile])[0]


def file_of(model):
    """The integer file of a fake-quantised model."""
    from export.convert.int8_target import quantise_for
    from export.targets import MCU

    model.write()
    ranges.set_ranges(model.graph.file, model.ranges() | ranges.lstm_cell_ranges(model.graph.file))
    return quantise_for(MCU, model.graph.file)


def scales(data, name):
    (graph,) = flatbuffer.read(data).subgraphs
    (tensor,) = [t for t in graph.tensors if flatbuffer.tensor_name(t) == name]
    return np.asarray(tensor.quantization.scale)


@pytest.fixture(scope="module")
def convolutional():
    """A model without LSTM: (float graph, windows). Its integers are exactly those of the fake-quantised form."""
    import keras
    from keras import layers

    from export.convert.convertible_layers import make_convertible
    from export.convert.int8 import convert_calibrated_float

    keras.utils.set_random_seed(0)
    ecg = keras.Input((64, 2), name="ecg")
    x = layers.Conv1D(8, 5, activation="relu")(ecg)
    x = layers.Conv1DTranspose(6, 4, strides=2)(layers.DepthwiseConv1D(3)(x))
    x = layers.Multiply()([x, layers.Dense(6, activation="sigmoid")(x)])
    model = keras.Model(ecg, layers.Dense(3, name="scores")(layers.GlobalAveragePooling1D()(x)))
    windows = {"ecg": np.random.default_rng(0).normal(size=(40, 64, 2)).astype(np.float32)}
    return convert_calibrated_float(make_convertible(model), windows), windows


def test_integer_file_equals_the_fake_quantised_model(convolutional):
    graph, windows = convolutional
    model = fake_quantised(graph, windows)
    (rounded,) = model(windows).values()
    file = TFLiteModel(file_of(model))
    found = np.stack([file.run(window) for window in windows["ecg"]])
    assert (
        np.mean(np.abs(rounded - found) < 1e-6) > 0.97 and np.abs(rounded - found).max() < 1.5 * file.outputs[0].scale
    )


def test_dense_layers_are_convolutions_and_both_runtimes_agree(convolutional):
    graph, windows = convolutional
    data = file_of(fake_quantised(graph, windows))
    assert "FULLY_CONNECTED" not in [name for name, *_ in flatbuffer.operators(flatbuffer.read(data))]
    (ecg,) = TFLiteModel(data).inputs
    raw = [[quantise(window[None], ecg.scale, ecg.zero_point, ecg.dtype)] for window in windows["ecg"][:4]]
    assert check_tensors(data, raw).passed


@pytest.mark.slow
def test_every_scale_in_the_file_is_the_trained_one(float_graph, recogniser, monkeypatch):
    from export.quantise import qat as training
    from export.quantise.qat import finetune

    monkeypatch.setattr(training, "LEAST_GAIN", 1.0)  # one epoch gains little
    windows = {"ecg": recogniser.windows}
    model = fake_quantised(float_graph, windows)
    before = model.ranges()
    finetune(model, windows, windows, epochs=1)
    trained = model.ranges()
    moved = [tensor for tensor in trained if tensor in before and trained[tensor] != before[tensor]]
    assert len(moved) > 10
    data = file_of(model)
    (graph,) = flatbuffer.read(data).subgraphs
    wanted = {flatbuffer.tensor_name(model.graph.tensor(t)): (hi - lo) / 255 for t, (lo, hi) in trained.items()}
    compared = 0
    for tensor in graph.tensors:
        found = flatbuffer.scale_and_zero_point(tensor)
        if flatbuffer.tensor_name(tensor) in wanted and found:
            assert found[0] == pytest.approx(wanted[flatbuffer.tensor_name(tensor)], rel=1e-5)
            compared += 1
    assert compared > 15
    for tensor, axis in model.graph.weights.items():
        values = np.abs(model.weights[tensor].numpy())
        ends = values.max() if axis is None else values.max(tuple(n for n in range(values.ndim) if n != axis))
        matching = [t for t in graph.tensors if t.shape is not None and tuple(t.shape) == values.shape]
        assert any(np.allclose(t.quantization.scale, ends / 127, rtol=1e-5) for t in matching if t.quantization)


@pytest.mark.slow
def test_fine_tuning_recovers_from_too_narrow_ranges(float_graph, recogniser):
    from export.quantise.qat import finetune

    windows = {"ecg": recogniser.windows}
    model = fake_quantised(float_graph, windows, percentile=97)
    history = finetune(model, {"ecg": recogniser.others}, windows, epochs=6)
    assert min(history) < 0.6 * history[0]
    expected = recogniser.model.predict(recogniser.windows, verbose=0)
    (rounded,) = model(windows).values()
    assert sqnr_db(expected, rounded.numpy()) == pytest.approx(-10 * np.log10(min(history)), abs=1)


@pytest.mark.slow
def test_training_that_gets_worse_is_undone(float_graph, recogniser, monkeypatch):
    from export.quantise import qat

    monkeypatch.setattr(qat, "WEIGHT_RATE", 1.0)
    windows = {"ecg": recogniser.windows[:20]}
    model = fake_quantised(float_graph, windows)
    before = model.state()
    history = qat.finetune(model, windows, windows, epochs=1)
    assert history[1] > history[0]
    for now, then in zip(model.state(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_small_gain_does_not_count():
    from export.quantise.qat import best_epoch

    assert best_epoch([1.0, 0.9, 0.5, 0.6]) == 2
    assert best_epoch([1.0, 0.9, 0.8]) == best_epoch([1.0]) == best_epoch([1.0, 2.0]) == 0
