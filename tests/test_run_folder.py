"""A run's folder: for one process at a time, for one run for ever, gone where nothing came of it."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ecg_edge.run_folder import claim_folder, hold_folder
from firmware_bench.runtime.errors import InputError


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def contents():
    return sorted(str(path) for path in Path().rglob("*"))


def test_those_that_start_at_once_get_folders_of_their_own():
    together, found = threading.Barrier(8), []

    def start():
        together.wait()
        with claim_folder(None, "cnn", "/data/mitdb") as folder:
            (folder / "config.json").write_text("{}")
            found.append(folder)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 8 and all(folder.name.startswith("cnn-mitdb-2") for folder in found)
    assert all(contents.name == "config.json" for folder in found for contents in folder.iterdir())


def test_a_second_one_is_refused_while_the_first_one_works_and_after_it():
    with claim_folder(Path("a/b"), "cnn", "x") as folder:
        with pytest.raises(InputError, match="another process"), claim_folder(Path("a/b"), "cnn", "x"):
            pass
        with pytest.raises(InputError, match="another process"), hold_folder(folder):
            pass
        (folder / "config.json").write_text("{}")
    with pytest.raises(InputError, match="holds a run already"), claim_folder(Path("a/b"), "cnn", "x"):
        pass
    assert contents() == ["a", "a/b", "a/b/config.json"]


@pytest.mark.parametrize("path", [None, Path("a/b"), Path("mine")])
def test_a_folder_in_which_nothing_was_made_is_removed_and_an_older_one_is_not(path):
    Path("mine").mkdir()
    with pytest.raises(InputError, match="no lead"), claim_folder(path, "cnn", "x"):
        raise InputError("no lead")
    assert contents() == ["mine"]


def test_a_process_that_was_killed_refuses_nobody():
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom ecg_edge.run_folder import claim_folder\n"
        "with claim_folder(Path('a'), 'cnn', 'x'): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert contents() == ["a", "a/.lock"]
    with claim_folder(Path("a"), "cnn", "x") as folder:
        (folder / "config.json").write_text("{}")
    assert contents() == ["a", "a/config.json"]
