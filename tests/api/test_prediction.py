"""ecg_edge.load and predict: the label of a recording in memory is that of the same recording on disk."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from small_models import LABELS, altered, convolutional, reconstructing

import ecg_edge
from ecg_edge.cli.predict import command
from ecg_edge.demo import write_wfdb
from ecg_edge.records.array_record import record_from_array
from ecg_edge.records.record import Record
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.temperature import apply_temperature

FS = 250


@pytest.fixture
def file(tmp_path):
    """A model of leads I and II at 100 Hz."""
    path = tmp_path / "model.tflite"
    path.write_bytes(convolutional())
    return path


@pytest.fixture
def signal():
    """10 s of two leads, in mV, in steps of 1/1000 mV."""
    time = np.arange(10 * FS) / FS
    return np.round(np.stack([np.sin(9 * time) ** 21, 0.5 * np.sin(11 * time) ** 15], axis=1), 3)


def predict_by_command(file, record):
    ran = CliRunner().invoke(command, [str(file), str(record), "--json"], catch_exceptions=False)
    (row,) = json.loads(ran.stdout)["records"]
    return row


def test_a_signal_in_memory_is_predicted_like_the_record_on_disk(file, signal, tmp_path):
    record = write_wfdb(Record("both", "p", signal.astype(np.float32), FS, ("I", "II")), tmp_path)
    model = ecg_edge.load(file)
    expected = predict_by_command(file, record)
    assert (model.labels, model.leads, model.fs) == (list(LABELS), ["I", "II"], 100.0)
    assert model.predict_record(record).to_dict() == expected
    assert model.predict_record(f"{record}.hea").to_dict() == expected
    found = model.predict(signal, fs=FS, leads=["I", "II"])
    assert found.label == expected["label"]
    assert found.probabilities == pytest.approx(expected["probabilities"], abs=0.004)  # one step of the output
    assert ecg_edge.predict(file, signal, FS, ["I", "II"]) == found


def test_probabilities_of_a_recording_are_the_mean_over_its_windows(file, signal):
    found = ecg_edge.load(file).predict(signal, FS, ["I", "II"])
    assert [window.start_s for window in found.windows] == [0.0, 2.48, 4.96, 7.44]
    mean = {name: np.mean([window.probabilities[name] for window in found.windows]) for name in LABELS}
    assert found.probabilities == pytest.approx(mean, abs=1e-5)
    assert found.seconds == 10.0 and found.score is None and found.localisation is None


def test_the_temperature_changes_probabilities_of_recordings_and_windows_and_no_label(file, signal):
    plain = ecg_edge.load(file).predict(signal, FS, ["I", "II"])
    file.write_bytes(altered(file.read_bytes(), decision={"temperature": 3.0}))
    found = ecg_edge.load(file).predict(signal, FS, ["I", "II"])
    assert found.label == plain.label and max(found.probabilities.values()) < max(plain.probabilities.values())
    expected = apply_temperature(np.array([*plain.probabilities.values()]), 3.0, exclusive=True)
    assert [*found.probabilities.values()] == pytest.approx(expected, abs=1e-4)
    for softer, window in zip(found.windows, plain.windows, strict=True):
        assert max(softer.probabilities.values()) < max(window.probabilities.values())


def test_test_time_augmentation_is_the_mean_of_shifted_windows(file, signal):
    model = ecg_edge.load(file)
    cut = [model.predict(signal, FS, ["I", "II"], tta=n) for n in (1, 7)]
    assert [window.start_s for window in cut[0].windows] == [window.start_s for window in cut[1].windows]
    assert cut[0].probabilities != cut[1].probabilities
    prepared = model.prepare(record_from_array(signal, FS, ["I", "II"], "mV", "x", ["I", "II"], False), False)[0]
    views = model.task.inference_examples(prepared, model.window).views(7)
    mean = np.mean([model.task.predict(model.predictor, view) for view in views], axis=(0, 1))
    assert [*cut[1].probabilities.values()] == pytest.approx(mean, abs=1e-5)
    with pytest.raises(InputError, match="tta"):
        model.predict(signal, FS, ["I", "II"], tta=0)


def test_unsure_is_shown_and_the_label_stays(file, signal):
    model = ecg_edge.load(file)
    plain = model.predict(signal, FS, ["I", "II"])
    largest = max(plain.probabilities.values())
    for limit, shown in ((largest + 1e-3, "unsure"), (largest - 1e-3, plain.label)):
        found = model.predict(signal, FS, ["I", "II"], unsure_below=limit)
        assert (found.label, found.shown_label, found.unsure) == (plain.label, shown, shown == "unsure")
        assert found.to_dict()["shown_label"] == shown
    assert plain.unsure is None and "unsure" not in plain.to_dict() and plain.shown_label == plain.label
    with pytest.raises(InputError, match="from 0 to 1"):
        model.predict(signal, FS, ["I", "II"], unsure_below=50)
    file.write_bytes(altered(file.read_bytes(), task={"name": "multilabel"}, decision={"thresholds": [0.5] * 3}))
    with pytest.raises(InputError, match="cannot be unsure"):
        ecg_edge.load(file).predict(signal, FS, ["I", "II"], unsure_below=0.5)


@pytest.mark.parametrize(("units", "factor"), [("mV", 1), ("uV", 1000), ("µV", 1000), ("V", 0.001)])
def test_units_are_converted(file, signal, units, factor):
    model = ecg_edge.load(file)
    expected = model.predict(signal, FS, ["I", "II"])
    assert model.predict(signal * factor, FS, ["I", "II"], units=units) == expected


def test_leads_are_found_by_name_in_any_order_and_spelling(file, signal):
    model = ecg_edge.load(file)
    three = np.column_stack([signal[:, 1], 0 * signal[:, 0], signal[:, 0]])
    assert model.predict(three, FS, ["ii", "V1", "i"]) == model.predict(signal, FS, ["I", "II"])


@pytest.mark.parametrize("leads", [None, ["I"], "I"])
def test_a_model_of_one_lead_takes_one_column_or_none(file, signal, tmp_path, leads, run):
    model = ecg_edge.load(run.path)
    assert model.leads == ["II"]
    lead = ["II"] if leads else None
    flat, column = model.predict(signal[:, 0], FS, lead), model.predict(signal[:, :1], FS, lead)
    assert flat == column and set(flat.probabilities) == {"AF", "LBBB", "SNR"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"leads": None}, r"name the leads of its 2 columns .* takes I II"),
        ({"leads": ["I"]}, r"1 leads are named \(I\), and the signal has shape \(2500, 2\)"),
        ({"leads": ["I", "I"]}, "a lead is named twice"),
        ({"leads": ["I", "V1"]}, "no lead 'II'"),
        ({"units": "kV"}, "no unit of signal 'kV'"),
        ({"fs": 0}, "above 0, not 0"),
        ({"fs": float("nan")}, "above 0, not nan"),
        ({"fs": "fast"}, "have to be numbers"),
        ({"signal": np.zeros((2, 3, 4))}, r"\(samples, leads\), not \(2, 3, 4\)"),
        ({"signal": np.zeros((0, 2))}, r"not \(0, 2\)"),
        ({"signal": 3.0}, r"not \(\)"),
        ({"signal": [["a", "b"]]}, "have to be numbers"),
        ({"signal": np.array([[0, 1], [np.nan, 1], [0, np.inf]])}, "2 values are NaN or infinite, first at sample 1"),
    ],
)
def test_what_the_model_cannot_take_is_one_line(file, signal, arguments, message):
    model = ecg_edge.load(file)
    with pytest.raises(ecg_edge.InputError, match=message) as error:
        model.predict(**{"signal": signal, "fs": FS, "leads": ["I", "II"], **arguments})
    assert "\n" not in str(error.value)


def test_a_rate_that_the_model_cannot_take_is_refused(tmp_path, signal):
    path = tmp_path / "model.tflite"
    path.write_bytes(altered(convolutional(), preprocessing=[{"step": "fill_gaps"}]))
    with pytest.raises(ecg_edge.InputError, match="250 Hz, and the model takes 100 Hz"):
        ecg_edge.load(path).predict(signal, FS, ["I", "II"])


@pytest.mark.parametrize("name", ["af-single-lead", "missing.tflite", "missing/folder"])
def test_a_model_that_there_is_not_is_one_line(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ecg_edge.InputError, match=name) as error:
        ecg_edge.load(name)
    assert "\n" not in str(error.value)


def test_a_folder_without_a_run_is_one_line(tmp_path):
    with pytest.raises(ecg_edge.InputError, match="not the folder of a run"):
        ecg_edge.load(tmp_path)


def test_an_anomaly_detector_says_where(tmp_path, signal):
    metadata = {"task": {"name": "anomaly", "score": "paper"}, "decision": {"threshold": 0.0}}
    path = tmp_path / "model.tflite"
    path.write_bytes(altered(reconstructing(), **metadata, labels=["normal", "abnormal"]))
    model = ecg_edge.load(path)
    found = model.predict(signal, FS, ["I", "II"])
    assert (found.label, found.threshold, found.probabilities) == ("abnormal", 0.0, {})
    assert found.score == pytest.approx(np.mean([window.score for window in found.windows]), abs=1e-5)
    assert found.localisation.step_s == 0.1
    assert {lead: len(errors) for lead, errors in found.localisation.errors.items()} == {"I": 100, "II": 100}
    assert model.predict(signal, FS, ["I", "II"], localise=False).localisation is None
