"""The figures that arXiv 2511.08650 and its code publish."""

import keras
import pytest

from models_keras.cnn_att_bilstm import cnn_att_bilstm

ABLATIONS = {
    (True, (128, 64)): 945_865,
    (False, ()): 501_833,
    (True, ()): 518_345,
    (False, (128, 64)): 929_353,
}


@pytest.mark.parametrize(("variant", "parameters"), ABLATIONS.items())
def test_all_parameters_of_the_published_ablation(variant, parameters):
    attention, lstm_units = variant
    assert cnn_att_bilstm(attention=attention, lstm_units=lstm_units).count_params() == parameters


def test_the_recurrent_part_sees_118_steps_of_a_minute():
    first = next(layer for layer in cnn_att_bilstm().layers if isinstance(layer, keras.layers.Bidirectional))
    assert first.input.shape == (None, 118, 128)
