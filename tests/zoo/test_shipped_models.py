"""Every shipped model computes in LiteRT, in TensorFlow Lite Micro and in C what it computed when it was built."""

import shutil

import numpy as np
import pytest
from compiled_program import CompiledProgram

import ecg_edge
from ecg_edge import zoo
from ecg_edge.extras import is_installed
from ecg_edge.records.databases.catalogue import locate
from firmware_bench.mcu import tflm
from firmware_bench.runtime.tflite_model import TFLiteModel

MOST_BYTES = 8_000_000  # of all files
NAMES = zoo.list_models()


def read_golden(name, model):
    """Per window the inputs, and the outputs."""
    with np.load(zoo.MODELS / f"{name}.npz") as archive:
        stored = dict(archive)
    inputs, outputs = ([stored[f"{kind}_{t.name}"] for t in tensors]
                       for kind, tensors in (("input", model.inputs), ("output", model.outputs)))  # fmt: skip
    windows = range(len(inputs[0]))
    return [[x[n : n + 1] for x in inputs] for n in windows], [[x[n : n + 1] for x in outputs] for n in windows]


def assert_equal(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)


def test_there_are_models_and_they_are_small():
    assert NAMES and sum(path.stat().st_size for path in zoo.MODELS.iterdir()) <= MOST_BYTES
    assert {path.stem for path in zoo.MODELS.iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_card_is_of_the_file(name):
    card, model = zoo.read_card(name), TFLiteModel(zoo.MODELS / f"{name}.tflite")
    metadata = model.metadata
    assert card.digest == metadata.digest and card.device.file_bytes == zoo.find_model(name).stat().st_size
    assert (tuple(card.labels), card.leads, card.fs) == (metadata.labels, metadata.leads, metadata.fs)
    assert card.temperature == metadata.decision.get("temperature") and card.limits and card.data[0].licence
    assert all(each.integers.low <= each.integers.value <= each.integers.high for each in card.figures)


@pytest.mark.parametrize("name", NAMES)
def test_golden_outputs_in_litert(name):
    model = TFLiteModel(zoo.MODELS / f"{name}.tflite", kernels="reference")
    inputs, outputs = read_golden(name, model)
    assert_equal([model.run_raw(window) for window in inputs], outputs)
    assert len({b"".join(x.tobytes() for x in each) for each in outputs}) > 2


@pytest.mark.parametrize("name", NAMES)
def test_golden_outputs_in_tensorflow_lite_micro(name):
    if not is_installed("tflite_micro"):
        pytest.skip("tflite-micro is not installed")
    path = zoo.MODELS / f"{name}.tflite"
    inputs, outputs = read_golden(name, TFLiteModel(path))
    assert_equal(tflm.run_windows(path.read_bytes(), inputs), outputs)


@pytest.mark.parametrize("name", NAMES)
def test_golden_outputs_in_c(name, tmp_path):
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    path = zoo.MODELS / f"{name}.tflite"
    inputs, outputs = read_golden(name, TFLiteModel(path))
    program = CompiledProgram(path.read_bytes(), tmp_path / "program")
    found = [program.run(x, [np.empty_like(y) for y in ys]) for x, ys in zip(inputs, outputs, strict=True)]
    assert_equal(found, outputs)


@pytest.mark.parametrize("name", NAMES)
def test_labels_of_real_recordings_stay(name, real_data):
    """Two recordings in a hundred may move where a runtime rounds otherwise."""
    fixed = zoo.read_card(name).fixed_set
    for member in fixed.data.split("+"):
        real_data(member)
    database, folder = locate(fixed.data)
    model, found, right = ecg_edge.load(name), {}, 0
    for entry in database.index(folder):
        if entry.name in fixed.predicted:
            record = database.read(folder, entry)
            found[entry.name] = model.predict(record.signal, record.fs, record.leads, record.units).label
            right += entry.labels[:1] == (found[entry.name],)
    moved = [record for record, label in fixed.predicted.items() if found[record] != label]
    assert len(moved) <= 0.02 * len(found), moved
    assert fixed.accuracy is None or right / len(found) == pytest.approx(fixed.accuracy, abs=0.02)
