"""Every shipped model computes in LiteRT, in TensorFlow Lite Micro and in C what it computed when it was built."""

import shutil

import pytest
from golden_replay import Golden

import ecg_edge
from ecg_edge import zoo
from ecg_edge.extras import is_installed
from ecg_edge.records.databases.catalogue import locate
from firmware_bench.runtime.tflite_model import TFLiteModel

MOST_BYTES = 8_000_000  # of all files
NAMES = zoo.list_models()
FILES = sorted(zoo.MODELS.glob("*.tflite"))  # of a model that takes features of beats there are two


def test_there_are_models_and_they_are_small():
    assert NAMES and sum(path.stat().st_size for path in zoo.MODELS.iterdir()) <= MOST_BYTES
    golden = {path.stem for path in zoo.MODELS.glob("*.npz")}
    assert {path.stem.removesuffix("-beats") for path in FILES} == set(NAMES) <= golden == {path.stem for path in FILES}


@pytest.mark.parametrize("name", NAMES)
def test_the_card_is_of_the_file(name):
    card, model = zoo.read_card(name), TFLiteModel(zoo.MODELS / f"{name}.tflite")
    metadata = model.metadata
    own = [path for path in FILES if path.stem == name or (metadata.embedder and path.name == metadata.embedder.file)]
    assert card.digest == metadata.digest and card.device.file_bytes == sum(path.stat().st_size for path in own)
    assert (tuple(card.labels), card.leads, card.fs) == (metadata.labels, metadata.leads, metadata.fs)
    assert card.temperature == metadata.decision.get("temperature") and card.limits and card.data[0].licence
    assert all(each.integers.low <= each.integers.value <= each.integers.high for each in card.figures)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_outputs_in_litert(path):
    golden = Golden(path)
    replayed = golden.replay_in_litert()
    assert len({b"".join(x.tobytes() for x in outputs) for _, outputs in replayed}) > 2


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_outputs_in_tensorflow_lite_micro(path):
    if not is_installed("tflite_micro"):
        pytest.skip("tflite-micro is not installed")
    Golden(path).replay_in_micro()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_outputs_in_c(path, tmp_path):
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    Golden(path).replay_in_c(tmp_path / "program")


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
