"""Reading and running a model file: metadata, damage, state."""

import random

import numpy as np
import pytest
from small_models import LABELS, altered, convolutional, recurrent

from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.metadata import ModelMetadata
from firmware_bench.runtime.metadata_format import read_metadata
from firmware_bench.runtime.reference_vector import make_reference_inputs, verify_reference
from firmware_bench.runtime.tflite_model import TFLiteModel


def test_metadata_are_read_without_a_flatbuffer_library():
    metadata = read_metadata(convolutional())
    assert metadata.labels == LABELS and metadata.inputs[0].shape == (1, 256, 2)


def test_a_foreign_file_has_no_metadata_and_cannot_be_verified():
    foreign = altered(convolutional(), reference=None)
    with pytest.raises(ModelError, match="hold no reference vector"):
        verify_reference(TFLiteModel(foreign))
    bare = convolutional().replace(b"ecg_edge", b"gce_edge")
    with pytest.raises(ModelError, match="no ecg_edge metadata"):
        read_metadata(bare)
    model = TFLiteModel(bare)
    assert model.metadata == ModelMetadata() and model.inputs[0].name == "ecg" and model.inputs[0].shape == (1, 256, 2)


def test_truncated_files_are_refused():
    data = convolutional()
    for length in range(0, len(data), 97):
        with pytest.raises(ModelError):
            TFLiteModel(data[:length])


def test_a_flipped_byte_is_refused_before_the_runtime_sees_it():
    data, chance = convolutional(), random.Random(0)
    name = data.index(b"ecg_edge")
    for _ in range(200):
        position = chance.randrange(64, len(data))
        damaged = bytearray(data)
        damaged[position] ^= 1 << chance.randrange(8)
        if name <= position < name + 8:
            continue  # without its name the metadata is somebody else's
        try:
            model = TFLiteModel(bytes(damaged))
        except ModelError:
            continue
        assert model.metadata == ModelMetadata(), f"byte {position} was flipped unnoticed"


@pytest.mark.slow
def test_state_does_not_reach_the_next_window():
    model = TFLiteModel(recurrent())
    window = make_reference_inputs(model.metadata)[2]
    first = model.run_raw(window)[0]
    assert np.array_equal(model.run_raw(window)[0], first)
    model._interpreter.invoke()  # without a reset
    assert not np.array_equal(model._interpreter.get_tensor(model._out[0]["index"]), first)


def test_run_takes_a_window_or_a_dict_and_refuses_other_shapes():
    model = TFLiteModel(convolutional())
    window = np.random.default_rng(0).normal(size=(256, 2)).astype(np.float32)
    probabilities = model.run(window)
    assert probabilities.shape == (3,) and probabilities.sum() == pytest.approx(1.0, abs=0.02)
    assert np.array_equal(model.run({"ecg": window}), probabilities)
    with pytest.raises(ModelError, match=r"ecg takes \(256, 2\), got \(2, 256\)"):
        model.run(window.T)
    with pytest.raises(ModelError, match="input ecg is missing"):
        model.run({"signal": window})
