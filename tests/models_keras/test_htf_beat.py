"""The beat classifier's features, and the two parts that a device runs at different times."""

import keras
import numpy as np
import pytest

from models_keras.htf_beat import fused_features, htf_beat, split_model
from models_keras.layers.spectrum import LogSpectrum
from models_keras.registry import find


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return htf_beat(**find("htf_beat").presets["tiny"].model)


@pytest.fixture(scope="module")
def beats():
    random = np.random.default_rng(0)
    return {
        "ecg": random.normal(size=(6, 256, 2)).astype(np.float32),
        "rr": random.uniform(0.3, 1.5, (6, 5)).astype(np.float32),
        "labels": np.eye(3, dtype=np.float32)[random.integers(3, size=(6, 5))],
    }


def test_features_of_the_published_size():
    assert fused_features(htf_beat()).output_shape == (None, 576)
    assert split_model(htf_beat())[0].output_shape == (None, 512)


def test_morphology_once_and_then_the_history_give_what_the_whole_gives(model, beats):
    morphology, history_head = split_model(model)
    features = np.asarray(morphology(beats["ecg"]))
    outputs = history_head({"morphology": features, "rr": beats["rr"], "labels": beats["labels"]})
    np.testing.assert_allclose(outputs["probabilities"], model(beats), atol=1e-6)
    np.testing.assert_allclose(outputs["fused"], fused_features(model)(beats), atol=1e-6)


def test_the_fused_features_are_morphology_before_history(model, beats):
    fused, morphology = fused_features(model)(beats), split_model(model)[0](beats["ecg"])
    np.testing.assert_array_equal(fused[:, : morphology.shape[1]], morphology)
    other_history = fused_features(model)(beats | {"labels": 1 - beats["labels"]})
    changed = np.any(np.asarray(fused) != np.asarray(other_history), axis=0)
    assert changed[morphology.shape[1] :].any()
    assert not changed[: morphology.shape[1]].any()


def test_a_beat_run_backwards_keeps_the_features_of_its_spectrum_and_changes_the_others(model, beats):
    morphology = split_model(model)[0]
    turned = np.roll(beats["ecg"][:, ::-1], 1, axis=1)  # the Fourier transform's complex conjugate
    forwards, backwards = (np.asarray(morphology(ecg)) for ecg in (beats["ecg"], turned))
    kept = np.isclose(forwards, backwards, atol=1e-4).all(axis=0)
    time, spectrum = np.split(kept, 2)
    assert spectrum.all()
    assert time.mean() < 0.5  # some are silent both ways


@pytest.mark.parametrize("name", ["ecg", "rr", "labels"])
def test_the_answer_depends_on_every_input(name, model, beats):
    changed = beats | {name: beats[name][::-1].copy()}
    assert np.abs(np.asarray(model(beats)) - np.asarray(model(changed))).max() > 1e-4


def test_the_parts_of_a_loaded_model_share_its_weights(model, beats, tmp_path):
    split_model(model)  # does not touch the model that is saved
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    morphology, history_head = split_model(loaded)
    loaded.set_weights([weight + 0.1 for weight in loaded.get_weights()])
    inputs = {"morphology": np.asarray(morphology(beats["ecg"])), "rr": beats["rr"], "labels": beats["labels"]}
    np.testing.assert_allclose(history_head(inputs)["probabilities"], loaded(beats), atol=1e-6)


def test_what_is_the_patients_own_is_an_input_of_the_history(beats):
    model = htf_beat(relative=True, **find("htf_beat").presets["tiny"].model)
    more = beats | {"own": np.linspace(0, 2, 18, dtype=np.float32).reshape(6, 3)}
    morphology, history_head = split_model(model)
    parts = {"morphology": np.asarray(morphology(beats["ecg"])), **{n: more[n] for n in ("rr", "labels", "own")}}
    np.testing.assert_allclose(history_head(parts)["probabilities"], model(more), atol=1e-6)
    changed = model(more | {"own": more["own"][::-1]})
    assert np.abs(np.asarray(model(more)) - np.asarray(changed)).max() > 1e-4


@pytest.mark.parametrize("form", LogSpectrum.FORMS)
def test_the_spectrum_is_that_of_the_option(form):
    model = htf_beat(spectrum=form, **find("htf_beat").presets["tiny"].model)
    assert [layer.form for layer in model.layers if isinstance(layer, LogSpectrum)] == [form]


def test_both_spectra_give_nearly_the_same_features(beats):
    """So that a model trained on one of them can be run with the other."""
    tiny = find("htf_beat").presets["tiny"].model
    integer, published = (fused_features(htf_beat(spectrum=form, **tiny)) for form in LogSpectrum.FORMS)
    published.set_weights(integer.get_weights())
    expected = np.asarray(published(beats))
    assert np.abs(integer(beats) - expected).max() < 0.05 * np.abs(expected).max()
