"""Pretraining hides stretches of a window, counts errors there alone, and leaves weights that a classifier takes."""

import keras
import numpy as np
import pytest
from keras import layers

from ecg_edge.training.initial_weights import copy_weights
from models_keras.layers.masked_reconstruction import HiddenError, HideStretches, hide_and_reconstruct
from models_keras.registry import find

SAMPLES = 120


def as_array(x):
    return keras.ops.convert_to_numpy(x)


def small_classifier(classes=2):
    ecg = keras.Input((SAMPLES, 1), name="ecg")
    x = layers.Conv1D(16, 9, strides=2, padding="same", activation="relu", name="first")(ecg)
    x = layers.Conv1D(16, 9, strides=2, padding="same", activation="relu", name="second")(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(ecg, layers.Dense(classes, "softmax", name="probabilities")(x))


def test_whole_stretches_are_hidden():
    hide, ecg = HideStretches(7), np.ones((50, SAMPLES, 1), np.float32)
    seen, hidden = map(as_array, hide(ecg, training=True))
    assert hidden.shape == (50, SAMPLES, 1) and np.array_equal(seen, 1 - hidden)
    assert 0.3 < hidden.mean() < 0.5
    stretches = hidden[:, : SAMPLES // 7 * 7, 0].reshape(50, -1, 7)
    assert np.isin(stretches.sum(axis=2), (0, 7)).all()
    others = as_array(hide(ecg, training=True)[1])
    assert len({window.tobytes() for window in (*hidden, *others)}) > 90
    first, second = (as_array(hide(ecg)[1]) for _ in range(2))
    assert np.array_equal(first, second) and len({window.tobytes() for window in first}) == 1 and first.any()


def test_errors_count_where_hidden_relative_to_the_variance_there():
    random = np.random.default_rng(0)
    ecg, found = random.normal(size=(2, 3, SAMPLES, 1)).astype(np.float32)
    hidden = (random.random((3, SAMPLES, 1)) < 0.4).astype(np.float32)
    error = as_array(HiddenError()([ecg, found, hidden]))
    for n in range(3):
        at = hidden[n] > 0
        expected = np.square(ecg[n] - found[n])[at].mean() / (ecg[n][at].var() + 1e-4)
        assert error[n, 0] == pytest.approx(expected, rel=1e-4)


def test_a_periodic_signal_is_learnt():
    keras.utils.set_random_seed(0)
    phases = np.random.default_rng(0).uniform(0, 2 * np.pi, (256, 1))
    ecg = np.sin(np.arange(SAMPLES) / 5 + phases)[..., None].astype(np.float32)
    network = hide_and_reconstruct(small_classifier(), 8)
    network.compile("adam", loss=None)
    network.optimizer.learning_rate = 3e-3
    network.fit(ecg, np.zeros(256), batch_size=32, epochs=25, verbose=0)
    assert as_array(network(ecg)).mean() < 0.4


@pytest.mark.parametrize("name", ["cnn_att_bilstm", "rhythm_resnet1d", "ecg_mamba"])
def test_a_classifier_takes_all_weights_but_those_after_the_series(name):
    architecture = find(name)
    settings = architecture.presets["tiny"].model
    network = hide_and_reconstruct(architecture.build(256, 1, 1, **settings), 20)
    model = architecture.build(256, 1, 5, **settings)
    copied = copy_weights(network, model)
    assert copied.share > 0.85 and all("decoder" in path for path in copied.unused)
    of_head = {weight.path.split("/")[0] for weight in model.layers[-1].weights}
    assert all(path.split("/")[0] in of_head or "dense" in path for path in (*copied.missing, *copied.other_shape))


def test_only_classifiers_of_windows_of_one_lead():
    cae = find("cae")
    with pytest.raises(ValueError, match="classifier"):
        hide_and_reconstruct(cae.build(256, 1, 2, **cae.presets["tiny"].model), 20)
    architecture = find("cnn")
    with pytest.raises(ValueError, match="lead by lead"):
        hide_and_reconstruct(architecture.build(256, 2, 2, **architecture.presets["tiny"].model), 20)
