"""Rhythms from sequences of beats: which beats a window has, what is said of each, what is padding."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from small_recordings import record as plain
from small_recordings import recordings, window_spec

from ecg_edge.data.dataset import Dataset
from ecg_edge.records.record import Beats, Entry
from ecg_edge.tasks.beat_rhythm import BEATS, PLAIN, BeatRhythmOptions, BeatRhythmTask
from ecg_edge.tasks.beats import BeatsTask
from firmware_bench.runtime.errors import InputError


def record(name="r0", every=80, samples=4000, signal=False, bouts=((0, 2000, "N"), (2000, 4000, "AFIB"))):
    at = np.arange(every, samples, every)
    whole = plain(name, samples, bouts=bouts, signal=signal)
    return dataclasses.replace(whole, beats=Beats(at, np.array(["N", "V"] * len(at))[: len(at)]))


def task(labels="true", embed=None):
    made = BeatRhythmTask(("NSR", "AFIB"), BeatRhythmOptions(labels=labels))
    made.embed_beats = embed
    return made


def examples(made, labels="true", embed=None, samples=1000):
    """One window per bout, in its middle."""
    drawn = task(labels, embed).examples(made, [entry.name for entry in made.entries], window_spec(samples))
    return dataclasses.replace(drawn, starts=(drawn.earliest + drawn.latest) // 2)


def test_recordings_without_signal_are_usable():
    made = recordings(record(), leads=())
    batch = examples(made).batch(slice(None))
    assert {name: values.shape for name, values in batch.items()} == {
        "features": (2, BEATS, PLAIN),
        "rr": (2, BEATS, 1),
        "weights": (2, BEATS),
    }


def test_beats_of_the_window_then_padding():
    batch = examples(recordings(record(), leads=())).batch(np.array([0]))
    # The window may start between 0 and 15 s; from 7.5 to 17.5 s beats come at 8.0, 8.8 … 16.8.
    weights = batch["weights"][0]
    assert np.count_nonzero(weights) == 12 and weights[:12].tolist() == [np.float32(1 / 12)] * 12
    np.testing.assert_allclose(batch["rr"][0, :12, 0], [0.0] + [0.8] * 11, rtol=1e-6)
    assert not batch["rr"][0, 12:].any() and not batch["features"][0, 12:].any()


def test_inputs_of_a_beat():
    batch = examples(recordings(record(), leads=())).batch(np.array([0]))
    first = batch["features"][0, 0]  # the recording's tenth beat: V
    np.testing.assert_allclose(first[:5], [0.8] * 5, rtol=1e-6)
    assert first[5:].tolist() == [0, 0, 1]


def test_too_many_beats_are_subsampled_evenly():
    made = recordings(record(every=20), leads=())  # 50 beats in 10 s
    batch = examples(made).batch(np.array([0]))
    np.testing.assert_allclose(batch["weights"][0], 1 / BEATS)
    np.testing.assert_allclose(batch["rr"][0, 1:, 0], 0.2, rtol=1e-5)


def test_a_window_without_beats_is_all_padding():
    made = recordings(record(every=3900), leads=())
    batch = examples(made, samples=100).batch(np.array([0]))
    assert not batch["weights"].any()


class Embedder:
    """Features of beats that are the beat's number; without signal there are none."""

    def __init__(self, asked, features=3):
        self.asked, self.features = asked, features

    def __call__(self, whole, labels, records):
        self.asked.append(labels)
        return np.arange(len(whole.beat_times), dtype=np.float32)[:, None] * np.ones(self.features, np.float32)


def test_features_of_beats_are_those_of_the_embedder():
    made, asked = recordings(record(signal=True)), []

    batch = examples(made, "own", Embedder(asked)).batch(np.array([1]))
    assert asked == ["own"]
    first = np.searchsorted(made.beat_times, 22.5)
    np.testing.assert_array_equal(batch["features"][0, :3, 0], first + np.arange(3))
    assert not batch["features"][0, 13:].any()


def test_labels_none_hides_labels():
    batch = examples(recordings(record(), leads=()), labels="none").batch(slice(None))
    assert batch["features"][..., :5].any() and not batch["features"][..., 5:].any()


def test_recordings_without_signal_have_their_annotated_classes_beside_an_embedder():
    made, asked = recordings(record("r0"), record("r1", signal=True)), []
    batch = examples(made, "own", Embedder(asked, PLAIN)).batch(np.array([0, 3]))
    np.testing.assert_allclose(batch["features"][0, 0], [0.8] * 5 + [0, 0, 1], rtol=1e-6)
    assert (batch["features"][1, 0] > 49).all()  # the number of a beat of the second recording


def test_a_recording_without_signal_has_no_waveform():
    with pytest.raises(InputError, match="r0 has no signal, and the model takes features of the waveform"):
        examples(recordings(record("r0"), record("r1", signal=True)), "own", Embedder([]))


@pytest.mark.parametrize(("reader", "problems"), [(BeatRhythmTask, []), (BeatsTask, ["r1"])])
def test_of_a_data_set_it_alone_takes_recordings_without_signal(reader, problems, monkeypatch, tmp_path):
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path))
    monkeypatch.setattr("ecg_edge.data.dataset.compute_cache_stamp", lambda *what: "stamp")
    records = {f"r{n}": record(f"r{n}", signal=n != 1) for n in range(21)}
    database = SimpleNamespace(read=lambda folder, entry: records[entry.name])
    entries = [Entry(name, name, name) for name in records]
    made = Dataset(database, tmp_path, entries, ("I",), {}).recordings(reader, window_spec())
    assert list(made.problems) == problems and made.has_signal().sum() == 20


def test_training_hides_classes_of_some_windows():
    made = recordings(record(), leads=())
    options = BeatRhythmOptions(labels="true", hide=0.5)
    hiding = BeatRhythmTask(("NSR", "AFIB"), options)
    drawn = hiding.examples(made, ["r0"], window_spec(1000), training=True).take(np.zeros(40, int)).draw_epoch(0, 0)
    tells = drawn.batch(slice(None))["features"][..., 5:].any(axis=(1, 2))
    assert (
        8 < tells.sum() < 32
        and (tells == drawn.draw_epoch(0, 0).batch(slice(None))["features"][..., 5:].any(axis=(1, 2))).all()
    )
    plain = hiding.examples(made, ["r0"], window_spec(1000)).views(2)[1].batch(slice(None))
    assert plain["features"][..., 5:].any(axis=(1, 2)).all()


def test_an_evaluation_has_a_variant_without_classes():
    made = examples(recordings(record(), leads=()))
    told, alone = task().variants().values()
    answers = [each.predict(lambda inputs: inputs["features"][:, 0, 5:], made) for each in (told, alone)]
    assert answers[0].any() and not answers[1].any()
    assert list(task("none").variants()) == [""]


def test_shifted_windows_have_other_beats():
    made = examples(recordings(record(), leads=()))
    first, last = (view.batch(np.array([0]))["weights"] for view in (made.views(3)[0], made.views(3)[2]))
    assert np.count_nonzero(first) and np.count_nonzero(last)
    drawn = task().examples(made.recordings, ["r0"], window_spec(1000), training=True)
    assert drawn.draw_epoch(0, 0).starts.tolist() != drawn.draw_epoch(0, 1).starts.tolist()


def test_a_model_is_built_for_beats_not_samples():
    assert task().input_length(window_spec(1000)) == task().input_length(window_spec(3000)) == BEATS
    assert task().input_length(window_spec(500)) == 16
    short = examples(recordings(record(every=20), leads=()), samples=500).batch(np.array([0]))
    assert short["features"].shape[1] == np.count_nonzero(short["weights"]) == 16


def test_inference_examples_are_all_windows():
    windows = task("none").inference_examples(recordings(record(), leads=()), window_spec(1000))
    assert len(windows) == 4 and windows.batch(slice(None))["weights"].any(axis=1).all()
