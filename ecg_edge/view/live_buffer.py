"""The last seconds of a running signal, and what the model said of them."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ecg_edge.api.live_signal import LiveAnswer, LiveSignal, LiveSource, watch
from ecg_edge.reporter import Reporter
from firmware_bench.front_end.plan import MISSING
from firmware_bench.runtime.metadata import ModelMetadata

SHOWN_S = 10.0
ANSWERS = 600  # the last ones that stay on the page


class LiveBuffer:
    """Runs a model over a live signal in a thread, and keeps what the page shows.

    Args:
        model: As for `ecg_edge.watch`, like `source` and `hop_s`.
        source: Where the signal comes from.
        hop_s: Time from answer to answer, s.

    Raises:
        InputError: As of `ecg_edge.watch`.
    """

    def __init__(self, model: Path | str, source: LiveSource, hop_s: float | None = None):
        self._lock, self._messages = threading.Lock(), _Messages()
        self._answers: list[LiveAnswer] = []
        self._watched = watch(model, _Copied(source, self), self._messages, hop_s)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self, leads: tuple[str, ...], signal: LiveSignal) -> None:
        """Make room for the last seconds of a signal that begins."""
        self.leads, self.fs, self._sensor = leads, signal.fs, signal.sensor
        self._values = np.full((round(SHOWN_S * signal.fs), len(leads)), np.nan, np.float32)
        self._samples = 0

    def start(self) -> None:
        """Begin to watch the signal."""
        self._thread.start()

    def add(self, block: np.ndarray) -> None:
        """Keep counts, int16 (samples, leads), in mV."""
        gains, baselines = np.array(self._sensor.counts_per_unit), np.array(self._sensor.baselines)
        values = np.where(block == MISSING, np.nan, (block - baselines) / gains)[-len(self._values) :]
        with self._lock:
            self._values = np.concatenate([self._values[len(values) :], values.astype(np.float32)])
            self._samples += len(block)

    def read(self) -> tuple[np.ndarray, np.ndarray, list[LiveAnswer], str]:
        """Return times, s, and values (samples, leads) of the last seconds, the last answers, and the last message."""
        with self._lock:
            times = (np.arange(len(self._values)) + self._samples - len(self._values)) / self.fs
            return times, self._values, list(self._answers), self._messages.last

    def _run(self) -> None:
        try:
            for answer in self._watched:
                with self._lock:
                    self._answers = [*self._answers[1 - ANSWERS :], answer]
            self._messages.message("the signal has ended")
        except Exception as error:  # a sensor that was pulled out, for one: the page says it
            self._messages.message(str(error))


class _Copied:
    """A source whose blocks are copied into a buffer as they pass."""

    def __init__(self, source: LiveSource, buffer: LiveBuffer):
        self._source, self._buffer = source, buffer

    def open(self, metadata: ModelMetadata, reporter: Reporter) -> LiveSignal:
        signal = self._source.open(metadata, reporter)
        self._buffer.begin(tuple(metadata.leads), signal)
        return LiveSignal(signal.sensor, signal.fs, self._pass(signal.blocks), signal.seconds)

    def _pass(self, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        for block in blocks:
            self._buffer.add(block)
            yield block


class _Messages(Reporter):
    """Keeps the last message."""

    last = ""

    def message(self, text: str) -> None:
        self.last = text
