"""The battery that every registered architecture passes. A new one gets it by being registered."""

import numpy as np
import pytest

from models_keras.registry import MODULES, find, names

keras = pytest.importorskip("keras")


def built(name, preset="tiny", samples=256, leads=3):
    architecture = find(name)
    keras.utils.set_random_seed(0)
    return architecture.build(samples, leads, architecture.classes, **architecture.presets[preset].model)


def trainable(model):
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("preset", ["paper", "edge", "tiny"])
def test_parameter_counts_are_exact(name, preset):
    architecture = find(name)
    pinned = architecture.presets[preset].parameters
    assert pinned, "every preset pins its number of parameters"
    for leads, count in pinned.items():
        assert trainable(built(name, preset, leads=leads)) == count


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_a_few_steps_lower_the_loss(name):
    model = built(name)
    random = np.random.default_rng(0)
    targets = np.arange(18) % model.output_shape[-1]
    windows = random.normal(size=(18, 256, 3)).astype(np.float32) + targets[:, None, None]
    model.compile(keras.optimizers.Adam(3e-3), loss="sparse_categorical_crossentropy")
    losses = model.fit(windows, targets, batch_size=18, epochs=40, verbose=0).history["loss"]
    assert np.mean(losses[-3:]) < 0.9 * losses[0]


@pytest.mark.parametrize("name", names())
def test_every_weight_gets_a_gradient(name):
    model = built(name)
    random = np.random.default_rng(0)
    windows = random.normal(size=(8, 256, 3)).astype(np.float32)
    before = [variable.numpy() for variable in model.trainable_variables]
    model.compile(keras.optimizers.SGD(1.0), loss="sparse_categorical_crossentropy")
    model.fit(windows, np.arange(8), batch_size=8, verbose=0)
    still = [v.path for v, old in zip(model.trainable_variables, before, strict=True) if np.array_equal(v.numpy(), old)]
    # A bias in front of batch norm has no effect on the output, hence no gradient beyond rounding.
    assert not [path for path in still if not path.endswith("bias")]


@pytest.mark.parametrize("name", names())
def test_saved_and_loaded_it_predicts_the_same(name, tmp_path):
    model = built(name)
    windows = np.random.default_rng(0).normal(size=(4, 256, 3)).astype(np.float32)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model.predict(windows, verbose=0), loaded.predict(windows, verbose=0))


@pytest.mark.parametrize("name", names())
def test_outputs_are_probabilities(name):
    outputs = built(name).predict(np.zeros((2, 256, 3), np.float32), verbose=0)
    assert outputs.shape == (2, find(name).classes)
    np.testing.assert_allclose(outputs.sum(axis=1), 1.0, atol=1e-5)


def test_every_name_is_described():
    for name in MODULES:
        architecture = find(name)
        assert architecture.name == name
        assert set(architecture.presets) == {"paper", "edge", "tiny"}
        assert architecture.paper and architecture.summary and architecture.published


def test_an_unknown_name_lists_close_ones():
    with pytest.raises(ValueError, match="did you mean cnn_att_bilstm"):
        find("cnn_att_bilstn")
