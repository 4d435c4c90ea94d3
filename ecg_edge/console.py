"""Output on a terminal: results to stdout, messages and progress to stderr."""

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence

from ecg_edge.reporter import Reporter
from firmware_bench.runtime.errors import make_printable


def log(text: str) -> None:
    """Print a line to stderr; control characters in it are escaped."""
    print(make_printable(text), file=sys.stderr, flush=True)


def log_kept(folder, names) -> None:
    """Print which files of a generated folder were left as they are."""
    for name in names:
        log(f"kept {folder}/{name}: it was changed since it was generated; remove it to have it written anew")


class ConsoleReporter(Reporter):
    """Prints messages to stderr and shows the stages in progress as bars there."""

    def __init__(self):
        self._bars = None
        self._stages = {}

    def message(self, text: str) -> None:
        """Print `text`."""
        log(text)

    def progress(self, stage: str, done: int, total: int) -> None:
        """Update the bar of `stage`, where stderr is a terminal; a full bar is removed."""
        if not sys.stderr.isatty():
            return
        if self._bars is None:
            self._bars = _make_bars()
            self._bars.start()
        if stage not in self._stages:
            self._stages[stage] = self._bars.add_task(make_printable(stage), total=total)
        self._bars.update(self._stages[stage], completed=done, total=total)
        if done >= total:
            self._bars.remove_task(self._stages.pop(stage))

    def close(self) -> None:
        """Remove the bars."""
        if self._bars is not None:
            self._bars.stop()


@contextlib.contextmanager
def reporting() -> Iterator[ConsoleReporter]:
    """Provide a reporter whose bars are removed when the block ends."""
    reporter = ConsoleReporter()
    try:
        yield reporter
    finally:
        reporter.close()


def _make_bars():
    from rich.console import Console
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
        console=Console(stderr=True),
        transient=True,
    )


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence]) -> None:
    """Print a table to stdout; the first column is text, the others are aligned to the right.

    Cells are printed as they are: [bold] in a record's name is no markup, control characters are escaped.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(title=Text(make_printable(title)), title_justify="left")
    for number, column in enumerate(columns):
        made.add_column(Text(make_printable(column)), justify="left" if number == 0 else "right")
    for row in rows:
        made.add_row(*[Text(make_printable(str(cell))) for cell in row])
    # A pipe has no width: do not wrap cells there.
    Console(width=None if sys.stdout.isatty() else 160).print(made)


def print_json(value) -> None:
    """Print one JSON object to stdout; characters that are not printable are escaped, which JSON leaves open."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    print("\n".join(_escape_json(line) for line in text.split("\n")))


def _escape_json(line: str) -> str:
    return line if line.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def split_names(text: str | None) -> list[str] | None:
    """Return the names in "I,II,…"; None where there is no text."""
    return [name.strip() for name in text.split(",")] if text else None
