"""ecg-edge evaluate: figures of a run per recording, per bout, for several labels; what is refused."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from ecg_edge.api import run_evaluation
from ecg_edge.api.model_loading import task_from_metadata
from ecg_edge.api.training_run import train_run
from ecg_edge.cli.evaluate import command
from ecg_edge.cli.train import command as train
from ecg_edge.demo import write_wfdb
from ecg_edge.records.databases.synthetic import Synthetic
from ecg_edge.records.synthetic_ecg import synthesise
from ecg_edge.run import Run
from ecg_edge.tasks.predictor import KerasPredictor
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import read_json, write_json
from firmware_bench.runtime.metadata import ModelMetadata
from firmware_bench.runtime.metadata_format import decode_metadata, encode_metadata


def evaluate(*words):
    return CliRunner().invoke(command, list(map(str, words)), catch_exceptions=False)


def test_an_evaluation_has_intervals_and_is_written_to_the_run(run):
    result = json.loads(evaluate(run, "--json").stdout)
    assert result == read_json(run / "evaluation-keras.json")
    assert result["recordings"] == 3 and result["patients"] == 1 and result["views"] == 1
    assert set(result["classes"]) == {"AF", "LBBB", "SNR"}
    assert {"value", "low", "high"} == set(result["macro_f1"])
    assert np.sum(result["confusion_matrix"]) == 3


def test_r_peaks_are_detected_for_beats_alone(run):
    said = "has the task rhythm: R peaks can be chosen for the tasks beats and beat_rhythm alone"
    with pytest.raises(InputError, match=said):
        evaluate(run, "--peaks", "detected")


def test_tables_and_the_next_command(run):
    shown = evaluate(run)
    text = " ".join(shown.stdout.split())
    assert "3 recordings of 1 patients" in text and "macro F1" in text
    assert "Classes" in text and "Confusion matrix" in text
    assert "expected calibration error" in text and 'Saying "unsure"' in text
    assert shown.stderr.splitlines()[-1] == f"next: ecg-edge export {run}"


def test_test_time_augmentation_has_a_result_file_of_its_own(run):
    result = json.loads(evaluate(run, "--tta", 3, "--json").stdout)
    assert result["views"] == 3 and result["windows"] == 3
    assert result == read_json(run / "evaluation-keras-tta3.json")
    assert "3 windows each" in " ".join(evaluate(run, "--tta", 3).stdout.split())


def test_patients_of_the_training_part_are_refused(run, recordings):
    with pytest.raises(InputError, match="27 of 30 recordings, of 9 patients of this data, took part in train"):
        evaluate(run, "--data", recordings)


def test_what_is_known_from_training_can_be_left_out_or_kept(run, recordings):
    others = json.loads(evaluate(run, "--data", recordings, "--overlap", "leave-out", "--json").stdout)
    known = {"recordings": 27, "patients": 9, "recognised_by": {"patient": 27}, "signals_compared": True}
    assert others["recordings"] == 3 and others["overlap"] == {"rule": "leave-out", **known}
    assert "27 recordings known from training left out" in others["data"]
    whole = json.loads(evaluate(run, "--data", recordings, "--overlap", "keep", "--json").stdout)
    assert whole["recordings"] == 30 and whole["overlap"] == {"rule": "keep", **known}


def test_another_data_set_is_evaluated_whole(run, tmp_path):
    lines = ["record,label"]
    for seed, rhythm in enumerate(("SNR", "AF", "LBBB", "PVC")):
        lines.append(f"{write_wfdb(synthesise(rhythm, seed=500 + seed), tmp_path).name},{rhythm}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    result = json.loads(evaluate(run, "--data", tmp_path, "--json").stdout)
    assert result["recordings"] == 3
    assert "1 recordings of other classes left out" in result["data"]
    assert (run / f"evaluation-keras-{tmp_path.name}.json").exists()


def test_a_data_set_without_any_of_the_classes_is_refused(run, tmp_path):
    (tmp_path / "labels.csv").write_text(f"record,label\n{write_wfdb(synthesise('PVC', 1), tmp_path).name},PVC\n")
    with pytest.raises(InputError, match="carries one of the run's classes"):
        evaluate(run, "--data", tmp_path)


def test_recordings_in_another_unit_are_refused_as_by_predict(run, tmp_path):
    lines = ["record,label,fs,units,leads"]
    for seed, rhythm in enumerate(("SNR", "AF", "LBBB")):
        record = synthesise(rhythm, seed=500 + seed)
        np.save(tmp_path / f"{rhythm}.npy", record.signal)
        lines.append(f"{rhythm},{rhythm},{record.fs:g},NU,{';'.join(record.leads)}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(
        InputError, match=f"recordings are in NU, {run} has learnt from mV: evaluate on recordings in mV"
    ):
        evaluate(run, "--data", tmp_path)
    assert not (run / f"evaluation-keras-{tmp_path.name}.json").exists()
    (tmp_path / "labels.csv").write_text("\n".join(lines).replace("NU", "mV") + "\n")
    assert json.loads(evaluate(run, "--data", tmp_path, "--json").stdout)["recordings"] == 3


def test_changed_recordings_are_refused(run, recordings):
    labels = recordings / "labels.csv"
    before = labels.read_text()
    labels.write_text(before.replace("AF-1,AF", "AF-1,SNR"))
    try:
        with pytest.raises(InputError, match="fingerprint differs"):
            evaluate(run)
    finally:
        labels.write_text(before)


def test_a_file_of_another_run_is_refused(run, tmp_path):
    from small_models import convolutional

    (tmp_path / "other.tflite").write_bytes(convolutional())
    with pytest.raises(InputError, match="predicts other classes"):
        evaluate(run, "--model", tmp_path / "other.tflite")


def test_an_untrained_run_names_the_command_that_resumes_it(run, tmp_path):
    for name in ("config.json", "split.json"):
        write_json(tmp_path / name, read_json(run / name))
    with pytest.raises(InputError, match=f"ecg-edge train --resume {tmp_path}"):
        evaluate(tmp_path)


@pytest.mark.slow
def test_bouts_of_recordings_with_rhythm_marks(tmp_path, monkeypatch):
    monkeypatch.setattr(Synthetic, "records_per_class", 6)
    folder = tmp_path / "run"
    words = ["--arch", "rhythm_resnet1d", "--preset", "tiny", "--leads", "I,II", "--epochs", "1", "--run", folder]
    CliRunner().invoke(train, list(map(str, [*words, "--set", "signal.window_s=4"])), catch_exceptions=False)
    one, three = (json.loads(evaluate(folder, "--tta", views, "--json").stdout) for views in (1, 3))
    for result in (one, three):
        assert result["unit"] == "bouts" and result["bouts"] == np.sum(result["confusion_matrix"]) == result["windows"]
        assert {"balanced_accuracy", "macro_f1"} <= set(result)
        assert sum(row["bouts"] for row in result["classes"].values()) == result["bouts"]
    assert list(one["classes"])[:2] == ["NSR", "AFIB"]
    assert one["macro_auroc"] != three["macro_auroc"]
    assert f"{one['bouts']} bouts of" in " ".join(evaluate(folder).stdout.split())


@pytest.fixture(scope="module")
def multilabel(recordings, cache, tmp_path_factory):
    """A run whose task is several labels, trained to its end."""
    from ecg_edge.data.dataset import Dataset
    from ecg_edge.records.split import split
    from ecg_edge.tasks.multilabel import MultilabelTask
    from ecg_edge.training.config import resolve
    from models_keras.registry import find

    dataset = Dataset.open(str(recordings), MultilabelTask, ("II",))
    task = MultilabelTask(MultilabelTask.find_classes(dataset, None, []))
    settings = resolve(find("cnn"), task.Options, "tiny", str(recordings), ("II",), 0, ["training.epochs=1"])
    run = Run.create(tmp_path_factory.mktemp("runs") / "labels", task, settings, dataset, split(dataset.entries, 0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECG_EDGE_CACHE", str(cache))
        train_run(run)
    return run.path


def test_thresholds_are_chosen_stored_and_used(multilabel):
    thresholds = read_json(multilabel / "decision.json")["thresholds"]
    assert len(thresholds) == 3
    result = json.loads(evaluate(multilabel, "--json").stdout)
    assert set(result["classes"]) == {"AF", "LBBB", "SNR"} and "all_labels_right" in result
    assert "Confusion matrix" not in evaluate(multilabel).stdout

    run = Run(multilabel)
    from ecg_edge.tasks.predictor import KerasPredictor

    validation = run.examples("validation")
    summaries = run.task.predict(KerasPredictor(run.model()), validation)
    assert run.task.choose_decision(summaries, validation)["thresholds"] == pytest.approx(thresholds)


def test_an_exported_file_is_evaluated_with_its_own_thresholds(multilabel, tmp_path, monkeypatch):
    class File(KerasPredictor):
        def __init__(self, path):
            super().__init__(Run(multilabel).model())
            self.metadata = ModelMetadata(decision={"thresholds": [2.0, 2.0, 2.0]})

    monkeypatch.setattr(run_evaluation, "TFLitePredictor", File)
    result = json.loads(evaluate(multilabel, "--model", tmp_path / "file.tflite", "--json").stdout)
    assert result["macro_f1"]["value"] == 0  # no probability reaches 2


def test_metadata_hold_the_decision_thresholds(multilabel):
    run = Run(multilabel)
    about = decode_metadata(encode_metadata(run.describe_model()))
    task, form = task_from_metadata(about, "run")
    assert (task.name, task.classes) == (run.task.name, run.task.classes)
    assert task.decision == run.task.decision == read_json(multilabel / "decision.json")
    assert form == run.settings.signal.window_spec()
    just = np.array(task.decision["thresholds"])
    assert task.label(just) == "AF LBBB SNR" and task.label(just - 1e-6) == "-"


def test_missing_thresholds_name_the_command_that_chooses_them(multilabel, tmp_path):
    for name in ("config.json", "split.json"):
        write_json(tmp_path / name, read_json(multilabel / name))
    (tmp_path / "model.keras").write_bytes((multilabel / "model.keras").read_bytes())
    with pytest.raises(InputError, match="no thresholds chosen yet.* --resume"):
        evaluate(tmp_path)
