"""What a model shows of itself."""

import numpy as np
import pytest
import tiny_models

from ecg_edge.attribution.inner_maps import measure_memory, read_attention, run_part
from ecg_edge.tasks.predictor import KerasPredictor
from firmware_bench.runtime.errors import InputError


def test_the_memory_is_the_time_constant_of_the_states():
    model = tiny_models.built("ecg_mamba")
    inputs = tiny_models.inputs_of(model, np.arange(2))
    layers = [layer for layer in model.layers if hasattr(layer, "dt_bias")]
    assert len(layers) == 2  # one for each direction
    for layer, steps in zip(layers, (50.0, 20.0), strict=True):
        layer.dt_down.assign(np.zeros(layer.dt_down.shape))
        layer.dt_bias.assign(np.full(layer.dt_bias.shape, np.log(np.expm1(1 / steps))))  # softplus of it is 1 / steps
    found = measure_memory(model, inputs, 10.0)
    assert found.shape == (2, 250)
    middle = 2 / (1 / 50 + 1 / 20)  # the median of as many steps of one as of the other
    np.testing.assert_allclose(found, middle * 10.0 / 250, rtol=1e-3)


def test_the_attention_gate_is_that_of_its_layer():
    model = tiny_models.shared("cnn_att_bilstm")
    inputs = tiny_models.inputs_of(model, np.arange(2))
    found = read_attention(KerasPredictor(model), model, inputs)
    (before, after) = run_part(
        model, [model.get_layer("attention").input, model.get_layer("attention_gate").output], inputs
    )
    seen = np.abs(before) > 1e-3
    gate = np.where(seen, after / np.where(seen, before, 1), np.nan)
    assert found.shape == before.shape[:2] and (found > 0).all() and (found < 1).all()
    np.testing.assert_allclose(found[seen.all(axis=-1)], np.nanmean(gate, axis=-1)[seen.all(axis=-1)], rtol=1e-3)


def test_a_detector_shows_its_attention_to_leads_and_time():
    model = tiny_models.shared("vae_bilstm_mha")
    inputs = tiny_models.inputs_of(model, np.arange(2))
    for keras_model in (model, None):  # None: an exported file
        found = read_attention(KerasPredictor(model), keras_model, inputs)
        assert found.shape == inputs["ecg"].shape
        np.testing.assert_allclose(found.mean(axis=(1, 2)), 1, rtol=1e-3)


def test_models_without_either_are_refused():
    model = tiny_models.shared("ecg_mamba")
    inputs = tiny_models.inputs_of(model, np.arange(1))
    with pytest.raises(InputError, match="no attention: a run of cnn_att_bilstm"):
        read_attention(KerasPredictor(model), model, inputs)
    for other in (None, tiny_models.shared("cnn_att_bilstm")):
        with pytest.raises(InputError, match="no states: a run of ecg_mamba"):
            measure_memory(other, inputs, 10.0)
