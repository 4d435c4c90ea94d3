"""Golden inputs and outputs are what a file is given for synthetic ECG, and a replay notices one value that moves."""

import dataclasses
import functools
from pathlib import Path

import keras
import numpy as np
import pytest
from golden_replay import Golden
from keras import layers
from small_models import LABELS, LEADS, SAMPLES, STEPS, altered, convolutional, sharpened
from small_pairs import make_pair

from ecg_edge.extras import is_installed
from ecg_edge.tasks import beat_rhythm
from export.convert.history_step import convert_to_step
from export.convert.strategies import convert
from export.tflite.flatbuffer import set_metadata
from export.tflite.signature import describe_tensors
from firmware_bench.runtime.metadata import TaskMetadata, WindowMetadata
from firmware_bench.runtime.metadata_format import read_metadata

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@functools.cache
def step_of_blocks() -> bytes:
    """A convolution and a running mean, of a window of 50 steps."""
    keras.utils.set_random_seed(3)
    ecg = keras.Input((200, len(LEADS)), name="ecg")
    x = layers.Conv1D(4, 9, strides=4, activation="relu", padding="same")(ecg)
    x = layers.GlobalAveragePooling1D(name="pool")(x)
    probabilities = layers.Dense(len(LABELS), "softmax", name="probabilities")(x)
    noise = np.random.default_rng(0).normal(size=(3, 200, len(LEADS))).astype(np.float32)
    data = convert(sharpened(keras.Model(ecg, probabilities), 4), {"ecg": noise}, streaming=True).data
    return described(
        data, task=TaskMetadata("rhythm"), labels=LABELS, fs=100.0, leads=LEADS, preprocessing=tuple(STEPS),
        window=WindowMetadata(200, 200),
    )  # fmt: skip


@functools.cache
def step_of_beats() -> bytes:
    """A beat classifier that keeps the RR intervals and labels before a beat."""
    data = classifier()
    unsealed = set_metadata(data, dataclasses.replace(read_metadata(data), digest=""))
    made, history = convert_to_step(unsealed, {"rr": None, "labels": "probabilities"})
    return described(made, history=history)


def classifier() -> bytes:
    """The beat classifier of a small pair, as EcgModel takes it."""
    window, task = {"samples": 48, "stride": 48}, {"name": "beats", "labels": "true"}
    return altered(make_pair()[1], labels=["N", "A", "V"], window=window, task=task)


def described(data: bytes, **about) -> bytes:
    inputs, outputs = describe_tensors(data)
    return set_metadata(data, dataclasses.replace(read_metadata(data), inputs=inputs, outputs=outputs, **about))


@pytest.fixture(scope="module")
def make_golden():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import golden

        yield golden.make_golden


@pytest.fixture(scope="module", params=[convolutional, step_of_blocks, step_of_beats], ids=lambda made: made.__name__)
def file(request, make_golden, tmp_path_factory):
    """The path of a file, its golden inputs beside it."""
    path = tmp_path_factory.mktemp("golden") / "model.tflite"
    path.write_bytes(request.param())
    np.savez(path.with_suffix(".npz"), **make_golden(path))
    return path


def test_every_runtime_repeats_it(file, tmp_path):
    golden = Golden(file)
    replayed = golden.replay_in_litert()
    assert len({answers[0].tobytes() for _, answers in replayed}) > 2
    if is_installed("tflite_micro"):
        golden.replay_in_micro()
    golden.replay_in_c(tmp_path / "program")


def test_a_value_that_moves_is_noticed(file, tmp_path):
    golden = Golden(file)
    outputs = [name for name in golden.stored if name.startswith(("output_", "state_"))]
    for name in outputs:
        golden.stored[name].flat[-1] ^= 1
        with pytest.raises(AssertionError):
            golden.replay_in_litert()
        golden.stored[name].flat[-1] ^= 1
    golden.stored[outputs[0]].flat[-1] ^= 1
    with pytest.raises(AssertionError):
        golden.replay_in_c(tmp_path / "program")


def test_whole_windows(make_golden, tmp_path):
    file = tmp_path / "small.tflite"
    file.write_bytes(convolutional())
    golden = make_golden(file)
    assert golden["input_ecg"].shape == (6, SAMPLES, 2) and golden["input_ecg"].dtype == np.int8
    assert golden["output_probabilities"].shape == (6, 3) and golden.keys() == {"input_ecg", "output_probabilities"}


def test_sequences_of_a_stream_outlast_the_window(make_golden, tmp_path):
    file = tmp_path / "step.tflite"
    file.write_bytes(step_of_blocks())
    golden = make_golden(file)
    runs = 75 + 1  # one and a half windows of 50 steps, and the step by which the output is late
    assert golden["begins"].tolist() == [0, runs, 2 * runs] and len(golden["input_ecg"]) == 3 * runs
    assert golden["input_share"][50, 0] == golden["input_share"][60, 0] < golden["input_share"][10, 0]
    assert golden["state_mean_pool"].shape[0] == 3 and not np.any(golden["input_ecg"][runs - 1])


def test_a_pair_has_golden_inputs_of_both_files(make_golden, tmp_path, monkeypatch):
    """The rhythm model's features are those that the beat classifier's file computes."""
    monkeypatch.setattr(beat_rhythm, "BEATS", 8)  # of the small model's window
    rhythm, beats = make_pair()[0], classifier()
    tmp_path.joinpath("beats.tflite").write_bytes(beats)
    file = tmp_path / "rhythm.tflite"
    file.write_bytes(altered(rhythm, embedder={"file": "beats.tflite", "digest": read_metadata(beats).digest}))
    golden, of_beats = make_golden(file), make_golden(tmp_path / "beats.tflite")
    assert golden["input_features"].shape == (6, 8, 6) and len(np.unique(golden["input_features"])) > 20
    assert of_beats["input_labels"].shape[1:] == (5, 3) and len(np.unique(of_beats["input_labels"])) == 2
