"""What the model card says of the network, beyond its number of parameters."""

import keras
import numpy as np
import pytest

from models_keras.registry import find
from models_keras.rhythm_resnet1d import conv_norm, residual_block, rhythm_resnet1d


def test_a_window_of_ten_seconds_is_averaged_over_forty_steps_of_512_features():
    average = next(
        layer for layer in rhythm_resnet1d().layers if isinstance(layer, keras.layers.GlobalAveragePooling1D)
    )
    assert average.input.shape == (None, 40, 512)


@pytest.mark.parametrize(("filters", "stride", "convolutions"), [(4, 1, 2), (8, 1, 3), (4, 2, 3)])
def test_a_block_convolves_its_shortcut_only_where_the_shape_changes(filters, stride, convolutions):
    x = keras.Input((16, 4))
    model = keras.Model(x, residual_block(x, filters, kernel=7, stride=stride, dropout=0.0))
    assert model.output_shape == (None, 16 // stride, filters)
    assert sum(isinstance(layer, keras.layers.Conv1D) for layer in model.layers) == convolutions


def test_a_block_whose_branch_is_silent_passes_its_input_on():
    x = keras.Input((16, 4))
    model = keras.Model(x, residual_block(x, 4, kernel=7, stride=1, dropout=0.0))
    model.set_weights([np.zeros_like(w) if w.ndim == 3 else w for w in model.get_weights()])
    window = np.random.default_rng(0).normal(size=(1, 16, 4)).astype(np.float32)
    np.testing.assert_array_equal(model(window), np.maximum(window, 0))


def test_convolutions_have_no_bias_and_the_batch_norm_of_the_source():
    x = keras.Input((16, 4))
    _, convolution, norm = keras.Model(x, conv_norm(x, 4, 7)).layers
    assert not convolution.use_bias
    assert (norm.momentum, norm.epsilon) == (0.9, 1e-5)


def test_every_preset_reads_windows_of_ten_seconds():
    assert all(preset.signal["window_s"] == 10 for preset in find("rhythm_resnet1d").presets.values())
