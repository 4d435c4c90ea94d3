"""The selective state space: its equations in double precision, and every way to compute them against the others."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from models_keras.layers.selective_ssm import CHUNK, FORMS, INITIAL_DT, SelectiveSSM, initial_dt_bias, step_state

JAX = keras.backend.backend() == "jax"


def sequences(time, batch=2, width=6):
    return np.random.default_rng(time).normal(size=(batch, time, width)).astype(np.float32)


def random_layer(width=6, **settings):
    """A layer whose weights are all random, so that no part of it is idle; its steps reach from 0.02 to 2."""
    layer = SelectiveSSM(states=4, rank=2, **settings)
    layer.build((None, None, width))
    random = np.random.default_rng(1)
    layer.set_weights([random.normal(size=weight.shape) * 0.7 for weight in layer.weights])
    layer.dt_bias.assign(random.uniform(-4, 2, layer.dt_bias.shape))
    return layer


def twin(layer, **settings):
    """Another layer with the same weights."""
    other = SelectiveSSM.from_config({**layer.get_config(), **settings})
    other.build((None, None, layer.D.shape[0]))
    other.set_weights(layer.get_weights())
    return other


def gradients(call, layer, x):
    """Of a sum of squares by every weight of the layer and by its input, whichever the backend."""
    source = keras.layers.Dense(x.shape[2], use_bias=False, kernel_initializer="identity")

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.source, self.layer = source, layer

        def call(self, x):
            return call(self.source(x))

    model = Model()
    model.compile(keras.optimizers.SGD(1.0), loss="mse")
    model(x)
    before = model.get_weights()
    model.train_on_batch(x, np.ones_like(x))
    return [old - new for old, new in zip(before, model.get_weights(), strict=True)]


def test_the_recurrence_is_the_exact_zero_order_hold_of_a_state_space_with_a_of_minus_one():
    layer, x = random_layer(), sequences(40)
    weights = dict(zip((weight.name for weight in layer.weights), layer.get_weights(), strict=True))
    dt_down, dt_up, B_proj, C_proj, dt_bias, D = (
        weights[name].astype(np.float64) for name in ("dt_down", "dt_up", "B_proj", "C_proj", "dt_bias", "D")
    )
    for sequence, outputs in zip(x.astype(np.float64), np.asarray(layer(x)), strict=True):
        h = np.zeros((4, 6))
        for x_t, y_t in zip(sequence, outputs, strict=True):
            delta = np.log1p(np.exp(x_t @ dt_down @ dt_up + dt_bias))  # softplus: (states, channels)
            a_bar = np.exp(-delta)
            b_bar = (a_bar - 1) / -1 * (x_t @ B_proj)[:, None]
            h = a_bar * h + b_bar * x_t
            np.testing.assert_allclose(y_t, (x_t @ C_proj) @ h + D * x_t, atol=1e-5)


@pytest.mark.parametrize("time", [1, CHUNK, 5 * CHUNK + 3])
@pytest.mark.parametrize("form", [form for form in FORMS if form != "scan"])
def test_every_form_gives_the_outputs_and_gradients_of_the_scan(form, time):
    x = sequences(time)
    layer = random_layer(form="scan")
    other = twin(layer, form=form)
    np.testing.assert_allclose(other(x), layer(x), atol=1e-5)
    expected = gradients(layer, layer, x)
    assert all(np.abs(gradient).max() > 1e-3 for gradient in expected)
    for ours, theirs in zip(gradients(other, other, x), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


@pytest.mark.parametrize("form", FORMS)
def test_backwards_is_the_same_layer_on_the_reversed_sequence(form):
    x = sequences(21)
    layer = random_layer(form=form)
    np.testing.assert_array_equal(twin(layer, backwards=True)(x), np.asarray(layer(x[:, ::-1]))[:, ::-1])


def test_no_output_depends_on_what_comes_later():
    layer, x = random_layer(), sequences(30)
    changed = x.copy()
    changed[:, 13:] += 1.0
    now, then = np.asarray(layer(x)), np.asarray(layer(changed))
    np.testing.assert_array_equal(now[:, :13], then[:, :13])
    assert (now[:, 13:] != then[:, 13:]).any(axis=-1).all()


def test_before_training_the_states_decay_as_those_of_mamba():
    """exp(Δ A) with A = -1, -2, …: the first state at any step, the others where the step is small."""
    zeros = np.zeros(5, np.float32)
    decay = np.asarray(
        step_state(np.ones((4, 5), np.float32), zeros, zeros, zeros[:4], initial_dt_bias((4, 5), "float32"))
    )
    steps, rates = np.geomspace(*INITIAL_DT, 5), np.arange(1, 5)[:, None]
    np.testing.assert_allclose(decay[0], np.exp(-steps), rtol=1e-5)
    np.testing.assert_allclose(decay[:, 0], np.exp(-steps[0] * rates)[:, 0], rtol=1e-5)


def test_it_remembers_its_settings():
    settings = {"states": 3, "rank": 5, "backwards": True, "form": "scan"}
    assert settings.items() <= SelectiveSSM(**settings).get_config().items()


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match="choose one of scan, parallel, unrolled"):
        SelectiveSSM(form="fast")


@pytest.mark.skipif(not JAX, reason="what a gradient remembers can be asked of JAX only")
def test_training_remembers_two_states_per_chunk_instead_of_all():
    import jax

    def remembered(form):
        shapes = [(2, 10 * CHUNK, c) for c in (32, 32, 16, 16)] + [(16, 32)]
        arguments = [np.zeros(shape, np.float32) for shape in shapes]
        pullback = jax.eval_shape(lambda *arguments: jax.vjp(FORMS[form], *arguments)[1], *arguments)
        return sum(leaf.size for leaf in jax.tree.leaves(pullback))

    states, inputs = 2 * 10 * CHUNK * 16 * 32, 2 * 10 * CHUNK * 2 * (32 + 16) + 16 * 32
    assert remembered("scan") > states
    assert remembered("parallel") < 1.01 * (2 * states / CHUNK + inputs)


@pytest.mark.skipif(JAX, reason="counts in TensorFlow's graph")
def test_the_work_grows_linearly_with_the_length():
    import tensorflow as tf

    layer = random_layer(form="unrolled")

    def work(time):
        """Numbers written by all operators."""
        function = tf.function(layer).get_concrete_function(tf.TensorSpec((1, time, 6)))
        return sum(output.shape.num_elements() for op in function.graph.get_operations() for output in op.outputs)

    once, twice, four_times = (work(10 * CHUNK * times) for times in (1, 2, 4))
    assert four_times - twice == 2 * (twice - once) > 0


@pytest.mark.slow
@pytest.mark.skipif(JAX, reason="this is the JAX backend")
@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="jax is not installed: pip install -e .[train]")
def test_the_forms_agree_under_jax_too():
    chosen = f"(every_form and {5 * CHUNK + 3}) or remembers"  # JAX takes seconds to compile each
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-k", chosen, __file__]
    done = subprocess.run(
        command,
        env={**os.environ, "KERAS_BACKEND": "jax"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
