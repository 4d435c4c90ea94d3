"""Examples: windows of recordings, cut when they are asked for."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ecg_edge.records.record import Entry
from ecg_edge.signals.preprocessing import Preprocessing
from ecg_edge.tasks.recordings import Recordings


@dataclasses.dataclass(frozen=True)
class Form:
    """What a model's windows are like: `samples` each, `stride` from one's start to the next one's, at `fs` Hz;
    `steps` prepare a recording, `window_steps` a window (see ecg_edge.signals.preprocessing)."""

    fs: float
    samples: int
    stride: int
    steps: Sequence[dict]
    window_steps: Sequence[dict] = ()


@dataclasses.dataclass(frozen=True)
class Examples:
    """Windows of some recordings, read from disk when asked for: memory holds a batch, not the data set.

    records: int64 (n,) the position in `recordings.entries` of the recording that each window comes from. starts:
    int64 (n,) first sample; what lies outside the recording is zero. targets: (n, …), what the task wants to hear.
    earliest, latest: int64 (n,) the starts between which the same target holds. random: starts are drawn from these.
    """

    recordings: Recordings
    form: Form
    records: np.ndarray
    starts: np.ndarray
    targets: np.ndarray
    earliest: np.ndarray
    latest: np.ndarray
    random: bool = False

    def __len__(self) -> int:
        return len(self.records)

    @property
    def entries(self) -> Sequence[Entry]:
        """All recordings of the data set."""
        return self.recordings.entries

    def batch(self, positions) -> dict[str, np.ndarray]:
        """The windows at `positions`, by the model's input name: {"ecg": (n, samples, leads) float32}."""
        return {"ecg": self.windows(positions)}

    def windows(self, positions) -> np.ndarray:
        """float32 (n, samples, leads)."""
        records, starts = self.records[positions], self.starts[positions]
        cut = np.zeros((len(records), self.form.samples, self.recordings.signals.shape[1]), np.float32)
        steps = Preprocessing(self.form.window_steps)
        for window, record, start in zip(cut, records, starts, strict=True):
            signal = self.recordings.signal(record)
            first = max(0, start)
            last = max(first, min(len(signal), start + self.form.samples))
            window[first - start : last - start] = signal[first:last]
            if self.form.window_steps:
                window[:] = steps(window, self.form.fs)[0]
        return cut

    def take(self, positions) -> "Examples":
        """Those at `positions`, in that order."""
        per_example = ("records", "starts", "targets", "earliest", "latest")
        return dataclasses.replace(self, **{name: getattr(self, name)[positions] for name in per_example})

    def spread(self, count: int) -> "Examples":
        """At most `count` of them, spread evenly."""
        if len(self) <= count:
            return self
        return self.take(np.linspace(0, len(self) - 1, count).round().astype(int))

    def drawn(self, *seed: int) -> "Examples":
        """What an epoch of training sees of them: where starts are random, every one drawn anew."""
        if not self.random:
            return self
        starts = np.random.default_rng(seed).integers(self.earliest, self.latest + 1)
        return dataclasses.replace(self, starts=starts)

    def views(self, count: int) -> list["Examples"]:
        """The same examples from `count` starts; 1: as they are. Random ones are drawn again, others are spread evenly
        between the earliest and the latest."""
        if count == 1:
            return [self]
        if self.random:
            return [self, *(self.drawn(view) for view in range(1, count))]
        places = np.linspace(0, 1, count)
        span = self.latest - self.earliest
        return [
            dataclasses.replace(self, starts=self.earliest + np.round(place * span).astype(int)) for place in places
        ]
