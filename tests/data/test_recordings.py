"""Prepared recordings: what is stored is what was recorded, in s; the cache is whole, keyed, mapped; bad ones named."""

import dataclasses
import errno
import os
import threading
import time
import tracemalloc

import numpy as np
import pytest
from small_recordings import record

from ecg_edge.data.recordings import STORED_ARRAYS, cache_folder, load_recordings, prepare_records
from ecg_edge.records.record import Beats, Entry, Record, RhythmInterval
from ecg_edge.signals.preprocessing import Preprocessing
from firmware_bench.runtime.errors import InputError

STEPS = [{"step": "fill_gaps"}, {"step": "resample", "fs": 100.0}]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path / "cache"))


def entries(count):
    return [Entry(f"r{i}", f"r{i}", f"p{i}", ("N",)) for i in range(count)]


class Reader:
    """Recordings of 25 s at 100 Hz whose samples are the recording's number; counts how often it reads."""

    def __init__(self, broken=(), gaps=()):
        self.broken, self.gaps, self.reads = broken, gaps, 0

    def __call__(self, entry):
        self.reads += 1
        if entry.name in self.broken:
            raise InputError(f"{entry.name}.dat is truncated")
        made = record(entry.name, leads=("I", "II"))
        made.signal[:, 0] = float(entry.name[1:])
        if entry.name in self.gaps:
            made.signal[5:9] = np.nan
        return made


def prepared(count=4, reader=None, stamp="a", leads=("I",), steps=STEPS, fs=100.0):
    return load_recordings(entries(count), reader or Reader(), stamp, leads, steps, fs)


def test_every_recording_has_its_signal_and_it_is_mapped():
    made = prepared()
    assert isinstance(made.signals, np.memmap) and made.signals.shape == (10_000, 1)
    assert made.lengths.tolist() == [2500] * 4 and made.starts.tolist() == [0, 2500, 5000, 7500, 10_000]
    for position in range(4):
        np.testing.assert_array_equal(made.signal(position), np.full((2500, 1), position))


def test_signals_are_prepared_recording_by_recording():
    steps = [*STEPS, {"step": "highpass", "cutoff": 0.5}, {"step": "zscore"}]
    read = {f"r{i}": record(f"r{i}", samples=1000 + 700 * i, fs=250.0, leads=("I", "II")) for i in range(3)}
    made = load_recordings(entries(3), lambda entry: read[entry.name], "a", ("II",), steps, 100.0)
    for position, (_, original) in enumerate(read.items()):
        expected, _ = Preprocessing(steps)(original.signal[:, 1:], 250.0)
        np.testing.assert_array_equal(made.signal(position), expected)
        assert made.lengths[position] == len(expected) == 400 + 280 * position


def annotated(name, fs=250.0, **changes):
    """A recording of 10 s with three beats, of which the last is ventricular, and two rhythms."""
    made = record(name, samples=round(10 * fs), fs=fs)
    beats = Beats(np.round(np.array([0.5, 1.4, 9.9]) * fs).astype(int), np.array(["N", "N", "V"]))
    bouts = (RhythmInterval(0, round(2 * fs), "N"), RhythmInterval(round(2 * fs), round(10 * fs), "AFIB"))
    return dataclasses.replace(made, beats=beats, rhythms=bouts, **changes)


def test_beats_and_bouts_are_in_seconds_at_the_recording_s_own_resolution():
    made = prepare_records([annotated("a", fs=500.0), annotated("b", fs=250.0)], ("I",), STEPS, 100.0)
    for position in (0, 1):
        times, symbols = made.beats(position)
        np.testing.assert_allclose(times, [0.5, 1.4, 9.9])
        assert symbols.tolist() == [b"N", b"N", b"V"]
        bounds, rhythms = made.bouts(position)
        np.testing.assert_allclose(bounds, [[0, 2], [2, 10]])
        assert rhythms.tolist() == ["N", "AFIB"]


def test_a_beat_between_two_samples_of_the_new_rate_keeps_its_time():
    times, _ = prepare_records([record(fs=360.0, samples=3600, beats=(77,))], ("I",), STEPS, 100.0).beats(0)
    assert times[0] == 77 / 360


def test_a_recording_without_annotations_has_none_and_its_neighbours_keep_theirs():
    bare = dataclasses.replace(record("bare"), beats=None)
    made = prepare_records([annotated("a"), bare, annotated("c")], ("I",), STEPS, 100.0)
    assert [len(made.beats(i)[0]) for i in range(3)] == [3, 0, 3]
    assert [len(made.bouts(i)[0]) for i in range(3)] == [2, 0, 2]


def test_in_memory_and_from_the_cache_they_are_the_same():
    read = {"r0": annotated("r0"), "r1": record("r1", samples=777), "r2": annotated("r2", fs=300.0)}
    cached = load_recordings(entries(3), lambda entry: read[entry.name], "a", ("I",), STEPS, 100.0)
    memory = prepare_records(list(read.values()), ("I",), STEPS, 100.0)
    for name in ("signals", *STORED_ARRAYS):
        np.testing.assert_array_equal(getattr(cached, name), getattr(memory, name), err_msg=name)
        assert getattr(cached, name).dtype == getattr(memory, name).dtype
    assert cached.notes == memory.notes and not cached.problems


def without_signal(name):
    return annotated(name, signal=None, header_samples=2500)


def test_annotations_alone_are_no_recording_where_the_signal_is_used():
    read = {f"r{i}": annotated(f"r{i}") for i in range(20)} | {"r3": without_signal("r3")}
    made = load_recordings(entries(20), lambda entry: read[entry.name], "a", ("I",), STEPS, 100.0)
    assert list(made.problems) == ["r3"] and "fetch its signal file" in made.problems["r3"]
    assert 3 not in made.positions(read) and len(made.positions(read)) == 19
    assert made.beats(2)[0].tolist() == [0.5, 1.4, 9.9]


def test_a_task_may_use_annotations_alone_beside_signals():
    read = {f"r{i}": annotated(f"r{i}") for i in range(4)} | {"r3": without_signal("r3")}
    made = load_recordings(entries(4), lambda e: read[e.name], "a", ("I",), STEPS, 100.0, annotations_suffice=True)
    assert not made.problems and made.has_signal().tolist() == [True, True, True, False]
    assert len(made.positions(read)) == 4 and made.bouts(3)[1].tolist() == ["N", "AFIB"]


def test_a_data_set_of_annotations_alone():
    for _ in range(2):  # made, then found
        made = load_recordings(entries(2), lambda entry: without_signal(entry.name), "a", (), STEPS, 100.0)
        assert made.signals.shape == (0, 0) and made.lengths.tolist() == [1000, 1000]
        assert made.bouts(1)[1].tolist() == ["N", "AFIB"]


def test_the_second_time_nothing_is_read():
    first, reader = prepared(), Reader()
    again = prepared(reader=reader)
    assert reader.reads == 0
    np.testing.assert_array_equal(again.signals, first.signals)


@pytest.mark.parametrize(
    "change",
    [
        {"stamp": "b"},
        {"leads": ("II",)},
        {"steps": [{"step": "fill_gaps"}, {"step": "resample", "fs": 50.0}], "fs": 50.0},
        {"steps": [*STEPS, {"step": "zscore"}]},
        {"count": 3},
    ],
)
def test_other_data_or_parameters_are_prepared_anew(change):
    prepared()
    reader = Reader()
    prepared(reader=reader, **change)
    assert reader.reads > 0


def test_a_few_unreadable_recordings_are_named_and_left_out():
    made = prepared(count=30, reader=Reader(broken={"r7"}))
    assert made.problems == {"r7": "r7.dat is truncated"}
    assert made.positions(["r8", "r7", "r6"]).tolist() == [6, 8]
    assert made.lengths[7] == 0 and len(made.signal(7)) == 0 and made.signal(8)[0] == 8


def test_whatever_a_reader_raises_the_other_recordings_are_prepared():
    def read(entry):
        if entry.name == "r7":
            raise ValueError("odd")
        return Reader()(entry)

    made = prepared(count=30, reader=read)
    assert (
        made.problems == {"r7": "r7 cannot be read: odd"} and len(made.positions([e.name for e in made.entries])) == 29
    )


def test_more_than_five_per_cent_unreadable_is_an_error_and_leaves_nothing():
    with pytest.raises(InputError, match=r"more than 5% of 30 .* first: r1.dat is truncated"):
        prepared(count=30, reader=Reader(broken={"r1", "r2", "r3"}))
    assert list(cache_folder().iterdir()) == []


def test_nothing_readable_at_all_is_an_error_however_small_the_data_set():
    with pytest.raises(InputError, match=r"none of 1 recordings .* r0.dat is truncated"):
        prepared(count=1, reader=Reader(broken={"r0"}))
    assert list(cache_folder().iterdir()) == []


def test_an_interruption_leaves_nothing():
    class Interrupted(Reader):
        def __call__(self, entry):
            if entry.name == "r2":
                raise KeyboardInterrupt
            return super().__call__(entry)

    with pytest.raises(KeyboardInterrupt):
        prepared(reader=Interrupted())
    assert list(cache_folder().iterdir()) == []
    assert len(prepared().signals) == 10_000


def test_two_that_prepare_the_same_at_once_do_the_work_once():
    readers, made, waited = [Reader(), Reader()], {}, []
    started = threading.Event()

    def first(entry):
        started.set()
        time.sleep(0.05)
        return readers[0](entry)

    def second():
        started.wait()
        made[1] = load_recordings(entries(4), readers[1], "a", ("I",), STEPS, 100.0, wait=lambda: waited.append(1))

    thread = threading.Thread(target=second)
    thread.start()
    made[0] = prepared(reader=first)
    thread.join()
    assert [reader.reads for reader in readers] == [4, 0] and waited == [1]
    np.testing.assert_array_equal(made[0].signals, made[1].signals)
    assert len(list(cache_folder().iterdir())) == 1


def test_one_that_fails_leaves_the_work_to_the_one_that_waits():
    started = threading.Event()

    def broken(entry):
        started.set()
        time.sleep(0.2)
        raise InputError("the disk was taken away")

    def first():
        with pytest.raises(InputError, match="taken away"):
            prepared(reader=broken)

    thread = threading.Thread(target=first)
    thread.start()
    started.wait()
    assert len(prepared().signals) == 10_000
    thread.join()


def test_without_locks_the_slower_one_takes_what_the_faster_one_made(monkeypatch):
    """A file system without locks: both work, and one folder stays."""
    monkeypatch.setattr("firmware_bench.runtime.file_lock.fcntl.flock", fail(errno.ENOTSUP))

    def slower(entry):
        if entry.name == "r3":
            prepared()
        return Reader()(entry)

    assert prepared(reader=slower).signals.shape == (10_000, 1)
    assert len(list(cache_folder().iterdir())) == 1


def fail(number):
    def raise_error(*_, **__):
        raise OSError(number, os.strerror(number))

    return raise_error


def test_a_cache_that_cannot_be_written_is_one_line_with_its_folder_and_a_filled_one_is_read(monkeypatch):
    prepared()
    for name in ("mkdir", "open", "replace", "fsync"):
        for number in (errno.EROFS, errno.EACCES, errno.ENOSPC):
            with monkeypatch.context() as patch, pytest.raises(InputError) as error:
                patch.setattr(os, name, writes_of(getattr(os, name), number))
                prepared(stamp="b")
            assert str(cache_folder()) in str(error.value) and "ECG_EDGE_CACHE" in str(error.value)
            assert len(list(cache_folder().iterdir())) == 1
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", writes_of(os.open, errno.EROFS))
        assert len(prepared().signals) == 10_000


def writes_of(function, number):
    """`function`, failing where it would write into the cache."""

    def wrapped(path, *arguments, **more):
        reads = arguments and arguments[0] == os.O_RDONLY
        if isinstance(path, int) or (str(path).startswith(str(cache_folder())) and not reads):
            name = None if isinstance(path, int) else str(path)
            raise OSError(number, os.strerror(number), name)
        return function(path, *arguments, **more)

    return wrapped


def test_a_recording_without_the_lead_is_a_problem_of_that_recording():
    with pytest.raises(InputError, match="record r0: no lead 'V1'"):
        prepared(leads=("V1",))
    with pytest.raises(InputError, match="record r0: no lead 'V1'"):
        prepare_records([record()], ("V1",), STEPS, 100.0)


def test_a_rate_that_no_step_brings_to_the_model_s_is_refused():
    with pytest.raises(InputError, match="record r0: sampled at 250 Hz, and the model takes 100 Hz"):
        prepare_records([record(fs=250.0)], ("I",), [{"step": "fill_gaps"}], 100.0)
    with pytest.raises(InputError, match="record r0: sampled at 30 Hz, too low"):
        prepare_records([record(fs=30.0)], ("I",), STEPS, 100.0)


def test_repairs_are_counted():
    notes = prepared(reader=Reader(gaps={"r1", "r2"})).notes
    assert notes["recordings with gaps (NaN)"] == 2
    assert notes["recordings with a flat lead"] == 4  # lead I of each is a constant
    assert notes["recordings without signal"] == 0


def test_progress_is_reported():
    told = []
    load_recordings(entries(3), Reader(), "a", ("I",), STEPS, 100.0, lambda *counts: told.append(counts))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_memory_does_not_grow_with_the_data_set():
    def peak(count):
        listed, read = entries(count), Reader()
        tracemalloc.start()
        made = load_recordings(listed, read, "a", ("I",), STEPS, 100.0)
        for position in range(count):
            np.array(made.signal(position))
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(20), peak(400)
    assert many - few < 380 * 2500 * 4 / 10, "a tenth of a recording for each would be too much"


def test_impossible_amplitudes_and_units_are_kept_with_the_prepared_recordings():
    def read(entry):
        made = record(entry.name, samples=4000, fs=100.0)
        factor = {"r1": 1000.0, "r2": 1e-5}.get(entry.name, 1e-3)
        return dataclasses.replace(made, signal=factor * made.signal / 4, units="NU" if entry.name == "r3" else "mV")

    for _ in range(2):  # made, then found in the cache
        made = load_recordings(entries(4), read, "units", ("I",), STEPS, 100.0)
        assert list(made.warnings) == ["r1", "r2"] and made.units == ("mV", "NU")
        assert "no ECG in mV has them" in made.warnings["r1"] and "no ECG in mV is so small" in made.warnings["r2"]


def test_a_long_recording_is_held_less_than_three_times_while_it_is_prepared():
    signal = np.random.default_rng(0).normal(size=(500_000, 24)).astype(np.float32)
    signal[1000:2000] = np.nan
    leads = tuple(f"E{number}" for number in range(24))
    long = Record("long", "p", signal, 500.0, leads)
    steps = [*STEPS, {"step": "highpass", "cutoff": 0.5}, {"step": "zscore"}]
    tracemalloc.start()
    prepare_records([long], leads, steps, 100.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.0 * signal.nbytes  # a fifth for the result, the rest for one lead in float64
