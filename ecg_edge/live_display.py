"""What ecg-edge live prints: one line that changes on a terminal, a line for each change in a pipe, or JSON lines."""

import sys
import time

from ecg_edge import console
from ecg_edge.api.answer_text import describe_answer
from ecg_edge.api.live_signal import LiveAnswer
from ecg_edge.reporter import Reporter

REDRAW_S = 0.1


class LiveDisplay(Reporter):
    """Prints answers to stdout, and messages to stderr.

    Args:
        as_json: Print a JSON object for each answer.
    """

    def __init__(self, as_json: bool = False):
        self._as_json, self._redraws = as_json, sys.stdout.isatty() and not as_json
        self._answer: LiveAnswer | None = None
        self._seconds, self._drawn, self._drawn_at = 0, "", 0.0

    def __enter__(self) -> "LiveDisplay":
        return self

    def __exit__(self, *_) -> None:
        if self._drawn:
            self._draw(0.0)
            print(flush=True)

    def show(self, answer: LiveAnswer) -> None:
        """Show an answer; in a pipe, where labels or quality are others than before."""
        before, self._answer = self._answer, answer
        if self._as_json:
            console.print_json(answer.to_dict(), indent=None)
        elif self._redraws:
            self._draw()
            return
        elif before is None or (before.labels, before.quality) != (answer.labels, answer.quality):
            print(describe_answer(answer.seconds, answer))
        sys.stdout.flush()

    def progress(self, stage: str, done: int, total: int) -> None:
        """Show how far the signal is."""
        self._seconds = done
        if self._redraws:
            self._draw()

    def message(self, text: str) -> None:
        """Print a line to stderr."""
        if self._drawn:
            print("\r" + " " * len(self._drawn), end="\r", flush=True)
            self._drawn = ""
        console.log(text)

    def _draw(self, after: float = REDRAW_S) -> None:
        now = time.monotonic()
        if now - self._drawn_at < after:
            return
        text = describe_answer(self._seconds, self._answer)[: max(1, (console.find_width() or 80) - 1)]
        print("\r" + text.ljust(len(self._drawn)), end="", flush=True)
        self._drawn, self._drawn_at = text, now
