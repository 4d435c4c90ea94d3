"""The ablations of arXiv 2406.10098, what each leaves out, and a cost that grows no faster than the recording."""

import keras
import numpy as np
import pytest

from models_keras.ecg_mamba import PATCH, ecg_mamba
from models_keras.layers.normalisation import LayerNorm
from models_keras.layers.positions import SinusoidalPositions, sinusoids
from models_keras.layers.selective_ssm import CHUNK, SelectiveSSM
from models_keras.registry import find


def kinds(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


def trainable(model):
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


@pytest.mark.parametrize("blocks", [1, 4, 8])
def test_a_block_costs_91_008_parameters(blocks):
    """Two projections in and one out, a state space per direction, two convolutions, four normalisations."""
    state_space = 128 * 8 + 8 * 128 + 2 * 128 * 16 + 16 * 128 + 128
    block = 2 * 64 * 128 + 2 * state_space + 128 * 64 + (3 * 64 + 1) * 128 + 3 * 128 * 64 + 4 * 2 * 64
    encoder = 7 * (12 * 32 + 32 * 64 + 64 * 64) + 2 * (32 + 64 + 64)
    assert block == 91_008
    assert trainable(ecg_mamba(blocks=blocks)) == encoder + blocks * block + 5 * (64 + 1)


@pytest.mark.parametrize(
    ("left_out", "parameters"),
    [
        ({"bidirectional": False}, 8_320),
        ({"normalisation": False}, 2 * 2 * 64),
        ({"feed_forward": False}, (3 * 64 + 1) * 128 + 3 * 128 * 64 + 2 * 2 * 64),
        ({"encoder": False}, 7 * (12 * 32 + 32 * 64 + 64 * 64) + 2 * (32 + 64 + 64) - (PATCH * 12 + 1) * 64),
    ],
)
def test_an_ablation_leaves_out_that_part_alone(left_out, parameters):
    assert trainable(ecg_mamba(blocks=1)) - trainable(ecg_mamba(blocks=1, **left_out)) == parameters


@pytest.mark.parametrize("encoder", [True, False])
def test_the_state_spaces_see_250_steps_of_ten_seconds(encoder):
    assert {layer.output.shape for layer in kinds(ecg_mamba(blocks=2, encoder=encoder), SelectiveSSM)} == {
        (None, 250, 128)
    }


def test_each_block_reads_in_both_directions_or_forwards_only():
    def directions(model):
        return [layer.backwards for layer in kinds(model, SelectiveSSM)]

    assert directions(ecg_mamba(blocks=3)) == [False, True] * 3
    assert directions(ecg_mamba(blocks=3, bidirectional=False)) == [False] * 3


def test_eight_blocks_hold_their_values_even_without_layer_norm():
    model = ecg_mamba(256, width=16, states=4, normalisation=False)
    assert len(kinds(model, LayerNorm)) == 0
    assert len(kinds(ecg_mamba(256, width=16, states=4), LayerNorm)) == 16
    windows = np.random.default_rng(0).normal(size=(8, 256, 12)).astype(np.float32)
    inside = keras.Model(model.input, model.layers[-3].input)
    assert np.abs(inside(windows, training=True)).max() < 1000


def test_a_streaming_model_has_no_position_encoding():
    assert len(kinds(ecg_mamba(blocks=1), SinusoidalPositions)) == 1
    assert not kinds(ecg_mamba(blocks=1, positions=False), SinusoidalPositions)


def test_positions_are_sines_and_cosines_of_falling_frequency():
    table = sinusoids(300, 8)
    time = np.arange(300)
    np.testing.assert_allclose(table[:, 0], np.sin(time), atol=1e-6)
    np.testing.assert_allclose(table[:, 1], np.cos(time), atol=1e-6)
    np.testing.assert_allclose(table[:, 6], np.sin(time / 1000), atol=1e-6)
    np.testing.assert_allclose(table[:, 7], np.cos(time / 1000), atol=1e-6)
    x = np.ones((2, 300, 8), np.float32)
    np.testing.assert_allclose(SinusoidalPositions()(x), x + table, atol=1e-6)


@pytest.mark.slow
def test_the_work_of_the_whole_model_grows_linearly_with_the_recording():
    import tensorflow as tf

    def work(samples):
        """Numbers written by all operators of the model, its loops unrolled."""
        model = ecg_mamba(samples, **find("ecg_mamba").presets["tiny"].model)
        for layer in kinds(model, SelectiveSSM):
            layer.form = "unrolled"
        function = tf.function(model).get_concrete_function(tf.TensorSpec((1, samples, 12)))
        return sum(output.shape.num_elements() for op in function.graph.get_operations() for output in op.outputs)

    once, twice, four_times = (work(5 * CHUNK * PATCH * times) for times in (1, 2, 4))
    assert four_times - twice == 2 * (twice - once) > 0
