"""ecg-edge predict."""

import csv
import dataclasses
import json
import re
import resource
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from small_files import ecg, edf
from small_models import LABELS, STEPS, altered, convolutional, reconstructing
from small_recordings import cut_windows

from ecg_edge.api.prediction import EcgModel
from ecg_edge.cli.predict import command
from ecg_edge.demo import write_wfdb
from ecg_edge.records.formats.format_registry import read_record
from ecg_edge.records.synthetic_ecg import synthesise
from ecg_edge.run import Run
from ecg_edge.signals.preprocessing import Preprocessing
from ecg_edge.tasks.predictor import KerasPredictor
from export.tflite.flatbuffer import set_metadata
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ModelMetadata, TaskMetadata, WindowMetadata
from firmware_bench.runtime.tflite_model import TFLiteModel


@pytest.fixture
def folder(tmp_path):
    """A model of leads I and II at 100 Hz, and 10 s recordings at 250 Hz."""
    (tmp_path / "model.tflite").write_bytes(convolutional())
    time = np.arange(2500) / 250
    lead_i, lead_ii = np.sin(9 * time) ** 21, 0.5 * np.sin(11 * time) ** 15
    write(tmp_path, "both", ["I", "II"], [lead_i, lead_ii])
    write(tmp_path, "swapped", ["II", "V1", "I"], [lead_ii, 0 * time, lead_i])
    write(tmp_path, "chest", ["V1", "V2"], [lead_i, lead_ii])
    write(tmp_path, "slow", ["I", "II"], [lead_i, lead_ii], fs=50)
    (tmp_path / "cut.hea").write_bytes((tmp_path / "both.hea").read_bytes().replace(b"both", b"cut"))
    (tmp_path / "cut.dat").write_bytes((tmp_path / "both.dat").read_bytes()[:1000])
    return tmp_path


def write(folder, name, leads, signals, fs=250):
    import wfdb

    signal = np.stack(signals, axis=1)
    wfdb.wrsamp(
        name,
        fs,
        ["mV"] * len(leads),
        leads,
        signal,
        fmt=["16"] * len(leads),
        adc_gain=[1000] * len(leads),
        baseline=[0] * len(leads),
        write_dir=str(folder),
    )


def predict(folder, *names, options=("--json",)):
    records = [str(folder / name) for name in names]
    return CliRunner().invoke(command, [str(folder / "model.tflite"), *records, *options])


def outputs(record, window_steps=()):
    """What the model says about each window of a record, (windows, classes)."""
    import wfdb

    prepared, _ = Preprocessing(STEPS)(wfdb.rdrecord(str(record)).p_signal, 250)
    steps, model = Preprocessing(window_steps), TFLiteModel(convolutional())
    return np.array([model.run(steps(window, 100.0)[0]) for window in cut_windows(prepared, 256, 256)])


def test_probabilities_are_the_mean_over_windows(folder):
    ran = predict(folder, "both")
    (row,) = json.loads(ran.stdout)["records"]
    expected = outputs(folder / "both").mean(axis=0)
    assert list(row["probabilities"].values()) == pytest.approx(expected, abs=1e-6)
    assert row["label"] == LABELS[expected.argmax()] and row["windows"] == 4 and row["seconds"] == 10.0
    assert ran.stderr.splitlines()[-1] == f"next: ecg-edge bench {folder / 'model.tflite'}"


def test_steps_of_the_window_are_those_of_the_metadata(folder):
    scaled = altered(convolutional(), window_preprocessing=[{"step": "zscore"}])
    (folder / "model.tflite").write_bytes(scaled)
    (row,) = json.loads(predict(folder, "both").stdout)["records"]
    expected = outputs(folder / "both", [{"step": "zscore"}]).mean(axis=0)
    assert list(row["probabilities"].values()) == pytest.approx(expected, abs=1e-6)
    assert np.abs(expected - outputs(folder / "both").mean(axis=0)).max() > 0.01


def test_several_labels_by_the_thresholds_of_the_metadata(folder):
    expected = outputs(folder / "both").mean(axis=0)
    least = int(expected.argmin())
    for thresholds, label in (
        (expected - 0.01, "N A O"),
        (expected + 0.01, "-"),
        (expected + np.where(np.arange(3) == least, -0.01, 0.01), LABELS[least]),
    ):
        decision = {"thresholds": thresholds.tolist()}
        described = altered(convolutional(), task={"name": "multilabel"}, decision=decision)
        (folder / "model.tflite").write_bytes(described)
        (row,) = json.loads(predict(folder, "both").stdout)["records"]
        assert row["label"] == label
        assert list(row["probabilities"].values()) == pytest.approx(expected, abs=1e-6)


def test_rhythms_window_by_window(folder):
    labels = ["NSR", "AFIB", "SBR"]
    (folder / "model.tflite").write_bytes(altered(convolutional(), task={"name": "rhythm_bouts"}, labels=labels))
    (row,) = json.loads(predict(folder, "both").stdout)["records"]
    said = [labels[c] for c in outputs(folder / "both").argmax(axis=1)]
    assert [window["rhythm"] for window in row["rhythms"]] == said
    assert [window["start_s"] for window in row["rhythms"]] == [0.0, 2.48, 4.96, 7.44]
    assert row["label"] == max(labels, key=said.count) and row["windows"] == 4


@pytest.mark.parametrize(("threshold", "label"), [(0.0, "abnormal"), (1e6, "normal")])
def test_anomaly_score_against_the_threshold_of_the_metadata(folder, threshold, label):
    import wfdb

    about = {"task": {"name": "anomaly", "score": "paper"}, "decision": {"threshold": threshold}}
    (folder / "model.tflite").write_bytes(altered(reconstructing(), **about, labels=["normal", "abnormal"]))
    (row,) = json.loads(predict(folder, "both").stdout)["records"]
    prepared, _ = Preprocessing(STEPS)(wfdb.rdrecord(str(folder / "both")).p_signal, 250)
    # half of every value is missing from its reconstruction
    assert row["score"] == pytest.approx(np.mean(cut_windows(prepared, 256, 256) ** 2) / 4, rel=0.1)
    assert (row["label"], row["threshold"]) == (label, threshold)
    where = row["localisation"]
    assert where["step_s"] == 0.1 and list(where["errors"]) == ["I", "II"]
    steps = np.array(list(where["errors"].values()))
    assert steps.shape == (2, 100)
    np.testing.assert_allclose(steps.T, (prepared**2 / 4).reshape(100, 10, 2).mean(axis=1), atol=0.02)
    header, *rows = csv.reader(predict(folder, "both", "swapped", options=["--csv"]).stdout.splitlines())
    assert header == ["record", "label", "score", "threshold", "remarks"] and [len(cells) for cells in rows] == [5, 5]
    assert "score" in predict(folder, "both", options=[]).stdout


class Beats:
    """What a file of a beat classifier might answer: a beat of which nothing before is known is V, one after V is A."""

    metadata = ModelMetadata(
        task=TaskMetadata("beats"),
        labels=("N", "A", "V"),
        leads=("II",),
        fs=100.0,
        window=WindowMetadata(200, 200),
        preprocessing=tuple(STEPS),
        window_preprocessing=({"step": "zscore"},),
    )

    def __call__(self, inputs):
        assert inputs["ecg"].shape[1:] == (200, 1)
        after_v = inputs["labels"][:, -1, 2] == 1
        return np.eye(3, dtype=np.float32)[np.where(inputs["rr"][:, -1] == 0, 2, np.where(after_v, 1, 0))]


def test_beats_are_detected_and_classified_in_order(tmp_path):
    made = synthesise("SNR", seed=4)
    path = write_wfdb(made, tmp_path)
    row = EcgModel(Beats(), Beats.metadata, "beats").predict_record(path).to_dict()
    assert "localisation" not in row
    times = np.array([beat["time_s"] for beat in row["beats"]])
    assert row["windows"] == len(times) >= len(made.beats.samples) - 2
    assert (np.abs(times[:, None] - made.beats.samples / made.fs).min(axis=1) < 0.1).all()
    assert [beat["label"] for beat in row["beats"]] == ["V", "A", *["N"] * (len(times) - 2)]
    assert row["label"] == f"{len(times) - 2} N, 1 A, 1 V beats" and row["record"] == str(path)


class Sequences:
    """What a file of a rhythm classifier might answer that sees beats: an irregular window is AFIB."""

    metadata = dataclasses.replace(
        Beats.metadata,
        task=TaskMetadata("beat_rhythm", {"labels": "none"}),
        labels=("NSR", "AFIB"),
        window=WindowMetadata(500, 500),
    )

    def __call__(self, inputs):
        assert set(inputs) == {"features", "rr", "weights"}
        spread = [rr[weights > 0][1:].std() for rr, weights in zip(inputs["rr"], inputs["weights"], strict=True)]
        return np.eye(2, dtype=np.float32)[(np.array(spread) > 0.05).astype(int)]


@pytest.mark.parametrize(("rhythm", "label"), [("SNR", "NSR"), ("AF", "AFIB")])
def test_rhythm_is_classified_from_detected_beats(tmp_path, rhythm, label):
    path = write_wfdb(synthesise(rhythm, seed=3), tmp_path)
    row = EcgModel(Sequences(), Sequences.metadata, "sequences").predict_record(path).to_dict()
    assert row["rhythms"] == [{"start_s": 0.0, "rhythm": label}, {"start_s": 5.0, "rhythm": label}]
    assert row["label"] == label


def test_a_run_predicts_too(run, recordings):
    ran = CliRunner().invoke(command, [str(run), str(recordings / "AF-1"), str(recordings / "SNR-3.hea"), "--json"])
    answer = json.loads(ran.stdout)
    assert answer["labels"] == ["AF", "LBBB", "SNR"] and not answer["errors"]
    trained = Run(run)
    everything = trained.task.inference_examples(trained.recordings(), trained.settings.signal.window_spec())
    rows = trained.task.report(trained.task.predict(KerasPredictor(trained.model()), everything), everything)
    expected = {row["record"]: row["probabilities"] for row in rows}
    for row, name in zip(answer["records"], ("AF-1", "SNR-3"), strict=True):
        assert row["record"] == str(recordings / name)
        assert row["probabilities"] == pytest.approx(expected[name], abs=1e-4)
    assert ran.stderr.splitlines()[-1] == f"next: ecg-edge export {run}"


def test_an_unknown_task_is_refused(folder):
    (folder / "model.tflite").write_bytes(altered(convolutional(), task={"name": "rythm"}))
    assert "no task 'rythm': did you mean rhythm" in str(predict(folder, "both").exception)


def test_leads_are_found_by_name_and_suffixes_do_not_matter(folder):
    ran = predict(folder, "both.hea", "swapped.dat")
    both, swapped = json.loads(ran.stdout)["records"]
    assert both["probabilities"] == swapped["probabilities"] and both["record"] == str(folder / "both")


def test_csv_and_table_have_the_same_content(folder):
    header, *rows = csv.reader(predict(folder, "both", "swapped", options=["--csv"]).stdout.splitlines())
    assert header == ["record", "label", *LABELS, "remarks"] and len(rows) == 2
    table = predict(folder, "both", options=[]).stdout
    assert f"{float(rows[0][2]):.3f}" in table and rows[0][1] in table


def test_other_records_are_predicted_beside_an_unreadable_one(folder):
    ran = predict(folder, "both", "cut", "absent", "swapped")
    answer = json.loads(ran.stdout)
    assert [row["record"] for row in answer["records"]] == [str(folder / "both"), str(folder / "swapped")]
    assert [row["record"] for row in answer["errors"]] == [str(folder / "cut"), str(folder / "absent")]
    assert all(str(folder / row["record"]) in row["error"] for row in answer["errors"])
    assert isinstance(ran.exception, InputError) and str(ran.exception) == "2 of 4 recordings could not be predicted"
    assert len(ran.stderr.splitlines()) == 2 and "cut" in ran.stderr and "absent" in ran.stderr
    _, both, cut, *_ = csv.reader(predict(folder, "both", "cut", options=["--csv"]).stdout.splitlines())
    assert both[1] in LABELS and cut[1:5] == [""] * 4 and cut[5].startswith("error: ")


@pytest.mark.parametrize("name, message", [("chest", "no lead 'I'"), ("slow", "50 Hz, and the model takes 100 Hz")])
def test_what_the_model_cannot_take_names_the_record(folder, name, message):
    without_resampling = [step for step in STEPS if step["step"] != "resample"]
    (folder / "model.tflite").write_bytes(altered(convolutional(), preprocessing=without_resampling))
    ran = predict(folder, name)
    assert isinstance(ran.exception, InputError) and ran.exception.exit_status == 2
    assert message in str(ran.exception) and str(folder / name) in str(ran.exception)


@pytest.mark.parametrize("foreign", [True, False])
def test_a_model_that_does_not_describe_its_input_is_refused(folder, foreign):
    model = convolutional()
    model = model.replace(b"ecg_edge", b"gce_edge") if foreign else set_metadata(model, ModelMetadata(fs=100.0))
    (folder / "model.tflite").write_bytes(model)
    message = str(predict(folder, "both").exception)
    assert "do not state" in message and "labels" in message and "export it with ecg-edge export" in message


def test_predict_is_quick_and_leaves_tensorflow_alone(folder):
    code = (
        "import sys; from ecg_edge.cli.predict import command; command(sys.argv[1:], standalone_mode=False); "
        "assert not {'tensorflow', 'keras', 'matplotlib', 'sklearn', 'scipy.stats'} & set(sys.modules)"
    )
    words = [sys.executable, "-c", code, folder / "model.tflite", folder / "both"]
    libraries = [sys.executable, "-c", "import wfdb, scipy.signal, ai_edge_litert.interpreter"]

    def seconds(words):
        """Of processor time: on an idle machine the time to wait, on a busy one not somebody else's."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ran = subprocess.run(words, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert ran.returncode == 0, ran.stderr
        assert len(ran.stderr.splitlines()) == (words is not libraries)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    ours, theirs = zip(*[(seconds(words), seconds(libraries)) for _ in range(3)], strict=True)
    assert min(ours) < 1.5 * min(theirs)  # about as much; with scipy.stats more, with TensorFlow five times


def test_real_recordings_of_several_databases(real_data, folder):
    records = [real_data("cpsc2018") / "training/A0001", real_data("ptbxl") / "records500/00000/00009_hr"]
    records = [record for record in records if record.with_suffix(".hea").exists()]
    ran = CliRunner().invoke(command, [str(folder / "model.tflite"), *map(str, records), "--json"])
    rows = json.loads(ran.stdout)["records"]
    assert len(rows) == len(records) >= 1 and all(sum(row["probabilities"].values()) > 0.97 for row in rows)


def test_other_formats_are_predicted_alike_and_options_state_what_they_do_not_say(folder):
    whole = json.loads(predict(folder, "both").stdout)["records"][0]
    signal = read_record(folder / "both").signal
    (folder / "table.csv").write_text("Lead A;II\n" + "".join(f"{a * 1000:.3f};{b * 1000:.3f}\n" for a, b in signal))
    np.save(folder / "array.npy", signal)
    digits = np.rint(signal * 8191.875 - 0.5)
    leads = [ecg(f"ECG {lead}", "mV", (-4, 4), (-32768, 32767), digits[:, i]) for i, lead in enumerate(("I", "II"))]
    (folder / "recording.edf").write_bytes(edf(leads))
    table = ("--fs", "250", "--units", "uV", "--rename-lead", "Lead A=I")
    array = ("--fs", "250", "--units", "mV", "--leads", "I,II")
    for words in (("table.csv", *table), ("array.npy", *array), ("recording.edf",)):
        found = json.loads(predict(folder, words[0], options=(*words[1:], "--json")).stdout)["records"][0]
        assert found["label"] == whole["label"] and found["windows"] == whole["windows"]
        assert found["probabilities"] == pytest.approx(whole["probabilities"], abs=0.01)
    for words, complaint in (
        (("table.csv",), r"table\.csv does not say it: state its sampling rate with fs \(--fs\) and its unit"),
        (("table.csv", *table[:4]), r"no lead 'I': there is Lead A, II.*--rename-lead 'NAME=I'"),
        (("recording.edf", "--fs", "500"), "states 250 Hz, not 500 Hz"),
        (("table.csv", *table[:5], "I"), "a lead is renamed as OLD=NEW"),
        (("table.csv", "--fs", "-1"), "fs has to be a sampling rate"),
        (("table.csv", "--units", "counts"), "units has to be mV, uV, V, nV or NU"),
        (("table.csv", *table[:2], "--units", "NU", *table[4:]), "its values are in NU, the model takes mV"),
    ):
        result = predict(folder, words[0], options=words[1:])
        assert isinstance(result.exception, InputError) and re.search(complaint, str(result.exception)), (
            result.exception
        )


def test_edf_dcm_scp_and_xml_are_read_and_no_header_is_asked_for(real_data, folder):
    files = [
        path
        for path in sorted(real_data("format_samples").rglob("*"))
        if path.suffix.lower() in (".dcm", ".scp", ".xml")
    ]
    ran = CliRunner().invoke(command, [str(folder / "model.tflite"), *map(str, files), "--json"])
    assert ran.exit_code == 0 and len(json.loads(ran.stdout)["records"]) == len(files) == 5
    sample = next(real_data("format_samples").glob("edf/*.edf"))
    error = CliRunner().invoke(command, [str(folder / "model.tflite"), str(sample)]).exception
    assert re.search(r"no lead 'I': there is ECG\..*--rename-lead 'NAME=I'", str(error))


def test_what_a_device_would_say_needs_a_pair_and_goes_with_few_options(folder):
    words = [str(folder / "model.tflite"), str(folder / "both"), "--device"]
    with pytest.raises(InputError, match="takes no features of beats"):
        CliRunner().invoke(command, words, catch_exceptions=False)
    for others in (["--csv"], ["--tta", "2"], ["--unsure-below", "0.5"]):
        with pytest.raises(InputError, match="--device goes with --json"):
            CliRunner().invoke(command, [*words, *others], catch_exceptions=False)
