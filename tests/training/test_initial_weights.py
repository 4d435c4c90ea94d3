"""Initial weights: copied where layer and shape agree, and what was not is named."""

import keras
import numpy as np

from ecg_edge.training.initial_weights import copy_weights


def network(classes=3, filters=4, extra=False):
    x = ecg = keras.Input((20, 1))
    for _ in range(2):
        x = keras.layers.BatchNormalization()(keras.layers.Conv1D(filters, 3)(x))
    x = keras.layers.Dropout(0.1)(keras.layers.GlobalAveragePooling1D()(x))
    if extra:
        x = keras.layers.Dense(4, name="extra")(x)
    return keras.Model(ecg, keras.layers.Dense(classes, name="probabilities")(x))


def test_a_model_of_the_same_form_gets_every_weight_and_statistic():
    source, model = network(), network()  # the second one's layers have other running numbers
    source.set_weights([np.full(weight.shape, 0.5 + i) for i, weight in enumerate(source.get_weights())])
    copied = copy_weights(source, model)
    assert len(copied.copied) == len(model.get_weights()) and copied.describe() == "14 of 14 weights"
    assert copied.share == 1
    for ours, theirs in zip(model.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_does_not_fit_stays_fresh_and_is_named():
    source, model = network(classes=3), network(classes=5, extra=True)
    fresh = model.get_layer("probabilities").get_weights()[0].copy()
    copied = copy_weights(source, model)
    assert copied.other_shape == ("probabilities/kernel", "probabilities/bias")
    assert copied.missing == ("extra/kernel", "extra/bias") and not copied.unused
    np.testing.assert_array_equal(model.get_layer("probabilities").get_weights()[0], fresh)
    assert 0.5 < copied.share < 1
    assert copied.describe().startswith("12 of 16 weights; of another shape or other classes: probabilities/kernel, ")


def test_units_of_the_output_are_copied_by_class():
    source, model = network(classes=3), network(classes=3)
    fresh = model.get_layer("probabilities").get_weights()[0].copy()
    copied = copy_weights(source, model, ("N", "A", "O"), ("STE", "O", "N"))
    theirs, ours = (each.get_layer("probabilities").get_weights()[0] for each in (source, model))
    np.testing.assert_array_equal(ours, np.column_stack([fresh[:, 0], theirs[:, 2], theirs[:, 0]]))
    assert not copied.other_shape
    others = copy_weights(source, model, ("N", "A", "O"), ("x", "y", "z"))
    assert others.other_shape == ("probabilities/kernel", "probabilities/bias")
    np.testing.assert_array_equal(model.get_layer("probabilities").get_weights()[0], ours)


def test_bidirectional_layers_of_a_file_are_found(tmp_path):
    source, model = (keras.Sequential([keras.Input((20, 2)), *bidirectional()]) for _ in range(2))
    source.save(tmp_path / "source.keras")
    copied = copy_weights(keras.models.load_model(tmp_path / "source.keras"), model)
    assert copied.describe() == "12 of 12 weights"
    for ours, theirs in zip(model.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def bidirectional():
    return [keras.layers.Bidirectional(keras.layers.LSTM(3, return_sequences=True)) for _ in range(2)]


def test_a_long_list_is_cut():
    described = copy_weights(network(filters=4), network(filters=5)).describe()
    assert described.startswith("1 of 14 weights") and described.endswith("and 7 more")
