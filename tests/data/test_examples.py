"""Windows of recordings: cut where they are asked for, drawn anew, shifted, and the windows of whole recordings."""

import dataclasses
import tracemalloc

import numpy as np
import pytest
from small_recordings import cut_windows, record, recordings, window_spec

from ecg_edge.data.examples import Examples, consecutive_windows
from ecg_edge.data.recordings import load_recordings


def examples(starts, records=None, samples=4, earliest=None, latest=None, random=False, made=None, **changes):
    """Windows of ten samples' recordings r0, r1, …; sample i of each is i."""
    starts = np.array(starts)
    records = np.zeros(len(starts), np.int64) if records is None else np.array(records)
    return Examples(
        made or recordings(*(record(f"r{i}", samples=10) for i in range(records.max(initial=0) + 1))),
        window_spec(samples, **changes),
        records,
        starts,
        targets=np.arange(len(starts)),
        earliest=starts if earliest is None else np.array(earliest),
        latest=starts if latest is None else np.array(latest),
        random=random,
    )


def test_windows_begin_at_their_starts_in_the_requested_order():
    made = recordings(record("r0", samples=10), record("r1", samples=20, leads=("II", "I")), leads=("I",))
    batch = examples([0, 6, 15], records=[0, 0, 1], made=made).batch(np.array([2, 0]))
    assert list(batch) == ["ecg"] and batch["ecg"].dtype == np.float32
    np.testing.assert_array_equal(batch["ecg"][:, :, 0], [[10_015, 10_016, 10_017, 10_018], [0, 1, 2, 3]])


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (-2, [0, 0, 0, 1]),
        (8, [8, 9, 0, 0]),
        (6, [6, 7, 8, 9]),
        (-4, [0, 0, 0, 0]),
        (-9, [0, 0, 0, 0]),
        (10, [0, 0, 0, 0]),
        (17, [0, 0, 0, 0]),
    ],
)
def test_outside_its_recording_a_window_is_zero(start, expected):
    neighbours = examples([start], records=[1], made=recordings(*(record(f"r{i}", samples=10) for i in range(3))))
    assert neighbours.windows(slice(None))[0, :, 0].tolist() == expected


def test_a_recording_shorter_than_a_window_stands_at_its_start():
    assert examples([0], samples=12).windows([0])[0, :, 0].tolist() == [*range(10), 0, 0]


def test_a_recording_without_signal_gives_empty_windows():
    made = recordings(record("r0", samples=10, signal=False))
    assert not examples([0, 3], made=made).windows(slice(None)).any()


def test_steps_of_a_window_see_that_window_alone():
    whole = examples([0, 5], samples=4).windows(slice(None))[:, :, 0]
    scaled = examples([0, 5], samples=4, window_steps=[{"step": "zscore"}]).windows(slice(None))[:, :, 0]
    np.testing.assert_allclose(scaled, (whole - whole.mean(axis=1)[:, None]) / whole.std(axis=1)[:, None], rtol=1e-6)


def test_take_and_subsample():
    made = examples(np.arange(6), records=[0, 0, 1, 1, 2, 2], earliest=np.arange(6) - 1, latest=np.arange(6) + 1)
    some = made.take(np.array([4, 1]))
    assert len(some) == 2 and some.records.tolist() == [2, 0] and some.targets.tolist() == [4, 1]
    assert (some.starts.tolist(), some.earliest.tolist(), some.latest.tolist()) == ([4, 1], [3, 0], [5, 2])
    assert made.subsample(3).targets.tolist() == [0, 2, 5]
    assert made.subsample(6) is made and len(made.subsample(100)) == 6
    assert [entry.name for entry in made.entries] == ["r0", "r1", "r2"]


def test_without_random_starts_every_epoch_is_the_same():
    made = examples([1, 2], earliest=[0, 0], latest=[5, 5])
    assert made.draw_epoch(0, 3) is made


def test_starts_are_drawn_between_their_bounds_anew_in_every_epoch():
    made = examples(np.zeros(500), earliest=np.full(500, -2), latest=np.full(500, 3), random=True)
    first = made.draw_epoch(0, 0)
    assert set(first.starts.tolist()) == {-2, -1, 0, 1, 2, 3}
    np.testing.assert_array_equal(first.starts, made.draw_epoch(0, 0).starts)
    assert (first.starts != made.draw_epoch(0, 1).starts).any() and (first.starts != made.draw_epoch(1, 0).starts).any()
    np.testing.assert_array_equal(first.targets, made.targets)
    assert made.starts.tolist() == [0] * 500


def test_views_are_spread_evenly_between_the_bounds():
    made = examples([5, 2], earliest=[2, 2], latest=[8, 2])
    assert [view.starts.tolist() for view in made.views(7)] == [[start, 2] for start in range(2, 9)]
    assert [view.starts[0] for view in made.views(3)] == [2, 5, 8]
    assert all(view.targets.tolist() == [0, 1] for view in made.views(3))
    assert made.views(1) == [made]


@pytest.mark.parametrize(("length", "samples", "stride"), [(2500, 1000, 1000), (999, 1000, 1000), (2500, 1000, 250)])
def test_windows_one_after_the_other_are_those_of_the_whole_signal(length, samples, stride):
    made = recordings(record("r0", samples=300), record("r1", samples=length))
    cut = consecutive_windows(made, ["r1"], window_spec(samples, stride), np.array([7, 8]))
    np.testing.assert_array_equal(cut.windows(slice(None)), cut_windows(made.signal(1), samples, stride))
    assert set(cut.records) == {1} and set(cut.targets) == {8}


def test_windows_of_the_recordings_that_are_named_in_their_order():
    made = recordings(*(record(f"r{i}", samples=20) for i in range(4)))
    cut = consecutive_windows(made, ["r3", "r1", "absent"], window_spec(10), np.arange(4))
    assert cut.records.tolist() == [1, 1, 3, 3] and cut.targets.tolist() == [1, 1, 3, 3]
    assert len(consecutive_windows(made, [], window_spec(10), np.arange(4))) == 0


@pytest.mark.parametrize(("length", "samples", "stride"), [(2500, 1000, 1000), (2500, 1000, 400), (990, 1000, 1000)])
def test_they_may_be_shifted_by_half_a_stride_within_their_recording(length, samples, stride):
    cut = consecutive_windows(recordings(record(samples=length)), ["r0"], window_spec(samples, stride), np.zeros(1))
    last = max(length - samples, 0)
    np.testing.assert_array_equal(cut.earliest, np.maximum(cut.starts - stride // 2, 0))
    np.testing.assert_array_equal(cut.latest, np.minimum(cut.starts + stride // 2, last))
    for view in cut.views(5):
        assert (view.starts >= 0).all() and (view.starts <= last).all()
    assert not cut.random


def test_memory_holds_a_batch_not_the_data_set(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path))
    entries = recordings(*(record(f"r{i}", samples=10) for i in range(200))).entries
    made = load_recordings(entries, lambda entry: record(entry.name, samples=4000), "a", ("I",), [], 100.0)
    cut = consecutive_windows(made, [entry.name for entry in entries], window_spec(1000), np.zeros(200))
    cut = dataclasses.replace(cut, window=window_spec(1000, window_steps=[{"step": "zscore"}]))
    tracemalloc.start()
    for start in range(0, len(cut), 8):
        cut.batch(np.arange(start, start + 8))
    try:
        assert tracemalloc.get_traced_memory()[1] < 20 * 1000 * 4
    finally:
        tracemalloc.stop()
