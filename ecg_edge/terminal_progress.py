"""Progress on a terminal: bars with an estimate for the stages of a work, and a table of a training that it redraws.

In a pipe there are lines of text instead, and no control codes.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ecg_edge.reporter import LineReporter
from firmware_bench.runtime.errors import make_printable

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live
    from rich.progress import Progress, TaskID

BLOCKS, LETTERS = "▁▂▃▄▅▆▇█", "_.-=+*%#"  # of a line chart, from the lowest value to the highest
CHART = 34  # columns of a line chart: the whole table takes less than 80
NAME = 16  # columns of a name


class TerminalReporter(LineReporter):
    """Prints messages to stderr; where that is a terminal, it also shows the stages in progress and a training."""

    def __init__(self):
        self._live: Live | None = None
        self._bars: Progress | None = None
        self._stages: dict[str, TaskID] = {}
        self._training = TrainingTable()

    def progress(self, stage: str, done: int, total: int) -> None:
        """Update the bar of `stage`; a full bar is removed."""
        if not sys.stderr.isatty():
            return
        self._show()
        assert self._bars is not None
        if stage not in self._stages:
            self._stages[stage] = self._bars.add_task(make_printable(stage), total=total)
        self._bars.update(self._stages[stage], completed=done, total=total)
        if done >= total:
            self._bars.remove_task(self._stages.pop(stage))

    def finish_epoch(self, row: Mapping[str, float], epochs: int, score_name: str) -> None:
        """Add the epoch to the table of the training; in a pipe print it as a line."""
        if not sys.stderr.isatty():
            super().finish_epoch(row, epochs, score_name)
            return
        self._training.add(row, epochs, score_name)
        self._show()
        assert self._live is not None
        self._live.refresh()

    def close(self) -> None:
        """Remove the bars; the table of a training stays."""
        if self._live is None:
            return
        self._live.stop()
        if self._training.rows:
            self._live.console.print(self._training.draw())
        self._live = None

    def _show(self) -> None:
        """Begin to draw."""
        if self._live is not None:
            return
        from rich.console import Console, Group
        from rich.live import Live

        self._bars = _make_bars()
        shown = Group(self._training, self._bars)
        self._live = Live(shown, console=Console(stderr=True), transient=True, refresh_per_second=8)
        self._live.start()


class TrainingTable:
    """The figures of a training, the latest and the best, each with a line chart over the epochs.

    Attributes:
        rows: Of the epochs.
    """

    def __init__(self):
        self.rows: list[Mapping[str, float]] = []
        self._epochs, self._score_name = 0, ""

    def add(self, row: Mapping[str, float], epochs: int, score_name: str) -> None:
        """Add an epoch; the arguments are those of `Reporter.finish_epoch`. Another training begins anew."""
        if self.rows and row["epoch"] <= self.rows[-1]["epoch"]:
            self.rows = []
        self.rows.append(row)
        self._epochs, self._score_name = epochs, score_name

    def draw(self) -> "Group":
        """Draw the table, less than 80 columns wide."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False)
        for name in ("", "now", "best", "epoch", ""):
            table.add_column(name, justify="right" if name else "left", no_wrap=True)
        for key, name, sign in (
            ("loss", "loss", 1),
            ("validation_loss", "validation loss", 1),
            ("validation_score", self._score_name, -1),
        ):
            values = [row[key] for row in self.rows]
            best = min(range(len(values)), key=lambda n: (math.isnan(values[n]), sign * values[n]))
            figures = f"{values[-1]:.4f}", f"{values[best]:.4f}", f"{self.rows[best]['epoch']}"
            table.add_row(*map(Text, (make_printable(name)[:NAME], *figures, draw_line(values))))
        return Group(Text(self._describe(self.rows[-1])), table)

    def __rich__(self):
        return self.draw() if self.rows else ""

    def _describe(self, last: Mapping[str, float]) -> str:
        seconds = sum(row["seconds"] for row in self.rows) / len(self.rows)
        left = seconds * (self._epochs - last["epoch"])
        text = f"epoch {last['epoch']}/{self._epochs}, {_describe_time(seconds)} each, rate {last['learning_rate']:.2g}"
        return f"{text}, at most {_describe_time(left)} left" if left > 0 else text


def draw_line(values: Sequence[float], columns: int = CHART) -> str:
    """Draw a line chart of one line of text, a character for each value.

    Args:
        values: What is not finite is a blank. Of more than `columns` values, evenly spaced ones are drawn, the last one
            among them.
        columns: At most so many characters.
    """
    characters = BLOCKS if (getattr(sys.stderr, "encoding", None) or "utf-8").lower().startswith("utf") else LETTERS
    count = min(len(values), columns)
    kept = [values[(n + 1) * len(values) // count - 1] for n in range(count)]
    finite = [value for value in kept if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    scale = (len(characters) - 1) / (high - low) if high > low else 0.0
    return "".join(characters[round((value - low) * scale)] if math.isfinite(value) else " " for value in kept)


def _describe_time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _make_bars() -> "Progress":
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
