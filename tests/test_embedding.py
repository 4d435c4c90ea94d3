"""The features of beats: those of the embedder itself, however they are computed."""

import dataclasses

import numpy as np
import pytest
from small_recordings import record as plain
from small_recordings import recordings
from tiny_models import built

from ecg_edge.data.examples import WindowSpec
from ecg_edge.embedding import BeatEmbedder, run_beats
from ecg_edge.records.record import Beats
from ecg_edge.run import attach_embedder
from ecg_edge.tasks.beat_history import CLASSES, aami_classes
from ecg_edge.tasks.beat_rhythm import PLAIN, BeatRhythmTask
from ecg_edge.tasks.beats import BeatsTask
from ecg_edge.tasks.predictor import KerasPredictor
from ecg_edge.training.config import resolve
from firmware_bench.runtime.errors import InputError
from models_keras.htf_beat import fused_features, with_features
from models_keras.registry import find

ARCHITECTURE = find("htf_beat")
FORM = WindowSpec(64.0, 128, 128, [], [{"step": "zscore"}])


def record(name, symbols):
    random = np.random.default_rng(len(symbols))
    made = plain(name, 1000, fs=64.0, leads=("I", "II"))
    signal = random.normal(size=(1000, 2)).astype(np.float32)
    beats = Beats(40 + 50 * np.arange(len(symbols)), np.array(list(symbols)))
    return dataclasses.replace(made, signal=signal, beats=beats)


MADE = recordings(record("r0", "NNVNA"), record("r1", "NVN"), leads=("I", "II"), fs=64.0)


@pytest.fixture(scope="module")
def model():
    return built("htf_beat", leads=2)


@pytest.mark.parametrize("labels", ["true", "none"])
def test_features_are_those_of_the_embedder(model, labels):
    embedder, heard = BeatEmbedder("", ARCHITECTURE, model, FORM, ""), []
    embedder.advance = lambda done, total: heard.append((done, total))
    features = embedder(MADE, labels)
    assert heard == [(8, 8)]
    questions = BeatsTask(CLASSES).inference_examples(MADE, FORM)
    if labels == "true":
        questions = dataclasses.replace(questions, known=aami_classes(MADE.beat_symbols))
    expected = fused_features(model).predict(questions.batch(slice(None)), verbose=0)
    np.testing.assert_allclose(features, expected, atol=1e-5)


def test_predicted_labels_are_fed_back(model):
    features = BeatEmbedder("", ARCHITECTURE, model, FORM, "")(MADE, "own")
    own = next(iter(BeatsTask(CLASSES).variants().values()))
    questions = own.inference_examples(MADE, FORM)
    said = own.predict(lambda inputs: model.predict(inputs, verbose=0), questions).argmax(axis=1).astype(np.int8)
    expected = fused_features(model).predict(dataclasses.replace(questions, known=said).batch(slice(None)), verbose=0)
    np.testing.assert_allclose(features, expected, atol=1e-5)


@pytest.mark.parametrize("labels", ["own", "true", "none"])
def test_features_of_some_beats_are_those_of_all(model, labels):
    """One beat at a time, from RUN_IN beats before the first on: here from the start of the recording."""
    whole = BeatEmbedder("", ARCHITECTURE, model, FORM, "")(MADE, labels)
    wanted = np.array([False, False, True, False, True, False, True, True])
    predictor = KerasPredictor(with_features(model))
    found, beats = run_beats(predictor, 40, BeatsTask(CLASSES), MADE, FORM, labels, wanted, lambda done, total: None)
    np.testing.assert_allclose(found[wanted], whole[wanted], atol=1e-5)
    assert not found[~wanted].any() and beats.beats.tolist() == [2, 4, 6, 7]
    np.testing.assert_allclose(with_features(model)(beats.batch(slice(None)))["fused"], whole[wanted], atol=1e-5)


def test_features_of_cached_recordings_are_cached(model, tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path))
    cached, embedder = dataclasses.replace(MADE, key="abc"), BeatEmbedder("", ARCHITECTURE, model, FORM, "weights")
    features = embedder(cached, "none")
    assert isinstance(features, np.memmap) and [file.name for file in tmp_path.iterdir()] == ["abc-weights-none.npy"]
    embedder.model = None
    np.testing.assert_array_equal(embedder(cached, "none"), features)


def test_another_rate_is_refused(model):
    with pytest.raises(InputError, match="takes 64 Hz, the recordings are prepared for 100 Hz"):
        BeatEmbedder("the embedder", ARCHITECTURE, model, FORM, "")(dataclasses.replace(MADE, fs=100.0), "none")


@pytest.mark.parametrize("labels", ["own", "none"])
def test_plain_features_are_rr_intervals_and_probabilities(model, labels):
    embedder = BeatEmbedder("", ARCHITECTURE, model, FORM, "")
    embedder.morphology = False
    features = embedder(MADE, labels)
    assert features.shape == (8, embedder.features) == (8, PLAIN)
    np.testing.assert_allclose(features[1:5, 4], 50 / 64, rtol=1e-6)
    np.testing.assert_allclose(features[:, 5:].sum(axis=1), 1.0, rtol=1e-5)
    predictor, every = KerasPredictor(embedder.with_features()), np.ones(8, bool)
    about = predictor, PLAIN, BeatsTask(CLASSES), MADE, FORM
    found, beats = run_beats(*about, labels, every, lambda done, total: None)
    np.testing.assert_allclose(found, features, atol=1e-5)
    questions = beats.batch(slice(None))
    np.testing.assert_allclose(features[:, 5:], model.predict(questions, verbose=0), atol=1e-5)


def test_own_labels_of_a_classifier_trained_without_are_none(model):
    embedder = BeatEmbedder("", ARCHITECTURE, model, FORM, "")
    with_labels, without = embedder(MADE, "own"), embedder(MADE, "none")
    embedder.knows_labels = False
    np.testing.assert_array_equal(embedder(MADE, "own"), without)
    assert np.abs(with_labels - without).max() > 1e-3


def test_beats_without_signal_have_no_features(model):
    silent = dataclasses.replace(record("r2", "NV"), signal=None, header_samples=1000)
    made = recordings(silent, record("r0", "NNVNA"), leads=("I", "II"), fs=64.0)
    features = BeatEmbedder("", ARCHITECTURE, model, FORM, "")(made, "none")
    assert not features[:2].any()
    np.testing.assert_allclose(
        features[2:], BeatEmbedder("", ARCHITECTURE, model, FORM, "")(MADE, "none")[:5], atol=1e-5
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["model.morphology=true", "task.labels=own"], "train htf_beat and name its run"),
        (["model.morphology=false", "task.labels=own"], "no labels of its own"),
    ],
)
def test_settings_that_need_an_embedder_or_contradict_themselves(settings, message):
    architecture = find("rhythm_from_beats")
    chosen = resolve(architecture, BeatRhythmTask.Options, "tiny", "synthetic", None, 0, settings)
    with pytest.raises(InputError, match=message):
        attach_embedder(BeatRhythmTask(("NSR", "AFIB")), chosen)
