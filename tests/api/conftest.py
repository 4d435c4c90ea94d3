"""A run on a user's own recordings, trained by the API, for all of its tests."""

import pytest
from labelled_recordings import write_labelled_recordings

import ecg_edge


class ListReporter(ecg_edge.Reporter):
    """Keeps what it receives."""

    def __init__(self):
        self.messages, self.stages = [], {}

    def message(self, text):
        self.messages.append(text)

    def progress(self, stage, done, total):
        self.stages.setdefault(stage, []).append((done, total))


@pytest.fixture
def reporter():
    return ListReporter()


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(cache, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_CACHE", str(cache))


@pytest.fixture(scope="session")
def recordings(tmp_path_factory):
    return write_labelled_recordings(tmp_path_factory.mktemp("recordings"))


@pytest.fixture(scope="session")
def training(recordings, cache, tmp_path_factory):
    """(the run, the reporter that watched its training)."""
    reporter, folder = ListReporter(), tmp_path_factory.mktemp("runs") / "own"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECG_EDGE_CACHE", str(cache))
        settings = {"training.batch": 8, "signal.mode": "offline", "signal.normalise": "record"}
        run = ecg_edge.train("cnn", "tiny", recordings, ["II"], None, settings, 2, folder, 0, reporter)
    return run, reporter


@pytest.fixture(scope="session")
def run(training):
    return training[0]
