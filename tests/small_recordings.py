"""Short recordings in memory whose every sample says where it is from, for tests of tasks, training and evaluation."""

import dataclasses

import numpy as np

from ecg_edge.data.examples import WindowSpec
from ecg_edge.data.recordings import prepare_records
from ecg_edge.records.record import Beats, Record, RhythmInterval
from ecg_edge.signals.window_starts import compute_window_starts

FS = 100.0
NORMAL = (("N",), ("NORM",), ("SNR",))


def record(name="r0", samples=2500, labels=("N",), patient=None, fs=FS, leads=("I",), beats=(), bouts=(), signal=True):
    """Sample i of lead k is i + 10,000 · k. beats: samples of normal beats. bouts: (start, stop, rhythm) in samples.
    signal=False: annotations alone."""
    values = np.arange(samples)[:, None] + 10_000.0 * np.arange(len(leads))
    return Record(
        name=name,
        patient=patient or f"patient of {name}",
        signal=values.astype(np.float32) if signal else None,
        fs=fs,
        leads=leads,
        labels=labels,
        beats=Beats(np.array(beats, np.int64), np.array(["N"] * len(beats), "U1")),
        rhythms=tuple(RhythmInterval(*bout) for bout in bouts),
        header_samples=0 if signal else samples,
    )


def recordings(*records, leads=("I",), fs=FS):
    """`records` as tasks take them, their signals as they are."""
    prepared = prepare_records(records, leads, [], fs)
    entries = [dataclasses.replace(entry, normal=entry.labels in NORMAL) for entry in prepared.entries]
    return dataclasses.replace(prepared, entries=entries)


def window_spec(samples=1000, stride=None, fs=FS, window_steps=()):
    """Windows of `samples`, one after the other."""
    return WindowSpec(fs, samples, stride or samples, [], window_steps)


def cut_windows(signal, samples, stride):
    """(length, leads) → (windows, samples, leads); a signal shorter than a window is padded behind with zeros."""
    if len(signal) < samples:
        signal = np.pad(signal, ((0, samples - len(signal)), (0, 0)))
    starts = compute_window_starts(len(signal), samples, stride)
    return np.stack([signal[start : start + samples] for start in starts])
