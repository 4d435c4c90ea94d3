"""Episodes of a live signal in a CSV: stretches of the same labels."""

import csv
import datetime
import io
import os
from pathlib import Path

from ecg_edge.api.live_signal import LiveAnswer
from firmware_bench.front_end.sample_faults import QUALITY
from firmware_bench.runtime.errors import InputError, make_printable
from firmware_bench.runtime.files import describe_os_error

HEADER = ("started", "onset_s", "end_s", "label", "quality")


class EpisodeFile:
    """A CSV to which every episode is appended when it ends.

    An episode is consecutive answers with the same labels. It lasts from the answer before the first of them to the
    last one; its quality is everything that was wrong with the signal they are about. Each line is written at once and
    whole, so that whatever ends the program leaves whole lines. Leaving the `with` block ends the last episode.

    Columns: started (local time at which the file was opened, ISO 8601: the same for all episodes of a signal), onset_s
    and end_s (s of signal), label (several with "+"; empty: none), quality (several with "+"; empty: nothing wrong).

    Args:
        path: The file. An existing one is continued.

    Raises:
        InputError: It cannot be written, or is another kind of file.
    """

    def __init__(self, path: Path | str):
        self._path = Path(path)
        self._started = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        self._labels: tuple[str, ...] | None = None
        self._onset = self._end = 0.0
        self._quality: set[str] = set()
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
        except OSError as error:
            raise InputError(describe_os_error(error)) from None
        self._begin()

    def __enter__(self) -> "EpisodeFile":
        return self

    def __exit__(self, *_) -> None:
        self._write_episode()
        os.close(self._file)

    def add(self, answer: LiveAnswer) -> None:
        """Take the next answer."""
        if answer.labels != self._labels:
            self._write_episode()
            self._labels, self._onset, self._quality = answer.labels, self._end, set()
        self._end = answer.seconds
        self._quality |= {*answer.quality}

    def _begin(self) -> None:
        header = _format_line(HEADER)
        size = os.fstat(self._file).st_size
        if size == 0:
            os.write(self._file, header)
            return
        if os.read(self._file, len(header)) != header:
            os.close(self._file)
            raise InputError(f"{self._path} holds something else than episodes: name another file for --events")
        os.lseek(self._file, -1, os.SEEK_END)
        if os.read(self._file, 1) != b"\n":  # the machine lost power while a line was written
            os.write(self._file, b"\n")

    def _write_episode(self) -> None:
        labels, self._labels = self._labels, None  # Ctrl-C in here writes no episode twice
        if labels is None:
            return
        label = "+".join(map(make_printable, labels))
        quality = "+".join(name for name in QUALITY if name in self._quality)
        os.write(self._file, _format_line((self._started, f"{self._onset:.3f}", f"{self._end:.3f}", label, quality)))


def _format_line(cells) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()
