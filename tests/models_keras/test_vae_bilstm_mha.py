"""The recurrent variational autoencoders: published sizes, outputs, attentions, and what is left for a device."""

import functools

import keras
import numpy as np
import pytest

from models_keras.vae_bilstm_mha import attention_maps, vae_bilstm_mha

SAMPLES, LEADS, LATENT = 10, 3, 8


@functools.cache
def small(attention="learned"):
    keras.utils.set_random_seed(0)
    model = vae_bilstm_mha(SAMPLES, LEADS, encoder=(8, 4), latent=LATENT, decoder=(4, 8), attention=attention)
    for variable in model.trainable_variables:  # sharper attentions than an untrained model's
        if "sequence" in variable.path or "leads" in variable.path:
            variable.assign(2 * variable.numpy())
    return model


def windows():
    return np.random.default_rng(0).normal(size=(2, SAMPLES, LEADS)).astype(np.float32)


@functools.cache
def answered(attention="learned"):
    return small(attention).predict(windows(), verbose=0)


@pytest.mark.parametrize(("attention", "parameters"), [("learned", 10_365_274), ("none", 10_331_034)])
def test_parameters_at_the_published_size(attention, parameters):
    model = vae_bilstm_mha(attention=attention)
    assert sum(int(np.prod(variable.shape)) for variable in model.trainable_variables) == parameters


def test_outputs():
    outputs = answered()
    assert {name: output.shape[1:] for name, output in outputs.items()} == {
        "reconstruction": (SAMPLES, LEADS),
        "log_variance": (SAMPLES, LEADS),
        "latent_mean": (SAMPLES, LATENT),
        "latent_log_variance": (SAMPLES, LATENT),
        "lead_attention": (SAMPLES, LEADS),
        "sequence_attention": (SAMPLES,),
    }
    assert set(small("none").output) == set(outputs) - {"lead_attention", "sequence_attention"}


def test_the_attention_outputs_are_means_of_the_maps():
    outputs = answered()
    maps = attention_maps(small()).predict(windows(), verbose=0)
    assert maps["lead"].shape == (2, SAMPLES, 4, LEADS, LEADS)
    assert maps["sequence"].shape == (2, 8, SAMPLES, SAMPLES)
    assert outputs["lead_attention"].std() > 0.01
    assert outputs["sequence_attention"].std() > 0.001
    for found in maps.values():
        np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(outputs["lead_attention"], maps["lead"].mean(axis=(2, 3)), atol=1e-6)
    np.testing.assert_allclose(outputs["sequence_attention"], maps["sequence"].mean(axis=(1, 2)), atol=1e-6)


def test_uniform_attention_has_equal_weights():
    outputs = answered("uniform")
    np.testing.assert_allclose(outputs["lead_attention"], 1 / LEADS, atol=1e-6)
    np.testing.assert_allclose(outputs["sequence_attention"], 1 / SAMPLES, atol=1e-6)


def test_another_attention_is_refused():
    with pytest.raises(ValueError, match="learned, uniform or none, not 'sharp'"):
        small("sharp")
    with pytest.raises(ValueError, match="No such layer"):
        attention_maps(small("none"))


def test_only_training_is_random():
    model = small()
    first, second = (model(windows(), training=False)["reconstruction"] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    first, second = (model(windows(), training=True)["reconstruction"] for _ in range(2))
    assert np.abs(np.asarray(first) - np.asarray(second)).max() > 0.001


def test_a_device_gets_no_random_operator_and_no_loss():
    tf = pytest.importorskip("tensorflow")
    model = small()

    def operators(training):
        traced = tf.function(lambda x: model(x, training=training)).get_concrete_function(
            tf.TensorSpec((1, SAMPLES, LEADS))
        )
        functions = traced.graph.as_graph_def().library.function
        nodes = [*traced.graph.as_graph_def().node, *(node for function in functions for node in function.node_def)]
        return {node.op for node in nodes}

    def suspicious(names):
        return {name for name in names if "Random" in name or name in ("Exp", "Square", "SquaredDifference")}

    assert suspicious(operators(training=True)), "the test would see them"
    assert not suspicious(operators(training=False))


@pytest.mark.slow
@pytest.mark.parametrize("attention", ["learned", "none"])
def test_one_window_is_learnt_by_heart(attention):
    keras.utils.set_random_seed(0)
    model = vae_bilstm_mha(
        24, LEADS, encoder=(16, 8), latent=8, decoder=(8, 16), attention=attention, lead_heads=2, sequence_heads=2
    )
    t = np.arange(24)[:, None] / 24
    window = np.sin(2 * np.pi * t * [[1, 2, 3]]).astype(np.float32)[None]
    model.compile(keras.optimizers.Adam(0.02, global_clipnorm=1.0))
    model.fit(window.repeat(1600, axis=0), np.zeros(1600), batch_size=8, verbose=0)
    error = np.mean((model.predict(window, verbose=0)["reconstruction"] - window) ** 2)
    assert error < 0.02 * np.var(window)
