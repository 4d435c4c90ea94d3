"""The window cache: whole, keyed by data and parameters, mapped; bad recordings are named and counted."""

import tracemalloc

import numpy as np
import pytest

from ecg_edge.errors import InputError
from ecg_edge.records.record import Entry, Record
from ecg_edge.tasks.examples import cache_folder, cached_windows

STEPS = [{"step": "fill_gaps"}, {"step": "resample", "fs": 100.0}]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path / "cache"))


def entries(count):
    return [Entry(f"r{i}", f"r{i}", f"p{i}", ("N",)) for i in range(count)]


class Reader:
    """Recordings of 25 s at 100 Hz whose samples are the recording's number; counts how often it reads."""

    def __init__(self, broken=(), fs=100.0):
        self.broken, self.fs, self.reads = broken, fs, 0

    def __call__(self, entry):
        self.reads += 1
        if entry.name in self.broken:
            raise InputError(f"{entry.name}.dat is truncated")
        signal = np.full((2500, 2), float(entry.name[1:]), np.float32)
        signal[:, 1] += np.arange(2500) % 7
        return Record(entry.name, entry.patient, signal, self.fs, ("I", "II"), entry.labels)


def cut(count=4, reader=None, stamp="a", leads=("I",), steps=STEPS, samples=1000):
    return cached_windows(entries(count), reader or Reader(), stamp, leads, steps, samples, samples)


def test_windows_know_their_recording_and_are_mapped():
    cache = cut()
    assert isinstance(cache.windows, np.memmap)
    assert cache.windows.shape == (12, 1000, 1)
    np.testing.assert_array_equal(cache.windows[:, 0, 0], cache.records)
    assert cache.records.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_the_second_time_nothing_is_read():
    cut()
    reader = Reader()
    again = cut(reader=reader)
    assert reader.reads == 0
    assert again.windows.shape == (12, 1000, 1)


@pytest.mark.parametrize(
    "change",
    [{"stamp": "b"}, {"leads": ("II",)}, {"samples": 500}, {"steps": [*STEPS, {"step": "zscore"}]}, {"count": 3}],
)
def test_other_data_or_parameters_are_prepared_anew(change):
    cut()
    reader = Reader()
    cut(reader=reader, **change)
    assert reader.reads > 0


def test_a_few_unreadable_recordings_are_named_and_left_out():
    cache = cut(count=30, reader=Reader(broken={"r7"}))
    assert cache.problems == {"r7": "r7.dat is truncated"}
    assert 7 not in cache.records
    assert len(cache.examples(["r7"])) == 0
    assert len(cache.examples(["r6", "r8"])) == 6


def test_more_than_five_per_cent_is_the_data_set_s_fault_and_leaves_nothing():
    with pytest.raises(InputError, match=r"more than 5% of 30 .* first: r1.dat is truncated"):
        cut(count=30, reader=Reader(broken={"r1", "r2", "r3"}))
    assert list(cache_folder().iterdir()) == []


def test_an_interruption_leaves_nothing():
    class Interrupted(Reader):
        def __call__(self, entry):
            if entry.name == "r2":
                raise KeyboardInterrupt
            return super().__call__(entry)

    with pytest.raises(KeyboardInterrupt):
        cut(reader=Interrupted())
    assert list(cache_folder().iterdir()) == []
    assert len(cut().records) == 12


def test_a_recording_without_the_lead_is_a_problem_of_that_recording():
    with pytest.raises(InputError, match="record r0: no lead 'V1'"):
        cut(leads=("V1",))


def test_repairs_are_counted():
    class Gaps(Reader):
        def __call__(self, entry):
            record = super().__call__(entry)
            record.signal[5:9] = np.nan
            return record

    notes = cut(reader=Gaps()).notes
    assert notes == {"recordings with gaps (NaN)": 4, "recordings with a flat lead": 4}


def test_batches_and_spread():
    examples = cut().examples(["r1", "r3"])
    assert len(examples) == 6
    batch = examples.batch(np.array([5, 0]))["ecg"]
    assert batch[:, 0, 0].tolist() == [3.0, 1.0]
    assert examples.spread(2).records.tolist() == [1, 3]
    assert len(examples.spread(100)) == 6


def test_memory_does_not_grow_with_the_data_set():
    def peak(count):
        tracemalloc.start()
        examples = cut(count=count).examples([f"r{i}" for i in range(count)])
        for start in range(0, len(examples), 8):
            examples.batch(np.arange(start, min(start + 8, len(examples))))
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(20), peak(400)
    assert many - few < 400 * 1000 * 4 / 4, "a quarter of one window a recording would be too much"
