"""Progress of long work: the library calls a Reporter; the command line and notebooks provide one."""

import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from firmware_bench.runtime.errors import make_printable

Item = TypeVar("Item")


class Reporter:
    """Receives messages and progress. This class ignores both; a subclass shows them."""

    def message(self, text: str) -> None:
        """Receive one line of text."""

    def progress(self, stage: str, done: int, total: int) -> None:
        """Receive that `done` of `total` steps of `stage` are finished."""

    def finish_epoch(self, row: Mapping[str, float], epochs: int, score_name: str) -> None:
        """Receive the figures of an epoch of a training. Here: as a message.

        Args:
            row: The figures by their names in history.csv.
            epochs: How many there are at most.
            score_name: What the validation score is.
        """
        self.message(
            f"epoch {row['epoch']}/{epochs}: loss {row['loss']:.4f}, validation loss {row['validation_loss']:.4f}, "
            f"{score_name} {row['validation_score']:.3f}, rate {row['learning_rate']:.2g}, {row['seconds']:.0f} s"
        )

    def track(self, stage: str, items: Iterable[Item], total: int) -> Iterator[Item]:
        """Yield items that take long to make, and report how many of `total` there are."""
        count = self.counter(stage, total)
        for item in items:
            count()
            yield item

    def advance(self, stage: str) -> Callable[[int, int], None]:
        """Return a callback (done, total) that reports the progress of `stage`."""
        return functools.partial(self.progress, stage)

    def counter(self, stage: str, total: int) -> Callable[..., None]:
        """Return a callback that is called with the number of steps just finished, 1 by default."""
        done = 0

        def count(steps: int = 1) -> None:
            nonlocal done
            done += steps
            self.progress(stage, done, total)

        return count


class LineReporter(Reporter):
    """Prints every message as a line to stderr."""

    def message(self, text: str) -> None:
        """Print `text`."""
        print(make_printable(text), file=sys.stderr, flush=True)
