"""A training that was killed continues to the weights of one that was not."""

import csv
import importlib.util
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from ecg_edge.run import Run
from ecg_edge.training import checkpoint
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import read_json

pytestmark = pytest.mark.slow
TRAIN = ["train", "--arch", "cnn_att_bilstm", "--preset", "tiny", "--leads", "II", "--seed", "5"]
SETTINGS = ["--set", "training.epochs=4", "--set", "training.halve_after=1", "--set", "training.averaging=0.8"]


def start(*words):
    def interruptible():  # a shell in the background has its children ignore Ctrl-C
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    command = [sys.executable, "-m", "ecg_edge", *words]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=interruptible)


def weights(run):
    return Run(run).model().get_weights()


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """A run of four epochs that nobody disturbed."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    os.environ["ECG_EDGE_CACHE"] = str(folder.parent / "cache")
    process = start(*TRAIN, *SETTINGS, "--run", str(folder))
    _, text = process.communicate(timeout=300)
    assert process.returncode == 0, text
    yield folder
    del os.environ["ECG_EDGE_CACHE"]


def test_killed_in_the_middle_of_an_epoch_and_resumed(whole_run, tmp_path):
    killed = tmp_path / "killed"
    process = start(*TRAIN, *SETTINGS, "--run", str(killed))
    for line in process.stderr:
        if line.startswith("epoch 2/"):
            break
    # an epoch takes about a second here: well inside the third one
    seconds = float(read_csv(killed / "history.csv")[-1]["seconds"])
    time.sleep(0.4 * seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(read_csv(killed / "history.csv")) == 2, "killed before the third epoch's end"

    process = start("train", "--resume", str(killed))
    _, text = process.communicate(timeout=300)
    assert process.returncode == 0, text
    for ours, theirs in zip(weights(killed), weights(whole_run), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    columns = ["epoch", "loss", "validation_loss", "validation_score", "learning_rate"]
    for ours, theirs in zip(read_csv(killed / "history.csv"), read_csv(whole_run / "history.csv"), strict=True):
        assert [ours[c] for c in columns] == [theirs[c] for c in columns]


def test_ctrl_c_prints_one_line_with_the_command_to_resume(tmp_path, whole_run):
    folder = tmp_path / "interrupted"
    process = start(*TRAIN, *SETTINGS, "--run", str(folder))
    for line in process.stderr:
        if line.startswith("epoch 1/"):
            break
    process.send_signal(signal.SIGINT)
    _, text = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"ecg-edge train --resume {folder}" in text
    assert "Traceback" not in text


def test_a_finished_run_resumes_to_itself(whole_run):
    before = (whole_run / "model.keras").read_bytes()
    process = start("train", "--resume", str(whole_run))
    process.communicate(timeout=300)
    assert process.returncode == 0
    assert (whole_run / "model.keras").read_bytes() == before


def test_a_run_folder_holds_what_is_needed_to_repeat_it(whole_run):
    config, split = read_json(whole_run / "config.json"), read_json(whole_run / "split.json")
    assert config["seed"] == 5 and config["leads"] == ["II"] and len(config["classes"]) == 9
    assert {"python", "keras", "tensorflow", "numpy", "wfdb"} <= set(config["versions"])
    assert config["fingerprint"] and config["training"]["epochs"] == 4
    assert set(split) == {"train", "validation", "test"}
    names = [name for part in split.values() for name in part]
    assert len(names) == len(set(names))


def test_a_damaged_or_foreign_checkpoint_is_one_line(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    path = tmp_path / "last.npz"
    checkpoint.save(path, model, checkpoint.Progress(epoch=3, history=[{"epoch": number} for number in (1, 2, 3)]))
    assert checkpoint.restore(path, model).epoch == 3

    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    other.compile("adam", "mse")
    with pytest.raises(InputError, match="belongs to another model"):
        checkpoint.restore(path, other)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match="cannot be read"):
        checkpoint.restore(path, model)


def read_csv(path):
    with open(path) as file:
        return list(csv.DictReader(file))


UNDER_JAX = """
import sys, ecg_edge
settings = {"training.averaging": 0.8}
run = ecg_edge.train("cnn", preset="tiny", leads=["II"], epochs=2, settings=settings, folder=sys.argv[1])
assert run.config["keras_backend"] == "jax"
"""


@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="jax is not installed: pip install -e .[train]")
def test_weights_are_averaged_and_kept_under_jax(tmp_path):
    environment = {**os.environ, "KERAS_BACKEND": "jax", "ECG_EDGE_CACHE": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", UNDER_JAX, str(tmp_path / "run")], env=environment, check=True)
    kept = np.load(tmp_path / "run" / "checkpoint" / "last.npz")
    assert all(np.isfinite(kept[name]).all() for name in kept.files if name != "progress")
    with open(tmp_path / "run" / "history.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2
