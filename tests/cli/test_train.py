"""ecg-edge train: a user's own folder, from recordings to a run."""

import os
import resource
import subprocess
import sys

import pytest
from click.testing import CliRunner

from ecg_edge.cli.train import command
from ecg_edge.run_folder import hold_folder
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import read_json


def train(*words):
    return CliRunner().invoke(command, list(map(str, words)), catch_exceptions=False)


def copied(recordings, folder):
    for file in recordings.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_a_run_folder_is_complete_and_split_by_patient(run, recordings):
    config, split = read_json(run / "config.json"), read_json(run / "split.json")
    assert config["classes"] == ["AF", "LBBB", "SNR"] and config["leads"] == ["II"]
    assert config["task"] == {"name": "rhythm"}
    assert (run / "model.keras").exists() and (run / "checkpoint" / "last.npz").exists()
    patient = dict(line.split(",")[::2] for line in (recordings / "labels.csv").read_text().splitlines()[1:])
    sides = [{patient[name] for name in names} for names in split.values()]
    assert all(sides) and sum(map(len, sides)) == len(set.union(*sides)) == 10
    # The class of the highest mean needs no threshold; its probability is calibrated.
    assert read_json(run / "decision.json").keys() == {"temperature"}


def test_a_run_folder_is_never_overwritten(run, recordings, tiny, monkeypatch):
    monkeypatch.delattr("ecg_edge.data.dataset.Dataset.recordings")  # refused before recordings are prepared
    with pytest.raises(InputError, match="holds a run already"):
        train(*tiny, "--data", recordings, "--run", run)


def test_a_run_that_another_process_trains_is_refused_before_recordings_are_prepared(run, recordings, tiny, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr("ecg_edge.data.dataset.Dataset.recordings")
        (tmp_path / "run").mkdir()
        with hold_folder(tmp_path / "run"), pytest.raises(InputError, match="another process"):
            train(*tiny, "--data", recordings, "--run", tmp_path / "run")
        with hold_folder(run), pytest.raises(InputError, match="another process"):
            train("--resume", run)


@pytest.mark.slow
def test_three_seeds_started_together_make_three_runs_and_prepare_once(recordings, tmp_path):
    code = (
        "import sys; from ecg_edge.api.training_run import create_run; create_run('cnn', 'tiny', sys.argv[1], ['II'], "
    )
    command = [sys.executable, "-c", f"{code} seed=int(sys.argv[2]))", str(recordings)]
    environment = {**os.environ, "ECG_EDGE_CACHE": str(tmp_path / "cache")}
    processes = [
        subprocess.Popen([*command, str(seed)], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
        for seed in range(3)
    ]
    said = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said
    folders = list((tmp_path / "runs").iterdir())
    assert {read_json(folder / "config.json")["seed"] for folder in folders} == {0, 1, 2}
    written = ["config.json", "identities.json", "split.json"]
    assert all(sorted(path.name for path in folder.iterdir()) == written for folder in folders)
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_the_end_of_a_training_says_which_epoch_was_kept(recordings, tiny, tmp_path):
    shown = train(*tiny, "--data", recordings, "--run", tmp_path / "run", "--set", "training.keep=last").stderr
    assert "model.keras: the last epoch\n" in shown


def test_dry_run_takes_a_step_and_writes_nothing(recordings, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = train(*tiny, "--data", recordings, "--dry-run").stderr
    lines = shown.splitlines()
    assert lines[:6] == [
        f"{recordings} is taken for: labelled folder, labels in labels.csv ({recordings.name})",
        "30 recordings of 10 patients; SNR 10, AF 10, LBBB 10",
        "train: 24 recordings of 8 patients; AF 8, LBBB 8, SNR 8",
        "validation: 3 recordings of 1 patients; AF 1, LBBB 1, SNR 1",
        "test: 3 recordings of 1 patients; AF 1, LBBB 1, SNR 1",
        "split by patient, drawn with seed 0",
    ]
    assert "leads II; windows of 10 s at 100 Hz: 1000 samples" in shown
    assert "classes AF LBBB SNR" in shown
    assert "15,435 trainable parameters; loss of one batch" in shown
    assert list(tmp_path.iterdir()) == []


def test_what_is_left_out_and_not_understood_is_named_before_training(recordings, tiny, tmp_path):
    copied(recordings, tmp_path)
    table = (tmp_path / "labels.csv").read_text().replace("record,label,patient", "record,label,Patienten-Nr")
    table = table.replace("\nAF-1,AF,", "\nAF-1,,").replace("\nSNR-0,SNR,0", "")
    (tmp_path / "labels.csv").write_text(table)
    lines = train(*tiny, "--data", tmp_path, "--dry-run").stderr.splitlines()
    assert lines[1] == "28 recordings of 28 patients; LBBB 10, SNR 9, AF 9"
    assert "left out, no label: 1 (AF-1)" in lines
    assert "left out, not in the table of labels: 1 (SNR-0)" in lines
    assert "note: labels.csv: columns that are not understood and not used: 'Patienten-Nr'" in lines
    assert "note: labels.csv: no column of patients: each recording counts as a patient of its own" in lines


def test_a_column_split_decides_the_parts(recordings, tiny, tmp_path):
    copied(recordings, tmp_path)
    header, *rows = (tmp_path / "labels.csv").read_text().splitlines()
    sides = {"0": "test", "1": "val"}
    rows = [f"{row},{sides.get(row.split(',')[2], 'train')}" for row in rows]
    (tmp_path / "labels.csv").write_text("\n".join([f"{header},split", *rows]) + "\n")
    lines = train(*tiny, "--data", tmp_path, "--dry-run").stderr.splitlines()
    assert [line.split(";")[0] for line in lines[2:5]] == [
        "train: 24 recordings of 8 patients",
        "validation: 3 recordings of 1 patients",
        "test: 3 recordings of 1 patients",
    ]
    assert lines[5] == "split by the folds of the data: 1 to 8 train, 9 validates, 10 tests"


def test_a_task_that_the_recordings_cannot_serve_is_refused(recordings, tmp_path):
    words = ["--preset", "tiny", "--data", recordings, "--run", tmp_path / "run"]
    with pytest.raises(InputError, match="no beats and rhythm marks, which the task rhythm_bouts needs"):
        train("--arch", "rhythm_resnet1d", *words)
    assert not (tmp_path / "run").exists()


def test_an_architecture_is_trained_for_another_task_that_it_serves(recordings, tmp_path):
    settings = ["--preset", "tiny", "--epochs", 1, "--set", "signal.fs=100", "--data", recordings]
    train("--arch", "rhythm_resnet1d", "--task", "rhythm", *settings, "--run", tmp_path / "run")
    config = read_json(tmp_path / "run" / "config.json")
    assert config["task"] == {"name": "rhythm"} and config["classes"] == ["AF", "LBBB", "SNR"]
    assert (tmp_path / "run" / "model.keras").exists()
    with pytest.raises(InputError, match="serves the task rhythm_bouts or rhythm or pretrain, not 'anomaly'"):
        train("--arch", "rhythm_resnet1d", "--task", "anomaly", *settings)
    with pytest.raises(InputError, match="leave out --task"):
        train("--resume", tmp_path / "run", "--task", "rhythm")


def test_a_class_without_a_recording_to_learn_from_is_named(recordings, tmp_path):
    from ecg_edge.data.dataset import Dataset
    from ecg_edge.run import Run
    from ecg_edge.tasks.rhythm import RhythmTask
    from ecg_edge.training.config import resolve
    from models_keras.registry import find

    split = {"train": ["SNR-0", "SNR-3"], "validation": ["SNR-6"], "test": ["AF-1", "LBBB-2"]}
    dataset = Dataset.open(str(recordings), RhythmTask, ("II",))
    task = RhythmTask(RhythmTask.find_classes(dataset, None, []))
    settings = resolve(find("cnn"), RhythmTask.Options, "tiny", str(recordings), ("II",), 0, ["training.epochs=1"])
    Run.create(tmp_path / "run", task, settings, dataset, split)
    with pytest.raises(InputError, match="class AF has no example in the training part"):
        train("--resume", tmp_path / "run")


@pytest.mark.slow
def test_a_few_damaged_recordings_are_left_out_with_a_warning(recordings, tiny, tmp_path):
    damaged = copied(recordings, tmp_path) / "SNR-0.dat"
    damaged.write_bytes(damaged.read_bytes()[:1000])
    header = tmp_path / "LBBB-2.hea"
    header.write_text(header.read_text().replace("/mV", "/V"))
    shown = train(*tiny, "--data", tmp_path, "--run", tmp_path / "run").stderr
    assert "warning: LBBB-2: values of " in shown and "no ECG in mV has them" in shown
    assert "warning: left out SNR-0" in shown
    assert "warning: 1 of 30 recordings could not be read" in shown


def test_more_than_five_per_cent_damaged_ends_the_training(recordings, tiny, tmp_path):
    copied(recordings, tmp_path)
    for name in ("SNR-3", "SNR-6", "AF-4"):
        (tmp_path / f"{name}.dat").unlink()
    with pytest.raises(InputError, match="more than 5% of 30 recordings"):
        train(*tiny, "--data", tmp_path, "--run", tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_leaves_no_file(recordings, tiny, tmp_path):
    """A limit on the size of files stands for the full disk: the cache's file hits it first."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    words = ["train", *tiny, "--data", str(recordings), "--run", str(tmp_path / "run")]
    environment = {**os.environ, "ECG_EDGE_CACHE": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [sys.executable, "-m", "ecg_edge", *words], preexec_fn=limit, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1].startswith(f"error: {tmp_path / 'cache'}: File too large; prepared recordings")
    assert list((tmp_path / "cache").iterdir()) == []
