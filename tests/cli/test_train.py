"""ecg-edge train, evaluate: a user's own folder, from recordings to figures."""

import json
import os
import resource
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from ecg_edge.cli.evaluate import command as evaluate
from ecg_edge.cli.train import command as train
from ecg_edge.demo import write_wfdb
from ecg_edge.errors import InputError
from ecg_edge.files import read_json, write_json
from ecg_edge.records.synthetic import synthesise

TINY = ["--arch", "cnn", "--preset", "tiny", "--leads", "II", "--epochs", "1"]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """30 recordings of ten patients in a folder with a labels file; patient 3's first recording has gaps."""
    folder = tmp_path_factory.mktemp("recordings")
    lines = ["record,label,patient"]
    for patient in range(10):
        for number, rhythm in enumerate(("SNR", "AF", "LBBB")):
            name = write_wfdb(synthesise(rhythm, seed=3 * patient + number), folder).name
            lines.append(f"{name},{rhythm},{patient}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def invoke(command, *words):
    return CliRunner().invoke(command, list(map(str, words)), catch_exceptions=False)


@pytest.fixture(scope="module")
def run(recordings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "own"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECG_EDGE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        shown = invoke(train, *TINY, "--data", recordings, "--run", folder)
    assert f"next: ecg-edge evaluate {folder}" in shown.stderr
    return folder


def test_a_run_folder_is_complete_and_split_by_patient(run, recordings):
    config, split = read_json(run / "config.json"), read_json(run / "split.json")
    assert config["classes"] == ["AF", "LBBB", "SNR"] and config["leads"] == ["II"]
    assert (run / "model.keras").exists() and (run / "checkpoint" / "last.npz").exists()
    patient = dict(line.split(",")[::2] for line in (recordings / "labels.csv").read_text().splitlines()[1:])
    sides = [{patient[name] for name in names} for names in split.values()]
    assert all(sides) and sum(map(len, sides)) == len(set.union(*sides)) == 10


def test_evaluation_has_intervals_and_is_kept(run):
    result = json.loads(invoke(evaluate, run, "--json").stdout)
    assert result == read_json(run / "evaluation-keras.json")
    assert result["recordings"] == 3 and result["patients"] == 1
    assert set(result["classes"]) == {"AF", "LBBB", "SNR"}
    assert {"value", "low", "high"} == set(result["macro_f1"])
    assert np.sum(result["confusion_matrix"]) == 3
    assert "Confusion matrix" in invoke(evaluate, run).stdout


def test_patients_of_the_training_part_are_refused(run, recordings):
    with pytest.raises(InputError, match="patients of this data .* took part in training"):
        invoke(evaluate, run, "--data", recordings)


def test_another_data_set_is_evaluated_whole(run, tmp_path):
    lines = ["record,label"]
    for seed, rhythm in enumerate(("SNR", "AF", "LBBB", "PVC")):
        lines.append(f"{write_wfdb(synthesise(rhythm, seed=500 + seed), tmp_path).name},{rhythm}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    result = json.loads(invoke(evaluate, run, "--data", tmp_path, "--json").stdout)
    assert result["recordings"] == 3
    assert "1 recordings of other classes left out" in result["data"]


def test_changed_recordings_are_noticed(run, recordings):
    labels = recordings / "labels.csv"
    before = labels.read_text()
    labels.write_text(before.replace("AF-1,AF", "AF-1,SNR"))
    try:
        with pytest.raises(InputError, match="fingerprint differs"):
            invoke(evaluate, run)
    finally:
        labels.write_text(before)


def test_a_run_folder_is_never_overwritten(run, recordings):
    with pytest.raises(InputError, match="holds a run already"):
        invoke(train, *TINY, "--data", recordings, "--run", run)


def test_dry_run_takes_a_step_and_writes_nothing(recordings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = invoke(train, *TINY, "--data", recordings, "--dry-run").stderr
    assert "trainable parameters; loss of one batch" in shown
    assert list(tmp_path.iterdir()) == []


def test_a_class_that_only_one_patient_has_is_named(recordings, tmp_path):
    text = (recordings / "labels.csv").read_text().splitlines()
    for file in recordings.iterdir():
        if file.suffix in (".hea", ".dat"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "labels.csv").write_text("\n".join(text) + "\n")
    split = {"train": ["SNR-0", "SNR-3"], "validation": ["SNR-6"], "test": ["AF-1", "LBBB-2"]}
    shown = invoke(train, *TINY, "--data", tmp_path, "--run", tmp_path / "run", "--dry-run").stderr
    assert "30 labelled recordings" in shown
    from ecg_edge.run import Run
    from ecg_edge.tasks.dataset import Dataset
    from ecg_edge.training.config import resolve
    from models_keras.registry import find

    settings = resolve(find("cnn"), "tiny", str(tmp_path), ("II",), 0, ["training.epochs=1"])
    Run.create(tmp_path / "run", "rhythm", settings, Dataset.open(str(tmp_path), ("II",)), split)
    with pytest.raises(InputError, match="class AF has no recording in the training part"):
        invoke(train, "--resume", tmp_path / "run")


def test_a_few_damaged_recordings_are_left_out_with_a_warning(recordings, tmp_path):
    for file in recordings.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    damaged = tmp_path / "SNR-0.dat"
    damaged.write_bytes(damaged.read_bytes()[:1000])
    shown = invoke(train, *TINY, "--data", tmp_path, "--run", tmp_path / "run").stderr
    assert "warning: left out SNR-0" in shown
    assert "warning: 1 of 30 recordings could not be read" in shown


def test_more_than_five_per_cent_damaged_ends_the_training(recordings, tmp_path):
    for file in recordings.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    for name in ("SNR-3", "SNR-6", "AF-4"):
        (tmp_path / f"{name}.dat").unlink()
    with pytest.raises(InputError, match="more than 5% of 30 recordings"):
        invoke(train, *TINY, "--data", tmp_path, "--run", tmp_path / "run")


def test_a_file_of_another_run_is_refused(run, tmp_path):
    from small_models import convolutional

    (tmp_path / "other.tflite").write_bytes(convolutional())
    with pytest.raises(InputError, match="predicts other classes"):
        invoke(evaluate, run, "--model", tmp_path / "other.tflite")


def test_an_unfinished_run_says_how_to_finish_it(run, tmp_path):
    for name in ("config.json", "split.json"):
        write_json(tmp_path / name, read_json(run / name))
    with pytest.raises(InputError, match=f"ecg-edge train --resume {tmp_path}"):
        invoke(evaluate, tmp_path)


@pytest.mark.slow
def test_a_disk_that_takes_no_more_ends_in_one_line_and_leaves_nothing(recordings, tmp_path):
    """A limit on the size of files stands for the full disk: the cache's file hits it first."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    words = ["train", *TINY, "--data", str(recordings), "--run", str(tmp_path / "run")]
    environment = {**os.environ, "ECG_EDGE_CACHE": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [sys.executable, "-m", "ecg_edge", *words], preexec_fn=limit, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1] == "error: File too large"
    assert list((tmp_path / "cache").iterdir()) == []
