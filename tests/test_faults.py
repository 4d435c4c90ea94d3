"""Whichever step of writing fails, there is one line, nothing half-written, and repeating gives the same."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from faults import leftovers, try_every_step
from labelled_recordings import write_labelled_recordings
from small_recordings import record, recordings, window_spec

from ecg_edge.data.examples import consecutive_windows
from ecg_edge.data.recordings import load_recordings
from ecg_edge.records.record import Entry
from ecg_edge.tasks.rhythm import RhythmTask
from ecg_edge.training.config import TrainingConfig
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import describe_os_error, write_json
from firmware_bench.runtime.generated_folder import write_generated_folder


def line_of(error):
    """What the command line prints of an error with status 2."""
    assert isinstance(error, (OSError, InputError)), repr(error)
    line = describe_os_error(error) if isinstance(error, OSError) else str(error)
    assert "\n" not in line
    return line


def test_preparing_recordings(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path / "cache"))
    entries = [Entry(f"r{number}", f"r{number}", "p", ("N",)) for number in range(3)]

    def work(stamp):
        load_recordings(entries, lambda entry: record(entry.name), str(stamp), ("I",), [], 100.0)

    failures = 0
    for failures, error in try_every_step(tmp_path, work, monkeypatch):  # noqa: B007
        assert str(tmp_path / "cache") in line_of(error) and "ECG_EDGE_CACHE" in str(error)
        assert not leftovers(tmp_path) and ".part" not in str(error)
    assert failures > 40
    made = load_recordings(entries, lambda entry: record(entry.name), "last", ("I",), [], 100.0)
    np.testing.assert_array_equal(made.signal(2), record("r2").signal)


@pytest.mark.parametrize(
    "write", [write_json, lambda path, value: write_generated_folder(path, {"a": b"1", "b/c": b"2"})]
)
def test_reports_and_generated_folders(tmp_path, monkeypatch, write):
    failures = 0
    for failures, error in try_every_step(tmp_path, lambda n: write(tmp_path / f"{n}" / "made", n), monkeypatch):
        assert line_of(error).startswith(str(tmp_path / f"{failures}")) and not leftovers(tmp_path)
        write(tmp_path / f"{failures}" / "made", 1)
    assert failures > 5


@pytest.mark.slow
def test_training(tmp_path, monkeypatch):
    from ecg_edge.training.loop import train

    made = recordings(*(record(f"r{number}", samples=4) for number in range(4)))
    targets = np.arange(4) % 2
    examples = consecutive_windows(made, [entry.name for entry in made.entries], window_spec(4), targets)
    recipe = TrainingConfig(epochs=1, batch=4, learning_rate=0.01)

    def work(number):
        keras.utils.set_random_seed(0)
        ecg = keras.Input((4, 1), name="ecg")
        x = keras.layers.Dense(2, activation="softmax")(keras.layers.GlobalAveragePooling1D()(ecg))
        model = keras.Model(ecg, x)
        train(model, RhythmTask(("a", "b")), examples, examples, recipe, 0, tmp_path / str(number))

    def contents(number):
        folder = tmp_path / str(number)
        model = keras.models.load_model(folder / "model.keras")
        history = (folder / "history.csv").read_text().rpartition(",")[0]
        return [history, *(weights.tolist() for weights in model.get_weights())]

    work(0)
    failures = 0
    for failures, error in try_every_step(tmp_path, work, monkeypatch):
        assert line_of(error).startswith(str(tmp_path / str(failures))) and ".part" not in line_of(error)
        assert not leftovers(tmp_path)
        work(failures)
        assert contents(failures) == contents(0)
    assert failures > 15


@pytest.mark.slow
def test_a_training_on_a_full_disk_names_it_and_is_resumed_on_a_larger_one(tmp_path):
    """A real one: 300 kB in memory hold a run's configuration and model.keras, and not its checkpoint."""
    disk, data = tmp_path / "disk", tmp_path / "data"
    disk.mkdir()
    data.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        write_labelled_recordings(data)
        environment = {**os.environ, "ECG_EDGE_CACHE": str(tmp_path / "cache")}
        command = [sys.executable, "-m", "ecg_edge", "train"]
        words = ["--arch", "cnn", "--preset", "tiny", "--leads", "II", "--epochs", "1", "--data", data]
        ran = subprocess.run([*command, *words, "--run", disk / "run"], env=environment, capture_output=True, text=True)
        assert ran.returncode == 2, ran.stderr
        assert ran.stderr.splitlines()[-1].startswith(f"error: {disk / 'run'}")
        assert ran.stderr.endswith(f"the disk is full (the one mounted at {disk})\n") and not leftovers(disk)
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        ran = subprocess.run([*command, "--resume", disk / "run"], env=environment, capture_output=True, text=True)
        assert ran.returncode == 0 and (disk / "run" / "model.keras").exists(), ran.stderr
    finally:
        subprocess.run(["umount", disk], check=True)
