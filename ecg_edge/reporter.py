"""Progress of long work: the library calls a Reporter; the command line and notebooks provide one."""

import functools
import sys
from collections.abc import Callable

from firmware_bench.runtime.errors import make_printable


class Reporter:
    """Receives messages and progress. This class ignores both; a subclass shows them."""

    def message(self, text: str) -> None:
        """Receive one line of text."""

    def progress(self, stage: str, done: int, total: int) -> None:
        """Receive that `done` of `total` steps of `stage` are finished."""

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
