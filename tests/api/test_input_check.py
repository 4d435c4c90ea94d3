"""What a model can judge: `predict` reads as training reads, and refuses or marks the rest."""

import dataclasses
import re

import numpy as np
import pytest
from small_models import altered, convolutional

import ecg_edge
from ecg_edge.api import model_loading
from ecg_edge.api.prediction import EcgModel
from ecg_edge.api.prediction_result import FailedPrediction
from ecg_edge.data.recordings import prepare_records
from ecg_edge.demo import write_wfdb
from ecg_edge.records.databases.mitdb import Mitdb
from ecg_edge.records.formats.format_registry import read_record
from ecg_edge.records.record import Record
from ecg_edge.records.synthetic_ecg import synthesise
from ecg_edge.run import Run
from firmware_bench.runtime.metadata import EmbedderMetadata, ModelMetadata, TaskMetadata, WindowMetadata
from firmware_bench.runtime.metadata_format import read_metadata

ECG = synthesise("SNR", seed=2)
SIGNAL = ECG.signal[:, :2]  # I and II, 10 s


class Recorder:
    """A model of two leads by position that keeps the windows it is given."""

    metadata = ModelMetadata(
        task=TaskMetadata("rhythm"),
        labels=("AF", "SNR"),
        leads=("lead 1", "lead 2"),
        fs=180.0,
        window=WindowMetadata(1800, 1800),
        preprocessing=({"step": "fill_gaps"}, {"step": "resample", "fs": 180}),
    )

    def __init__(self):
        self.windows = []

    def __call__(self, inputs):
        self.windows.append(inputs["ecg"])
        return np.tile(np.array([[0.4, 0.6]], np.float32), (len(inputs["ecg"]), 1))


def load(metadata=Recorder.metadata, **changes):
    recorder = Recorder()
    return recorder, EcgModel(recorder, dataclasses.replace(metadata, **changes), "the model")


@pytest.fixture
def model(tmp_path):
    """A model of leads I and II at 100 Hz in mV, windows of 2.56 s."""
    path = tmp_path / "model.tflite"
    path.write_bytes(convolutional())
    return ecg_edge.load(path)


# ------------------------------------------------------------------------------------- reading as training reads


def test_a_recording_of_mitdb_is_given_to_the_model_as_in_training(real_data):
    folder = real_data("mitdb")
    database = Mitdb()
    (entry,) = (entry for entry in database.index(folder) if entry.name == "114")
    assert read_record(folder / "114").leads == ("V5", "MLII") and database.lead_order == ("MLII",)
    recorder, model = load(lead_order=database.lead_order)
    model.predict_record(folder / "114")
    steps, task = model.window.steps, model.task
    trained = prepare_records([task.read(database.read(folder, entry))], model.leads, steps, model.fs)
    examples = task.inference_examples(trained, model.window)
    np.testing.assert_array_equal(np.concatenate(recorder.windows), examples.batch(slice(None))["ecg"])

    swapped, model = load()
    model.predict_record(folder / "114")
    np.testing.assert_array_equal(swapped.windows[0], recorder.windows[0][..., ::-1])


def test_the_order_of_leads_holds_in_memory_too():
    in_order, first = load(lead_order=("II",))
    first.predict(SIGNAL, ECG.fs, ["I", "II"])
    as_it_is, second = load()
    second.predict(SIGNAL[:, ::-1], ECG.fs, ["II", "I"])
    np.testing.assert_array_equal(in_order.windows[0], as_it_is.windows[0])


def test_the_challenge_s_own_matlab_files_are_read(real_data):
    path = real_data("cpsc2018") / "original_mat" / "A1960"
    recorder, model = load(leads=("I", "V6"))
    for name in (path, path.with_suffix(".mat")):
        assert model.predict_record(name).record == str(path)
    np.testing.assert_array_equal(recorder.windows[0], recorder.windows[len(recorder.windows) // 2])


def test_a_run_states_what_its_recordings_are(run):
    about = Run(run.path).describe_model()
    assert about.units == "mV" and about.window.shortest == 1000 and about.lead_order == ()


def test_a_run_of_before_states_nothing_and_takes_mv(run):
    older = Run(run.path)
    for name in ("units", "shortest", "lead_order"):
        older.config.pop(name)
    about = older.describe_model()
    assert (about.units, about.window.shortest, about.lead_order) == ("mV", 0, ())


# ---------------------------------------------------------------------------------------------- refused or marked


REFUSED = {
    "zeros": (0 * SIGNAL, "no lead carries a signal"),
    "a constant": (0 * SIGNAL + 7, "no lead carries a signal"),
    "ten samples": (SIGNAL[:10], r"only 0.02 s long, 0.8% of a window of 2.56 s"),
    "0.2 s": (SIGNAL[:100], r"7.8% of a window"),
    "µV": (1000 * SIGNAL, "no ECG in mV has them"),
    "counts": (np.round(200 * SIGNAL), "no ECG in mV has them"),
    "V": (SIGNAL / 1000, "no ECG in mV is so small"),
    "z-scores": ((SIGNAL - SIGNAL.mean(axis=0)) / SIGNAL.std(axis=0), "z-scores, not mV"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_no_model_can_judge_is_refused_and_predicted_by_force_alone(model, kind):
    signal, message = REFUSED[kind]
    with pytest.raises(ecg_edge.InputError, match=message) as error:
        model.predict(signal, ECG.fs, ["I", "II"])
    assert "\n" not in str(error.value) and "force" in str(error.value) and "signal" in str(error.value)
    found = model.predict(signal, ECG.fs, ["I", "II"], force=True)
    quality = found.to_dict()["quality"]
    assert found.label in model.labels and quality["forced"] and re.search(message, quality["warnings"][0])


def test_all_invalid_is_no_signal(model, tmp_path):
    with pytest.raises(ecg_edge.InputError, match="10000 values are NaN"):
        model.predict(SIGNAL * np.nan, ECG.fs, ["I", "II"])
    found = model.predict(SIGNAL * np.nan, ECG.fs, ["I", "II"], force=True)
    assert found.quality.remarks == ("no lead carries a signal",) and found.quality.missing_share == 1
    record = write_wfdb(Record("holes", "p", SIGNAL, ECG.fs, ("I", "II")), tmp_path)
    header = re.sub(r" -?\d+ 0 (I+)\n", r" 0 0 \1\n", record.with_suffix(".hea").read_text())  # without checksums
    record.with_suffix(".hea").write_text(header)
    record.with_suffix(".dat").write_bytes(
        np.full(SIGNAL.size, -(2**15), "<i2").tobytes()
    )  # the format's invalid sample
    with pytest.raises(ecg_edge.InputError, match=rf"record {record}: no lead carries a signal"):
        model.predict_record(record)


def test_a_sound_recording_is_neither_refused_nor_marked(model):
    quality = model.predict(SIGNAL, ECG.fs, ["I", "II"], force=True).to_dict()["quality"]
    low, high = quality.pop("amplitude_range")
    assert quality == {
        "unit": "mV",
        "flat_leads": [],
        "missing_share": 0.0,
        "clipped_share": 0.0,
        "warnings": [],
        "forced": False,
    }
    assert low == pytest.approx(SIGNAL.min(), abs=1e-4) and high == pytest.approx(SIGNAL.max(), abs=1e-4)


def test_gaps_and_a_flat_lead_are_marked(model):
    signal = SIGNAL.copy()
    signal[:500, 0], signal[:, 1] = np.nan, 0
    found = model.predict(signal, ECG.fs, ["I", "II"], force=True).quality
    assert not found.forced and found.flat_leads == ("II",) and found.missing_share == 0.05
    assert found.warnings == ("flat: II", "5.0% of its samples are missing")


@pytest.mark.parametrize(("model_unit", "unit"), [("mV", "NU"), ("NU", "mV"), ("NU", "uV"), ("counts", "mV")])
def test_another_unit_than_the_model_s_is_refused(model_unit, unit):
    _, model = load(units=model_unit)
    with pytest.raises(ecg_edge.InputError, match=f"values are in .*, the model takes {model_unit}"):
        model.predict(SIGNAL, ECG.fs, ["I", "II"], unit)
    scale = {"uV": 1000}.get(unit, 1)
    found = model.predict(scale * SIGNAL, ECG.fs, ["I", "II"], unit, force=True)
    assert found.quality.forced and f"the model takes {model_unit}" in found.quality.problems[0]


@pytest.mark.parametrize(("model_unit", "unit"), [("NU", "NU"), ("any", "NU"), ("any", "mV"), ("mV", "mV")])
def test_the_model_s_unit_is_taken(model_unit, unit):
    _, model = load(units=model_unit)
    assert not model.predict(SIGNAL, ECG.fs, ["I", "II"], unit).quality.remarks


def test_a_real_recording_without_amplitudes_is_refused_by_a_model_in_mv(model, real_data):
    path = real_data("ptbxl_filtered") / "00009"
    with pytest.raises(ecg_edge.InputError, match=f"record {path}: its values are in NU, the model takes mV"):
        model.predict_record(path)
    assert model.predict_record(path, force=True).quality.unit == "NU"


@pytest.mark.parametrize(
    ("shortest_s", "seconds", "verdict"),
    [
        (0, 0.9, "refused"),  # not stated: below a tenth of 10 s
        (0, 1.1, "marked"),
        (3, 2.9, "refused"),  # no recording of the training was so short
        (3, 3.1, "sound"),
        (9, 4.9, "refused"),  # below half of a window as well
        (9, 5.1, "marked"),
    ],
)
def test_length_by_the_window_and_by_what_the_model_learnt_from(shortest_s, seconds, verdict):
    window = WindowMetadata(1800, 1800, round(180 * shortest_s))
    _, model = load(window=window)
    signal = SIGNAL[: round(ECG.fs * seconds)]
    if verdict == "refused":
        with pytest.raises(ecg_edge.InputError, match=rf"only {seconds} s long, .* of a window of 10 s"):
            model.predict(signal, ECG.fs, ["I", "II"])
    else:
        warnings = model.predict(signal, ECG.fs, ["I", "II"]).quality.warnings
        assert [text for text in warnings if "of a window" in text] == list(warnings)
        assert bool(warnings) == (verdict == "marked")


def test_a_model_of_beats_is_not_asked_about_a_recording_without_beats():
    beats = dataclasses.replace(
        Recorder.metadata,
        task=TaskMetadata("beats"),
        labels=("N", "A", "V"),
        leads=("II",),
        window=WindowMetadata(360, 360),
    )
    model = EcgModel(lambda inputs: np.eye(3)[[0] * len(inputs["ecg"])], beats, "the model")
    noise = np.linspace(0, 1, 2000)
    with pytest.raises(ecg_edge.InputError, match="no heart beat was found"):
        model.predict(noise, 250.0, ["II"])
    assert model.predict(noise, 250.0, ["II"], force=True).quality.forced


# ------------------------------------------------------------------------------------------------ one bad record


@pytest.mark.parametrize("error", [ecg_edge.InputError("r0.dat is cut"), ValueError("odd"), MemoryError(), KeyError(3)])
def test_whatever_a_reader_raises_the_other_recordings_are_predicted(model, tmp_path, monkeypatch, error):
    good = write_wfdb(Record("good", "p", SIGNAL, ECG.fs, ("I", "II")), tmp_path)
    read = read_record

    def fail(path, **stated):
        if path.name == "bad":
            raise error
        return read(path, **stated)

    monkeypatch.setattr("ecg_edge.records.formats.format_registry.read_record", fail)
    first, failed, last = model.predict_each([good, tmp_path / "bad", good])
    assert first == last and first.label in model.labels
    assert isinstance(failed, FailedPrediction) and failed.record == str(tmp_path / "bad")
    assert failed.error and failed.error.isprintable()


# ------------------------------------------------------------------------------------------- metadata of strangers


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": {"name": "multilabel"}, "decision": {"thresholds": [0.5, 0.5]}}, "2 thresholds for 3 labels"),
        ({"task": {"name": "multilabel"}, "decision": {"thresholds": [0.5] * 99}}, "99 thresholds for 3 labels"),
        (
            {"task": {"name": "multilabel"}, "decision": {"thresholds": ["a", 1, 1]}},
            r'thresholds\[0\] is "a", not a number',
        ),
        ({"task": {"name": "multilabel"}, "decision": {"thresholds": 0.5}}, "thresholds is 0.5, not a list"),
        ({"task": {"name": "anomaly"}, "decision": {"threshold": "high"}}, 'threshold is "high", not a number'),
        ({"task": {"name": "anomaly", "score": "best"}}, "option score is 'best'"),
        ({"task": {"name": "anomaly", "colour": 3}}, "no option 'colour'"),
        ({"task": {"name": "beats"}}, "beats are N, A, V"),
        ({"labels": ["N", "A"]}, "2 labels, and the model gives 3"),
        ({"labels": ["N", "N", "A"]}, "not different names"),
        ({"labels": ["N", " ", "A"]}, "labels is"),
        ({"labels": [f"c{n}" for n in range(2000)]}, "at most 1,000"),
        ({"leads": ["I"]}, "the model takes"),
        ({"leads": [f"V{n}" for n in range(100)]}, "at most 64"),
        ({"window": {"samples": 100, "stride": 100}}, "the model takes"),
        ({"window": {"samples": 10**9, "stride": 1}}, "from 0 to 4,000,000"),
        ({"fs": 1e-9}, "from 1 to"),
        ({"preprocessing": [{"step": ["fill_gaps"]}]}, "no preprocessing step"),
        ({"preprocessing": [{"step": "highpass", "cutoff": "low"}]}, "cutoff is 'low'"),
        ({"preprocessing": [{"step": "highpass", "cutoff": 1, "order": 10**6}]}, "order is 1000000"),
        ({"preprocessing": [{"step": "resample", "fs": -5}]}, "fs is -5"),
        ({"preprocessing": [{"step": "bandpass", "low": 9, "high": 3}]}, "low is 9 Hz, high 3 Hz"),
        ({"preprocessing": [{"step": "fill_gaps"}] * 1000}, "at most 64 steps"),
        ({"units": "x" * 1000}, "at most 100 characters"),
    ],
)
def test_metadata_that_contradict_the_format_or_the_model_are_one_line(tmp_path, changes, message):
    path = tmp_path / "model.tflite"
    path.write_bytes(altered(convolutional(), **changes))
    with pytest.raises(ecg_edge.InputError, match=message) as error:
        ecg_edge.load(path)
    assert "\n" not in str(error.value) and str(path) in str(error.value) and len(str(error.value)) < 400


def test_a_rhythm_classifier_of_an_earlier_version_is_one_line():
    tensors = tuple(dataclasses.replace(tensor, name="history") for tensor in read_metadata(convolutional()).inputs)
    task = TaskMetadata("beat_rhythm", {"labels": "none"})
    metadata = dataclasses.replace(Recorder.metadata, task=task, labels=("NSR", "AFIB"), inputs=tensors)
    with pytest.raises(
        ecg_edge.InputError, match="rhythm.tflite: .* in the form of an earlier version: train it again"
    ):
        EcgModel(Recorder(), metadata, "rhythm.tflite")


def test_a_folder_that_a_file_names_is_not_opened_unasked(tmp_path, monkeypatch):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "config.json").write_text("{}")
    metadata = dataclasses.replace(
        Recorder.metadata,
        task=TaskMetadata("beat_rhythm", {"embedder": str(secret), "labels": "none"}),
        labels=("NSR", "AFIB"),
    )
    opened = []
    monkeypatch.setattr("ecg_edge.api.model_loading.load_embedder", lambda path, morphology: opened.append(path))
    with pytest.raises(ecg_edge.InputError, match="not opened unasked: name the classifier's run as embedder"):
        EcgModel(Recorder(), metadata, "model.tflite")
    assert opened == []
    EcgModel(Recorder(), metadata, "model.tflite", tmp_path / "mine")
    assert opened == [tmp_path / "mine"]


def test_the_embedder_of_a_run_is_the_copy_inside_it(tmp_path):
    run = tmp_path / "run"
    (run / "export").mkdir(parents=True)

    def find(path):
        return model_loading.find_embedder(path, ModelMetadata())

    assert find(run) is None and find(run / "export" / "x.tflite") is None
    (run / "embedder").mkdir()
    assert find(run) is None  # a folder without config.json is no run
    (run / "config.json").write_text("{}")
    assert find(run) == find(run / "export" / "x.tflite") == run / "embedder"
    assert find(run / "x.tflite") is None and find(tmp_path / "x.tflite") is None


def test_the_embedder_of_a_file_is_the_one_beside_it_that_its_metadata_name(tmp_path):
    metadata = ModelMetadata(embedder=EmbedderMetadata("beats.tflite", "0" * 64))
    assert model_loading.find_embedder(tmp_path / "x.tflite", metadata) is None
    (tmp_path / "beats.tflite").write_bytes(b"")
    assert model_loading.find_embedder(tmp_path / "x.tflite", metadata) == tmp_path / "beats.tflite"


@pytest.mark.parametrize("name", ["", "..", "../beats.tflite", "/etc/passwd", "a\\b", "C:b", "a\0b", 101 * "x"])
def test_metadata_name_a_file_beside_the_model_and_no_other(name):
    with pytest.raises(ValueError, match="the name of a file without a folder"):
        EmbedderMetadata(name, "0" * 64)
