"""A clock that is wrong or goes backwards costs nothing: prepared recordings, runs and locks do not depend on it."""

import datetime
import os
import types

import numpy as np
import pytest
from small_recordings import window_spec

from ecg_edge import run_folder
from ecg_edge.data.dataset import Dataset
from ecg_edge.demo import write_wfdb
from ecg_edge.records.synthetic_ecg import synthesise
from ecg_edge.run_folder import claim_folder
from ecg_edge.tasks.rhythm import RhythmTask
from firmware_bench.runtime import files
from firmware_bench.runtime.file_lock import hold
from firmware_bench.runtime.files import atomic_write

YEAR_S = 365 * 86400


@pytest.mark.parametrize("mtime", [-YEAR_S, 0, 80 * YEAR_S, 400 * YEAR_S])
def test_recordings_of_any_time_are_prepared_once_and_again_where_one_was_replaced_by_an_older_one(
    tmp_path, monkeypatch, mtime
):
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "recordings"
    folder.mkdir()
    names = [write_wfdb(synthesise(rhythm, seed=1), folder).name for rhythm in ("AF", "SNR")]
    (folder / "labels.csv").write_text("record,label\n" + "".join(f"{name},{name[:2]}\n" for name in names))
    for file in folder.iterdir():
        os.utime(file, (mtime, mtime))

    def prepare():
        done = []
        made = Dataset.open(str(folder), RhythmTask).recordings(
            RhythmTask, window_spec(100), lambda number, total: done.append(number)
        )
        return np.array(made.signals), len(done)

    first, count = prepare()
    again, recount = prepare()
    assert (count, recount) == (2, 0)
    np.testing.assert_array_equal(again, first)
    os.utime(folder / f"{names[0]}.dat", (mtime - 60, mtime - 60))
    assert prepare()[1] == 2


def test_runs_that_start_at_times_that_go_backwards_get_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    now = iter(datetime.datetime(2026, 10, 25, 2, 59, second) for second in (7, 8, 7, 6, 7))
    clock = types.SimpleNamespace(datetime=types.SimpleNamespace(now=lambda: next(now)))
    monkeypatch.setattr(run_folder, "datetime", clock)
    found = []
    for number in range(5):
        with claim_folder(None, "cnn", "mitdb") as folder:
            (folder / "config.json").write_text(str(number))
            found.append(folder)
    assert [folder.name[-8:] for folder in found] == [
        "5-025907", "5-025908", "025907-2", "5-025906", "025907-3",
    ]  # fmt: skip
    assert [(folder / "config.json").read_text() for folder in found] == list("01234")


@pytest.mark.parametrize("mtime", [0, 80 * YEAR_S])
def test_what_dead_processes_left_is_taken_over_whatever_its_time(tmp_path, monkeypatch, mtime):
    monkeypatch.setattr(files, "_swept", set())
    lock, left = tmp_path / ".lock", tmp_path / ".model.0123456789ab.part"
    for file in (lock, left):
        file.touch()
        os.utime(file, (mtime, mtime))
    with hold(lock, "held"), atomic_write(tmp_path / "model") as temporary:
        temporary.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
