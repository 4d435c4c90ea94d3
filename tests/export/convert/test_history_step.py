"""A step with its history as states equals the file with histories as inputs; its argmax equals numpy's."""

import itertools

import keras
import numpy as np
import pytest
from histories import BEFORE, HISTORIES, described, keeper, repeating, told

from export import exporter
from export.convert import strategies
from export.convert.conversion_job import Converted, ExportWindows
from export.convert.history_step import convert_to_step
from export.verify.acceptance import Parity
from export.verify.step_parity import run_with_external_history
from firmware_bench.mcu import tflm
from firmware_bench.runtime.errors import AcceptanceError
from firmware_bench.runtime.metadata import ModelMetadata
from firmware_bench.runtime.quantisation import quantise
from firmware_bench.runtime.reference_vector import verify_reference
from firmware_bench.runtime.streaming_model import NEXT
from firmware_bench.runtime.tflite_model import TFLiteModel


def step_of(data, histories=HISTORIES):
    made, history = convert_to_step(data, histories)
    return described(made, history=history)


def examples(count, classes=3, seed=0):
    random = np.random.default_rng(seed)
    return [told(random.integers(256, size=classes) / 256, random.uniform(0, 1.5)) for _ in range(count)]


@pytest.mark.parametrize("kernels", ["reference", "optimised"])
@pytest.mark.parametrize(
    ("scale", "zero_point"),
    [(1 / 255, -128), (0.00616, -128), (1 / 127.3, -128), (1 / 60, 3), (1 / 1000, -128)],  # the last ends at 0.255
)
def test_states_equal_histories_given_as_inputs(kernels, scale, zero_point):
    data = repeating(scale=scale, zero_point=zero_point)
    series = examples(200)
    expected = run_with_external_history(TFLiteModel(data, kernels=kernels), HISTORIES, series)
    model = keeper(step_of(data), kernels)
    found = [model.run(example) for example in series]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours["known"], theirs["known"])
    assert len({answer["known"].tobytes() for answer in found}) > 150


def test_newest_entry_is_last_and_states_start_at_zero():
    model = keeper(step_of(repeating(scale=1 / 128)))
    series = [told([0, 0, 1], 0.5), told([1, 0, 0], 0.75), told([0, 1, 0], 1.25)]
    known = [model.run(example)["known"] for example in series]
    rr, labels = known[2][:BEFORE], known[2][BEFORE:].reshape(BEFORE, 3)
    np.testing.assert_allclose(rr, [0, 0, 0.5, 0.75, 1.25], atol=1 / 128)
    assert labels[:3].tolist() == [[0] * 3] * 3 and labels[3:].tolist() == [[0, 0, 1], [1, 0, 0]]
    model.reset()
    np.testing.assert_array_equal(model.run(series[0])["known"], known[0])
    assert not known[0][BEFORE:].any() and not known[0][: BEFORE - 1].any()


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_one_hot_argmax_takes_the_first_of_equal_classes(classes):
    """Differences of a single step and ties, from end to end of 8 bits; in both runtimes."""
    data = step_of(repeating(classes, scale=0.00616))
    values = {2: range(-128, 128), 3: (-128, -127, -1, 0, 1, 126, 127), 4: (-128, -127, 3, 127)}[classes]
    grid = np.array([*itertools.product(values, repeat=classes)], np.int8)
    grid = grid[:: max(1, len(grid) // 3000)]
    model = TFLiteModel(data, kernels="reference")
    silence = [np.full(t.shape, t.zero_point, t.dtype) for t in model.inputs[1:]]
    windows = [[row.reshape(1, 1, classes), *silence] for row in grid]
    labels = [tensor.name for tensor in model.outputs].index("next_state_labels")
    one, zero = quantise(np.float32(1), 0.00616, -128, np.int8), -128
    expected = np.where(np.eye(classes, dtype=bool)[grid.argmax(axis=1)], one, zero)
    for answers in (
        [model.run_raw(window) for window in windows],
        [TFLiteModel.run_raw(optimised, w) for optimised in [TFLiteModel(data)] for w in windows],
        tflm.run_windows(data, windows),
    ):
        np.testing.assert_array_equal([answer[labels][0, -1] for answer in answers], expected)


def test_both_runtimes_give_the_same_bytes():
    data = step_of(repeating())
    random, model = np.random.default_rng(0), TFLiteModel(data, kernels="reference")
    windows = [[random.integers(-128, 128, t.shape).astype(np.int8) for t in model.inputs] for _ in range(50)]
    for ours, theirs in zip((model.run_raw(w) for w in windows), tflm.run_windows(data, windows), strict=True):
        for mine, micro in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(mine, micro)


def test_labels_without_a_history_stay_an_input():
    """Of a model that learnt without: its caller tells none."""
    model = keeper(step_of(repeating(), {"rr": None}))
    assert [tensor.name for tensor in model.inputs] == ["ecg", "rr", "labels"]
    none = {"labels": np.zeros((BEFORE, 3), np.float32)}
    known = [model.run(told([0, 0, 1], 0.5) | none)["known"] for _ in range(9)]
    np.testing.assert_allclose(known[-1], [0.5] * BEFORE + [0] * 15, atol=1 / 128)


def exported(monkeypatch, path):
    """As the exporter does, with the hand-made file in the place of a converted model."""
    data = repeating()
    monkeypatch.setattr(strategies, "convert_in_child", lambda *_: Converted(data))
    monkeypatch.setattr(strategies.Strategy, "lint", lambda *_: [])
    monkeypatch.setattr(exporter, "keras_outputs", lambda *_: {})
    monkeypatch.setattr(exporter, "parity", lambda *_: Parity([], {}, {}))
    ecg = keras.Input((1, 3), name="ecg")
    model = keras.Model(ecg, {"probabilities": ecg, "known": ecg})
    check = {
        "ecg": np.random.default_rng(0).integers(256, size=(40, 1, 3)) / 256,
        "rr": np.random.default_rng(1).uniform(0.3, 1, (40, BEFORE)),
        "labels": np.zeros((40, BEFORE, 3)),
    }
    windows = ExportWindows(check, check)
    return exporter.export(model, windows, path, ModelMetadata(fs=100.0), None, streaming=True, histories=HISTORIES)


def test_metadata_describe_the_states_and_reference_vectors_verify(monkeypatch, tmp_path):
    report = exported(monkeypatch, tmp_path / "model.tflite")
    model = TFLiteModel(tmp_path / "model.tflite")
    assert verify_reference(model) == "optimised" and report.path == tmp_path / "model.tflite"
    names = {tensor.name: tensor for tensor in (*model.inputs, *model.outputs)}
    for state in model.metadata.history.states:
        before, after = names[state], names[NEXT + state]
        assert (before.shape, before.scale, before.zero_point) == (after.shape, after.scale, after.zero_point)
    assert model.metadata.history.states == ("state_rr", "state_labels")
    assert len(report.checks) == 6 and all(check.passed for check in report.checks)


def test_a_step_without_its_history_fails_and_leaves_no_file(monkeypatch, tmp_path):
    monkeypatch.setattr(strategies, "convert_to_step", lambda data, histories: convert_to_step(data, {"rr": None}))
    with pytest.raises(AcceptanceError, match="that of the file with histories as inputs, of 40"):
        exported(monkeypatch, tmp_path / "model.tflite")
    assert not [*tmp_path.iterdir()]
