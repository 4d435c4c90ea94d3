"""Examples: windows of recordings, cut when they are asked for."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np

from ecg_edge.data.recordings import Recordings
from ecg_edge.records.record import Entry
from ecg_edge.signals.preprocessing import Preprocessing
from ecg_edge.signals.window_starts import compute_window_starts
from firmware_bench.runtime.metadata import ModelMetadata, WindowMetadata
from firmware_bench.runtime.sampling import evenly_spaced

Positions = np.ndarray | slice


@dataclasses.dataclass(frozen=True)
class WindowSpec:
    """The windows that a model takes: the one description of them, in a run as in an exported file's metadata.

    Attributes:
        fs: sampling rate, Hz.
        samples: length of a window, samples.
        stride: samples from one window's start to the next one's.
        steps: preprocessing of a whole recording, as plain data (see ecg_edge.signals.preprocessing).
        window_steps: preprocessing of each window after that.
        shortest: length of the shortest recording that the model learnt from, samples; 0: not stated.
    """

    fs: float
    samples: int
    stride: int
    steps: Sequence[dict]
    window_steps: Sequence[dict] = ()
    shortest: int = 0

    def to_metadata(self) -> dict:
        """The fields of ModelMetadata that describe the windows."""
        return {
            "fs": float(self.fs),
            "window": WindowMetadata(self.samples, self.stride, self.shortest),
            "preprocessing": tuple(self.steps),
            "window_preprocessing": tuple(self.window_steps),
        }

    @classmethod
    def from_metadata(cls, metadata: ModelMetadata) -> "WindowSpec":
        """The inverse of `to_metadata`."""
        window = metadata.window
        steps, window_steps = list(metadata.preprocessing), list(metadata.window_preprocessing)
        return cls(metadata.fs, window.samples, window.stride, steps, window_steps, window.shortest)


@dataclasses.dataclass(frozen=True)
class Examples:
    """Windows of some recordings, read from disk when asked for: memory holds a batch, not the data set.

    Attributes:
        recordings: all recordings of the data set.
        window: length and preprocessing.
        records: int64 (n,), the position in `recordings.entries` of the recording that each window is cut from.
        starts: int64 (n,), first sample; outside the recording a window is zero.
        targets: (n, …), as the task defines them.
        earliest, latest: int64 (n,), the starts between which the same target holds.
        random: training draws starts from these anew in every epoch.
        teaching: float32 (n, classes), what teachers say of each window, where a model is distilled from them.
    """

    recordings: Recordings
    window: WindowSpec
    records: np.ndarray
    starts: np.ndarray
    targets: np.ndarray
    earliest: np.ndarray
    latest: np.ndarray
    random: bool = False
    teaching: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.records)

    @property
    def entries(self) -> Sequence[Entry]:
        """All recordings of the data set."""
        return self.recordings.entries

    def seconds(self, record: int) -> float:
        """Duration of the recording at position `record`, s, in milliseconds' resolution."""
        return round(float(self.recordings.lengths[record] / self.window.fs), 3)

    def batch(self, positions: Positions) -> dict[str, np.ndarray]:
        """The windows at `positions`, by the model's input name: {"ecg": (n, samples, leads) float32}."""
        return {"ecg": self.windows(positions)}

    def windows(self, positions: Positions) -> np.ndarray:
        """The windows at `positions`, preprocessed: float32 (n, samples, leads)."""
        records, starts = self.records[positions], self.starts[positions]
        cut = np.zeros((len(records), self.window.samples, self.recordings.signals.shape[1]), np.float32)
        steps = Preprocessing(self.window.window_steps)
        for window, record, start in zip(cut, records, starts, strict=True):
            signal = self.recordings.signal(record)
            first = max(0, start)
            last = max(first, min(len(signal), start + self.window.samples))
            window[first - start : last - start] = signal[first:last]
            if self.window.window_steps:
                window[:] = steps(window, self.window.fs)[0]
        return cut

    def take(self, positions: Positions) -> Self:
        """Those at `positions`, in that order."""
        per_example = ["records", "starts", "targets", "earliest", "latest"]
        per_example += ["teaching"] if self.teaching is not None else []
        return dataclasses.replace(self, **{name: getattr(self, name)[positions] for name in per_example})

    def subsample(self, count: int) -> Self:
        """At most `count` of them, evenly spaced."""
        return self if len(self) <= count else self.take(evenly_spaced(len(self), count))

    def draw_epoch(self, *seed: int) -> Self:
        """The examples of one epoch of training: with `random`, every start is drawn anew."""
        return self.draw_starts(*seed)

    def draw_starts(self, *seed: int) -> Self:
        """The same examples, with `random` at starts drawn anew."""
        if not self.random:
            return self
        starts = np.random.default_rng(seed).integers(self.earliest, self.latest + 1)
        return dataclasses.replace(self, starts=starts)

    def views(self, count: int) -> list[Self]:
        """The same examples cut at `count` starts each, for test-time augmentation; with 1, as they are.

        Random starts are drawn again, others are spaced evenly from the earliest to the latest.
        """
        if count == 1:
            return [self]
        if self.random:
            return [self, *(self.draw_epoch(view) for view in range(1, count))]
        span = self.latest - self.earliest
        offsets = [np.round(share * span).astype(int) for share in np.linspace(0, 1, count)]
        return [dataclasses.replace(self, starts=self.earliest + offset) for offset in offsets]


def consecutive_windows(
    recordings: Recordings, names: Iterable[str], window: WindowSpec, targets: np.ndarray
) -> Examples:
    """All windows of the recordings called `names`, one stride apart, for tasks that label whole recordings.

    A window may be shifted by half a stride either way, within its recording.

    Args:
        recordings: all recordings of the data set.
        names: of the recordings to cut.
        window: length, stride and preprocessing.
        targets: (recordings, …), of each recording of the data set.
    """
    records, starts = [], []
    for position in recordings.positions(names):
        own = compute_window_starts(int(recordings.lengths[position]), window.samples, window.stride)
        records.append(np.full(len(own), position))
        starts.append(own)
    records = np.concatenate([np.zeros(0, np.int64), *records])
    starts = np.concatenate([np.zeros(0, np.int64), *starts])
    last = np.maximum(recordings.lengths[records] - window.samples, 0)
    return Examples(
        recordings,
        window,
        records,
        starts,
        targets[records],
        earliest=np.maximum(starts - window.stride // 2, 0),
        latest=np.minimum(starts + window.stride // 2, last),
    )
