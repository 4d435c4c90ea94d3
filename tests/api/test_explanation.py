"""ecg_edge.explain: for every classifier, on the samples of the recording."""

import numpy as np
import pytest
import tiny_models
from small_models import altered, convolutional, reconstructing

import ecg_edge
from ecg_edge import InputError
from ecg_edge.api.prediction import EcgModel
from ecg_edge.records.synthetic_ecg import synthesise
from ecg_edge.tasks.predictor import KerasPredictor
from ecg_edge.training.config import SignalConfig
from firmware_bench.runtime.metadata import ModelMetadata, TaskMetadata
from models_keras.registry import find, names

# One of each that an architecture's file builds; the others are its ablations.
CLASSIFIERS = list({find(name).build: name for name in names() if find(name).task != "anomaly"}.values())
BEATS = ("N", "A", "V")
RECORD = synthesise("PVC", 5, fs=250)


def load_tiny(name):
    """The tiny preset of an architecture, untrained, as `load` gives a run."""
    architecture, keras_model = find(name), tiny_models.shared(name)
    leads = keras_model.inputs[0].shape[2] if keras_model.inputs[0].name == "ecg" else 2
    labels = BEATS if architecture.task == "beats" else [f"class {i}" for i in range(architecture.classes)]
    options = {"labels": "none"} if architecture.task == "beat_rhythm" else {}
    metadata = ModelMetadata(
        architecture=name,
        task=TaskMetadata(architecture.task, options),
        labels=tuple(labels),
        leads=("II", "V1") if leads == 2 else RECORD.leads[:leads],
        decision={"thresholds": [0.5] * len(labels)} if architecture.task == "multilabel" else {},
        **SignalConfig(**architecture.presets["tiny"].signal).window_spec().to_metadata(),
    )
    return EcgModel(KerasPredictor(keras_model), metadata, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier_is_explained(name):
    model = load_tiny(name)
    own = model.task.name in ("beats", "rhythm_bouts", "beat_rhythm")
    for method in ("gradients", "saliency", "occlusion"):
        found = ecg_edge.explain_record(model, RECORD, method)
        assert found.values.shape[0] == round(10 * model.fs) and found.fs == model.fs
        assert found.values.shape[1:] == ((len(model.leads),) if found.leads else ())
        assert bool(found.leads) == (model.task.name != "beat_rhythm")
        assert np.isfinite(found.values).any() and np.nanstd(found.values) > 0
        assert (found.label == "the predicted label") == own or found.label in model.labels
        assert found.label in found.description


def test_the_most_probable_label_is_explained_or_the_one_that_is_named(tmp_path):
    (tmp_path / "m.tflite").write_bytes(convolutional())
    model = ecg_edge.load(tmp_path / "m.tflite")
    said = model.predict(RECORD.signal, 250, RECORD.leads).label
    assert ecg_edge.explain(model, RECORD.signal, 250, RECORD.leads, "occlusion").label == said
    each = [ecg_edge.explain(model, RECORD.signal, 250, RECORD.leads, "occlusion", label) for label in model.labels]
    assert [found.label for found in each] == model.labels and each[0].leads == ("I", "II")
    # What speaks for one label speaks against the others: the probabilities add up to one.
    np.testing.assert_allclose(sum(found.values for found in each), 0, atol=0.01)
    assert max(np.abs(found.values).max() for found in each) > 0.01


def test_the_values_of_windows_are_averaged_where_they_overlap(tmp_path):
    """A gradient of a model that looks at its input's mean alone is the input's share of it, in each window."""
    import keras

    ecg = keras.Input((200, 1), name="ecg")
    out = keras.layers.Dense(2, use_bias=False)
    net = keras.Model(ecg, out(keras.layers.GlobalAveragePooling1D()(ecg)))
    out.set_weights([np.ones((1, 2)) * 200])
    window = SignalConfig(fs=100.0, window_s=2.0, stride_s=1.0, highpass_hz=None, mode="offline").window_spec()
    metadata = ModelMetadata(task=TaskMetadata("rhythm"), labels=("a", "b"), leads=("I",), **window.to_metadata())
    model = EcgModel(KerasPredictor(net), metadata, "mean")
    signal = np.sin(np.arange(1000) / 7)
    found = ecg_edge.explain(model, signal, 100, ["I"])
    np.testing.assert_allclose(found.values[:, 0], signal, atol=1e-3)
    np.testing.assert_allclose(ecg_edge.explain(model, signal, 100, ["I"], "saliency").values, 1, atol=1e-5)


def test_memory_and_attention_have_no_label():
    found = ecg_edge.explain_record(load_tiny("ecg_mamba"), RECORD, "memory")
    assert found.label == "" and found.leads == () and found.values.shape == (1000,) and (found.values > 0).all()
    heat = ecg_edge.make_heat_map(found)
    assert heat.values.min() == 0 and heat.step_s == 0.01 and heat.name == "memory of the states (s)"
    gate = ecg_edge.explain_record(load_tiny("cnn_att_bilstm"), RECORD, "attention")
    assert gate.values.shape == (1000,) and len(np.unique(gate.values)) <= 16


def test_an_explanation_is_laid_over_the_recording():
    found = ecg_edge.explain_record(load_tiny("htf_beat"), RECORD)
    figure = ecg_edge.plot_record(RECORD, overlays=[ecg_edge.make_heat_map(found)])
    assert len(figure.axes[0].images) == 2 + 1  # II also in the rhythm strip, and V1


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        ({}, {"method": "gradiants"}, "no method of explanation 'gradiants': did you mean gradients"),
        ({}, {"method": "occlusion", "label": "B"}, "no label of the model 'B': there is A, N, O"),
        ({}, {"method": "gradients"}, "is a file, which has no gradients: explain its run, or take occlusion"),
        ({}, {"method": "attention"}, "no attention"),
        ({}, {"method": "memory"}, "no states"),
    ],
)
def test_what_cannot_be_explained_is_refused(tmp_path, change, words, message):
    (tmp_path / "m.tflite").write_bytes(altered(convolutional(), **change))
    with pytest.raises(InputError, match=message):
        ecg_edge.explain(tmp_path / "m.tflite", RECORD.signal, 250, RECORD.leads, **words)


def test_an_anomaly_detector_has_no_label_to_explain(tmp_path):
    about = {"task": {"name": "anomaly", "score": "paper"}, "decision": {"threshold": 1.0}}
    (tmp_path / "m.tflite").write_bytes(altered(reconstructing(), **about, labels=["normal", "abnormal"]))
    with pytest.raises(InputError, match="its prediction says where the error is"):
        ecg_edge.explain(tmp_path / "m.tflite", RECORD.signal, 250, RECORD.leads, "occlusion")
