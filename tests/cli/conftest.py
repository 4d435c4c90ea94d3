"""A user's own folder of recordings, and a run on it, for all tests of the commands."""

import pytest
from click.testing import CliRunner
from labelled_recordings import write_labelled_recordings

from ecg_edge.cli.train import command as train


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(cache, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_CACHE", str(cache))


@pytest.fixture(scope="session")
def recordings(tmp_path_factory):
    """30 recordings of ten patients, three rhythms, in a folder with a labels file."""
    return write_labelled_recordings(tmp_path_factory.mktemp("recordings"))


@pytest.fixture(scope="session")
def tiny():
    """The words of a short training."""
    return ["--arch", "cnn", "--preset", "tiny", "--leads", "II", "--epochs", "1"]


@pytest.fixture(scope="session")
def run(recordings, tiny, cache, tmp_path_factory):
    """The folder of a run on `recordings`."""
    folder = tmp_path_factory.mktemp("runs") / "own"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECG_EDGE_CACHE", str(cache))
        words = [*tiny, "--data", str(recordings), "--run", str(folder)]
        shown = CliRunner().invoke(train, words, catch_exceptions=False)
    assert f"next: ecg-edge evaluate {folder}" in shown.stderr
    return folder
