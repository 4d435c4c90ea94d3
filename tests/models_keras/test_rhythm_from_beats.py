"""What the sequence of beats means to the model: how many there are, and in which order."""

import keras
import numpy as np
import pytest

from ecg_edge.tasks.beat_rhythm import PLAIN
from models_keras.htf_beat import fused_features, htf_beat
from models_keras.registry import find
from models_keras.rhythm_from_beats import rhythm_from_beats

SMALL = {"features": 40, "width": 16, "blocks": 2, "heads": 2, "mlp": 32}
VALID = np.array([3, 11, 20, 20])  # beats per window


def windows(slots, width=SMALL["features"]):
    """Four windows of VALID beats in `slots` places, zeros behind them."""
    random = np.random.default_rng(0)
    beats, rr = random.normal(size=(4, 20, width)), random.uniform(0.4, 1.2, (4, 20, 1))
    valid = np.arange(slots) < VALID[:, None]
    mask = valid[:, :20, None]
    padding = [(0, 0), (0, slots - 20), (0, 0)]
    arrays = {
        "features": np.pad(beats * mask, padding),
        "rr": np.pad(rr * mask, padding),
        "weights": valid / VALID[:, None],
    }
    return {name: array.astype(np.float32) for name, array in arrays.items()}


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return rhythm_from_beats(32, **SMALL)


def difference(ours, theirs):
    return np.abs(np.asarray(ours) - np.asarray(theirs)).max()


def test_padding_hardly_matters(model):
    clean, dirty = windows(32), windows(32)
    noise = np.random.default_rng(1).normal(size=clean["features"].shape).astype(np.float32)
    dirty["features"] += noise * (clean["weights"] == 0)[..., None]
    assert difference(model(clean), model(dirty)) < 0.01
    valid = clean | {"features": clean["features"] + noise * (clean["weights"] > 0)[..., None]}
    assert difference(model(clean), model(valid)) > 0.05


def test_the_number_of_places_hardly_matters(model):
    wider = rhythm_from_beats(64, **SMALL)
    wider.set_weights(model.get_weights())
    assert difference(model(windows(32)), wider(windows(64))) < 0.01


def test_the_order_of_beats_matters(model):
    backwards = {name: array.copy() for name, array in windows(32).items()}
    for n, count in enumerate(VALID):
        backwards["features"][n, :count] = backwards["features"][n, :count][::-1]
    assert difference(model(windows(32)), model(backwards)) > 1e-4


def test_the_interval_to_the_beat_before_matters(model):
    faster = windows(32)
    faster["rr"] /= 2
    assert difference(model(windows(32)), model(faster)) > 1e-3


def test_without_morphology_it_reads_times_and_classes():
    model = rhythm_from_beats(32, morphology=False)
    assert {x.name: x.shape for x in model.inputs} == {
        "features": (None, 32, PLAIN),
        "rr": (None, 32, 1),
        "weights": (None, 32),
    }
    # As published, but for 64 learned features in place of 576 given ones.
    history = PLAIN * 64 + 64 + 64 * 64 + 64
    assert model.count_params() == 892_806 - (576 - 64) * 128 + history
    assert model(windows(32, PLAIN)).shape == (4, 6)


@pytest.mark.parametrize("preset", ["paper", "edge", "tiny"])
def test_it_reads_the_features_of_the_beat_classifier_of_its_preset(preset):
    features = fused_features(htf_beat(**find("htf_beat").presets[preset].model)).output_shape[-1]
    sizes = find("rhythm_from_beats").presets[preset].model
    assert rhythm_from_beats(**{**sizes, "morphology": True}).inputs[0].shape == (None, 32, features)


def test_more_beats_than_positions_are_refused():
    with pytest.raises(ValueError, match="65 tokens, but positions for 64"):
        rhythm_from_beats(65, **SMALL)
