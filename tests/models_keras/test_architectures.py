"""The battery that every registered architecture passes. A new one gets it by being registered."""

import time

import keras
import numpy as np
import pytest
from tiny_models import built, compiled, inputs_of, predicted, shared, targets_of, task_of, trainable

from ecg_edge.api.dry_run import try_training_step
from ecg_edge.records.record import STANDARD_LEADS
from ecg_edge.reporter import LineReporter
from ecg_edge.tasks import TASKS
from ecg_edge.tasks.predictor import keras_inputs
from ecg_edge.training.config import SignalConfig, resolve
from firmware_bench.front_end.plan import plan_front_end
from models_keras.registry import find, names

PRESETS = ("paper", "edge", "tiny")
CLASSIFIERS = ("classes", "labels")


@pytest.mark.parametrize("name", names())
def test_every_name_is_described(name):
    architecture = find(name)
    assert architecture.name == name
    assert architecture.task in TASKS and architecture.task not in architecture.other_tasks
    assert tuple(architecture.presets) == PRESETS
    assert architecture.paper and architecture.summary and architecture.published


@pytest.mark.parametrize(("name", "task"), [(name, task) for name in names() for task in find(name).other_tasks])
def test_the_output_fits_every_other_task(name, task):
    architecture = find(name)
    model = architecture.build(256, 2, 5, **architecture.presets["tiny"].model, **architecture.other_tasks[task])
    sums = predicted(model, inputs_of(model, np.array([0.0, 50.0])))["probabilities"].sum(axis=1)
    assert np.allclose(sums, 1.0, atol=1e-5) == (TASKS[task].output == "classes")


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("preset", PRESETS)
def test_presets_name_existing_settings(name, preset):
    architecture = find(name)
    settings = resolve(architecture, TASKS[architecture.task].Options, preset, "synthetic", None, 0, [])
    for section, chosen in (("model", settings.model), ("task", settings.task)):
        assert getattr(architecture.presets[preset], section).keys() - {"name"} <= chosen.keys()


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("preset", ["edge", "tiny"])
def test_a_device_can_compute_the_preprocessing_of_small_presets(name, preset):
    signal = SignalConfig(**find(name).presets[preset].signal)
    leads = list(find(name).presets[preset].parameters)[0]
    planned = plan_front_end(signal.steps(), signal.fs, 250.0, [1000.0] * leads, [0] * leads)
    assert planned.scale or signal.normalise in ("none", "window")


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("preset", PRESETS)
def test_studies_vary_existing_settings(name, preset):
    for variants in find(name).studies.values():
        assert len({variant.name for variant in variants}) == len(variants) > 1
        for variant in variants:
            architecture = find(variant.arch or name)
            assert architecture.task == find(name).task  # or they could not be compared
            assert set((variant.leads or "I").split(",")) <= set(STANDARD_LEADS)
            varied_settings(variant, architecture, preset)


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_every_variant_of_a_study_can_be_built(name):
    for variant in [variant for variants in find(name).studies.values() for variant in variants]:
        architecture = find(variant.arch or name)
        settings = varied_settings(variant, architecture, "tiny")
        samples = task_of(architecture.name).input_length(settings.signal.window_spec())
        leads = len(variant.leads.split(",")) if variant.leads else 12
        assert trainable(architecture.build(samples, leads, architecture.classes, **settings.model)) > 0


def varied_settings(variant, architecture, preset):
    """The settings of a study's variant. Raises InputError for one that there is not."""
    assignments = [f"{key}={value}" for key, value in variant.settings.items()]
    return resolve(architecture, TASKS[architecture.task].Options, preset, "synthetic", None, 0, assignments)


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("preset", PRESETS)
def test_parameter_counts_are_exact(name, preset):
    pinned = find(name).presets[preset].parameters
    assert pinned, "every preset pins its number of parameters"
    for leads, count in pinned.items():
        assert trainable(built(name, preset, leads)) == count


@pytest.mark.parametrize("name", names())
def test_inputs_and_outputs_are_named(name):
    model, task = shared(name), task_of(name)
    assert {tensor.name for tensor in model.inputs} <= {"ecg", "rr", "labels", "features", "history", "weights"}
    main = "probabilities" if task.output in CLASSIFIERS else "reconstruction"
    assert main in (model.output if isinstance(model.output, dict) else model.output_names)


@pytest.mark.parametrize("name", names())
def test_outputs_have_the_range_that_the_task_expects(name):
    model, task = shared(name), task_of(name)
    inputs, levels = inputs_of(model, np.zeros(3)), np.array([0.0, 1.0, 100.0], np.float32)
    for key in inputs.keys() - {"weights"}:
        inputs[key] *= levels.reshape(-1, *[1] * (inputs[key].ndim - 1))
    outputs = predicted(model, inputs)
    if task.output not in CLASSIFIERS:
        assert outputs["reconstruction"].shape == inputs["ecg"].shape
        assert np.isfinite(outputs["reconstruction"]).all()
        return
    probabilities = outputs["probabilities"]
    assert probabilities.shape == (3, find(name).classes)
    assert (probabilities >= 0).all() and (probabilities <= 1).all()
    if task.output == "classes":
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("name", names())
def test_every_weight_gets_a_gradient(name):
    model, targets = compiled(name, keras.optimizers.SGD(1.0), run_eagerly=True), targets_of(name, 8)
    before = [variable.numpy() for variable in model.trainable_variables]
    model.train_on_batch(keras_inputs(inputs_of(model, targets)), targets)
    after = [variable.numpy() for variable in model.trainable_variables]
    assert all(np.isfinite(value).all() for value in after)
    still = [v.path for v, old, new in zip(model.trainable_variables, before, after, strict=True) if (old == new).all()]
    # A bias in front of batch norm has no effect on the output, hence no gradient beyond rounding.
    assert not [path for path in still if not path.endswith("bias")]


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_a_few_steps_lower_the_loss(name):
    model, targets = compiled(name, keras.optimizers.Adam(3e-3)), targets_of(name, 18)
    inputs = keras_inputs(inputs_of(model, targets))
    losses = model.fit(inputs, targets, batch_size=18, epochs=40, verbose=0).history["loss"]
    assert np.mean(losses[-3:]) < losses[0] - 0.1 * abs(losses[0])


@pytest.mark.parametrize("name", names())
def test_saved_and_loaded_it_predicts_the_same(name, tmp_path):
    model = shared(name)
    inputs = inputs_of(model, np.arange(4))
    model.save(tmp_path / "model.keras")
    loaded = predicted(keras.models.load_model(tmp_path / "model.keras"), inputs)
    outputs = predicted(model, inputs)
    assert outputs.keys() == loaded.keys()
    for key in outputs:
        np.testing.assert_array_equal(outputs[key], loaded[key], err_msg=key)


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_a_dry_run_of_the_tiny_preset_takes_less_than_a_minute(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    start = time.process_time()
    try_training_step(name, "tiny", reporter=LineReporter())
    assert time.process_time() - start < 60  # of one processor, whatever else runs on the machine
    printed = capsys.readouterr().err
    assert "trainable parameters; loss of one batch" in printed
    loss = float(printed.split("loss of one batch ")[1].split()[0])
    assert np.isfinite(loss)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_name_lists_the_others():
    with pytest.raises(ValueError, match="no architecture 'cnn_att_bilstn': there is cae, .*cnn_att_bilstm"):
        find("cnn_att_bilstn")
