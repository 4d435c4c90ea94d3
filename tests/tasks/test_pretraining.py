"""Pretraining takes every lead of recordings without labels, and its run gives weights and no answers."""

import numpy as np
import pytest
from labelled_recordings import write_labelled_recordings
from small_recordings import record, recordings, window_spec

import ecg_edge
from ecg_edge.data.dataset import Dataset
from ecg_edge.tasks.pretraining import PretrainingTask
from ecg_edge.tasks.rhythm import RhythmTask
from firmware_bench.runtime.errors import InputError


@pytest.fixture
def unlabelled(tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    write_labelled_recordings(folder).joinpath("labels.csv").unlink()
    return folder


def test_an_example_is_a_window_of_one_lead():
    leads = ("I", "II", "V1")
    made = recordings(record("a", samples=40, leads=leads), record("b", samples=20, leads=leads), leads=leads)
    task = PretrainingTask(("signal",))
    examples = task.examples(made, ["a", "b"], window_spec(10), training=True)
    whole = examples.windows(slice(None))
    for epoch in range(3):
        drawn = examples.draw_epoch(0, epoch)
        assert np.array_equal(drawn.batch(slice(None))["ecg"][..., 0], whole[np.arange(len(whole)), :, drawn.channels])
    channels = {tuple(examples.draw_epoch(0, epoch).channels) for epoch in range(20)}
    assert len(channels) > 5 and {channel for each in channels for channel in each} == {0, 1, 2}
    assert tuple(examples.draw_epoch(0, 1).channels) == tuple(examples.draw_epoch(0, 1).channels)
    validation = task.examples(made, ["a", "b"], window_spec(10))
    assert validation.draw_epoch(0, 1) is validation
    assert np.array_equal(validation.take(np.array([1])).batch(slice(None))["ecg"], validation.batch([1])["ecg"])


def test_recordings_need_no_labels(unlabelled):
    assert len(Dataset.open(str(unlabelled), PretrainingTask).entries) == 30
    with pytest.raises(InputError, match=r"no labels\.csv"):
        Dataset.open(str(unlabelled), RhythmTask)


@pytest.mark.slow
def test_a_classifier_starts_from_a_pretrained_run(unlabelled, tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path / "cache"))
    told = []

    class Listener(ecg_edge.Reporter):
        def message(self, text):
            told.append(text)

    first = ecg_edge.train("cnn", "tiny", str(unlabelled), task="pretrain", epochs=2, folder=tmp_path / "first")
    share = ecg_edge.evaluate(first).metrics["share_explained"]
    assert share.value < 1 and share.low <= share.value <= share.high
    for use in (ecg_edge.load, ecg_edge.export):
        with pytest.raises(InputError, match="answers nothing: train a run from its weights, ecg-edge train --init"):
            use(first.path)
    labelled = tmp_path / "labelled"
    labelled.mkdir()
    write_labelled_recordings(labelled)
    settings = {"training.init": str(first.path)}
    ecg_edge.train("cnn", "tiny", str(labelled), ["I"], settings=settings, epochs=1, folder=tmp_path / "second",
                   reporter=Listener())  # fmt: skip
    (copied,) = (text for text in told if text.startswith("initial weights of"))
    assert "decoder/kernel" in copied and "not in it" in copied
    with pytest.raises(InputError, match="only a classifier of windows of the ECG is pretrained"):
        ecg_edge.train("cae", "tiny", str(unlabelled), task="pretrain", epochs=1, folder=tmp_path / "third")
