"""A step in 16-bit integers: SQNR against the float model, also after an hour; bit-identical in both runtimes."""

import dataclasses

import keras
import numpy as np
import pytest
from steps import forward_mamba

from ecg_edge.records.synthetic_ecg import synthesise
from ecg_edge.tflite_predictor import TFLitePredictor
from export.convert.conversion_job import ExportWindows
from export.convert.strategies import convert
from export.convert.streaming_step import build_step
from export.exporter import export
from export.quantise.float_runner import FloatRunner, observe_stream
from export.tflite import flatbuffer
from export.tflite.signature import describe_tensors
from export.verify.prediction_agreement import check_predictions
from export.verify.sqnr import sqnr_db
from export.verify.step_parity import RunRecorder, check_state_formats
from firmware_bench.mcu import tflm
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ModelMetadata, WindowMetadata
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.reference_vector import verify_reference
from firmware_bench.runtime.streaming_model import NEXT, StreamingModel
from firmware_bench.runtime.tflite_model import TFLiteModel

FS, SAMPLES, LEADS = 100, 400, 2


def ecg(seconds, seed=0):
    """(samples, LEADS) of a synthetic rhythm, z-scored."""
    signal = synthesise("AF" if seed % 2 else "SNR", seed, seconds, float(FS), ("I", "V1")).signal
    return ((signal - signal.mean(0)) / signal.std(0)).astype(np.float32)


def windows(count, first=0):
    return np.stack([ecg(SAMPLES / FS, seed) for seed in range(first, first + count)])


@pytest.fixture(scope="module")
def model():
    return forward_mamba(SAMPLES)


@pytest.fixture(scope="module")
def report(model, tmp_path_factory):
    """The result of an export that passed."""
    metadata = ModelMetadata(labels=("a", "b", "c"), fs=float(FS), window=WindowMetadata(SAMPLES, SAMPLES))
    truth = model.predict(windows(20, first=100), verbose=0).argmax(-1)

    def compare(expected, found):
        ours, theirs = (outputs["probabilities"].argmax(-1) for outputs in (expected, found))
        return check_predictions(ours, theirs, truth, metadata.labels)

    return export(
        model,
        ExportWindows({"ecg": windows(40)}, {"ecg": windows(20, first=100)}),
        tmp_path_factory.mktemp("int16") / "model.tflite",
        metadata,
        compare,
        streaming=True,
    )


@pytest.fixture(scope="module")
def data(report):
    return report.path.read_bytes()


@pytest.mark.slow
def test_checks_and_metadata(report, data):
    assert len(report.checks) == 10 and all(check.passed for check in report.checks)
    metadata = read_metadata(data)
    assert metadata == report.metadata
    assert metadata.quantisation.activations == "int16" and "state" in metadata.quantisation.reason
    streaming = metadata.streaming
    assert (streaming.step, streaming.delay, streaming.window) == (4, 10, SAMPLES)
    inputs = {tensor.name: tensor for tensor in metadata.inputs}
    outputs = {tensor.name: tensor for tensor in metadata.outputs}
    assert set(inputs) == {"ecg", "valid", "share", *streaming.states}
    assert set(outputs) == {"probabilities"}  # the states' next values have the form of the states
    assert all(inputs[state].zero_point == 0 for state in streaming.states)
    assert all(tensor.dtype == "int16" for tensor in (*inputs.values(), *outputs.values()))
    assert metadata.metrics["parity"]["decibels"] > 35
    assert verify_reference(TFLiteModel(data))


@pytest.mark.slow
def test_stream_agrees_with_keras_on_other_windows(model, report, data):
    others = windows(10, first=200)
    stream = StreamingModel(TFLiteModel(data))
    found = np.stack([stream.run(window) for window in others])
    assert sqnr_db(model.predict(others, verbose=0), found) > 35
    assert np.array_equal(found[0], stream.run({"ecg": others[0]}))  # nothing of the recordings between is left
    assert np.array_equal(found, TFLitePredictor(report.path)({"ecg": others}))


@pytest.mark.slow
def test_scales_are_powers_of_two_and_no_operator_is_left_in_float(data):
    model = flatbuffer.read(data)
    (graph,) = model.subgraphs
    for _, operator, _ in flatbuffer.operators(model):
        tensor = graph.tensors[operator.outputs[0]]
        scale, zero_point = flatbuffer.scale_and_zero_point(tensor)
        assert flatbuffer.type_name(tensor) == "INT16" and zero_point == 0
        assert np.log2(scale) == np.round(np.log2(scale))


@pytest.mark.slow
def test_a_state_whose_scale_changes_fails_the_check(data):
    states = read_metadata(data).streaming.states
    assert check_state_formats(data, states).passed
    model = flatbuffer.read(data)
    (signature,) = model.signatureDefs
    following = next(entry.tensorIndex for entry in signature.outputs if entry.name.decode() == NEXT + states[0])
    model.subgraphs[0].tensors[following].quantization.scale = [0.5]
    assert not check_state_formats(flatbuffer.write(model), states).passed


@pytest.mark.slow
def test_an_hour_does_not_drift(model, data):
    """Probabilities over the last window, in integers against a float model of the whole hour. What the slowest states
    lose to rounding has settled after some minutes; from then on nothing is added."""
    hour = ecg(3600)
    whole = forward_mamba(len(hour))
    whole.set_weights(model.get_weights())
    average = next(layer for layer in whole.layers if isinstance(layer, keras.layers.GlobalAveragePooling1D))
    head = whole.get_layer("probabilities")
    frames = keras.ops.convert_to_numpy(keras.Model(whole.inputs[0], average.input)(hour[None]))[0]
    stream = StreamingModel(TFLiteModel(data))
    blocks = [*hour.reshape(-1, stream.step, LEADS), *[None] * stream.delay]
    found = np.stack([stream.feed(block)["probabilities"] for block in blocks])[stream.delay :]

    mean, means = 0.0, []  # as the step forms it, with its share of a window
    for number, frame in enumerate(frames, 1):
        mean = mean + (frame - mean) / min(number, SAMPLES // stream.step)
        means.append(mean)
    expected = keras.ops.convert_to_numpy(head(np.stack(means)))
    minute = 60 * FS // stream.step
    start, tenth, last = (sqnr_db(expected[n:][:minute], found[n:][:minute]) for n in (0, 9 * minute, -minute))
    assert min(start, tenth, last) > 35 and last > tenth - 1.5


@pytest.mark.slow
def test_micro_runs_a_long_stream_to_the_same_bytes(data):

    recorder = RunRecorder(TFLiteModel(data, kernels="reference"), 300)
    stream = StreamingModel(recorder)
    for block in ecg(12, seed=7).reshape(-1, stream.step, LEADS):
        stream.feed(block)
    for ours, theirs in zip(recorder.answers, tflm.run_windows(data, recorder.arrays), strict=True):
        assert all(np.array_equal(*pair) for pair in zip(ours, theirs, strict=True))


@pytest.mark.slow
def test_an_artefact_among_the_calibration_windows_is_left_out_of_the_ranges(model):
    spoilt = windows(40)
    spoilt[7, 100:160] *= 30.0
    made = convert(model, {"ecg": spoilt}, streaming=True).data
    metadata = read_metadata(made)
    assert metadata.quantisation.percentile < 100
    inputs, outputs = describe_tensors(made)
    described = flatbuffer.set_metadata(made, dataclasses.replace(metadata, inputs=inputs, outputs=outputs))
    stream = StreamingModel(TFLiteModel(described))
    others = windows(20, first=200)
    assert sqnr_db(model.predict(others, verbose=0), np.stack([stream.run(window) for window in others])) > 35


@pytest.mark.slow
def test_arena_of_one_state_space():
    """64 channels of 16 states in less than 20 KB."""
    from export.convert import int16
    from models_keras.layers.selective_ssm import SelectiveSSM

    x = keras.Input((250, 64), name="x")
    made = build_step(keras.Model(x, SelectiveSSM(16, 4)(x)), integer=True)
    graph = int16.convert_calibrated_float(made.model)
    windows = np.random.default_rng(0).normal(size=(6, 250, 64)).astype(np.float32)
    seen = observe_stream(FloatRunner(graph, made.metadata()), windows)
    assert tflm.measure_arena(int16.quantise(graph, made.states, seen)).total < 20_000


def test_a_model_that_cannot_stream_leaves_no_file(tmp_path):
    from models_keras.registry import find

    model = find("ecg_mamba").build(200, 2, 3, width=16, states=4, blocks=1, positions=False)
    arguments = {"ecg": np.zeros((1, 200, 2), np.float32)}
    with pytest.raises(InputError, match="backwards"):
        export(model, ExportWindows(arguments, arguments), tmp_path / "m.tflite", {"labels": []}, None, streaming=True)
    assert not list(tmp_path.iterdir())
