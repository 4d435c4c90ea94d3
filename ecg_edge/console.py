"""Output on a terminal: results to stdout, messages and progress to stderr."""

import contextlib
import csv
import errno
import io
import json
import os
import select
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from ecg_edge.reporter import LineReporter, Reporter
from ecg_edge.terminal_progress import TerminalReporter
from firmware_bench.runtime.errors import InputError, make_printable

UNLIMITED_WIDTH = 10_000  # columns
LONGEST_WORD = 16  # columns: what is longer may be broken


_quiet = False


def silence(quiet: bool = True) -> None:
    """Print no messages and no progress from now on, but results and errors alone; or those again."""
    global _quiet
    _quiet = quiet


def log(text: str) -> None:
    """Print a line to stderr, unless there is silence; control characters in it are escaped."""
    if not _quiet:
        LineReporter().message(text)


def refuse_failures(errors: Sequence[str], total: int) -> None:
    """Name each of `total` recordings that could not be predicted. Raises InputError: there are any."""
    if total == len(errors) == 1:
        raise InputError(errors[0])
    for message in errors:
        LineReporter().message(f"error: {message}")
    if errors:
        raise InputError(f"{len(errors)} of {total} recordings could not be predicted")


def log_kept(folder, names) -> None:
    """Print which files of a generated folder were left as they are."""
    for name in names:
        log(f"kept {folder}/{name}: it was changed since it was generated; remove it to have it written anew")


@contextlib.contextmanager
def reporting() -> Iterator[Reporter]:
    """Provide a reporter that shows messages and progress on stderr until the block ends; nothing after `silence`."""
    if _quiet:
        yield Reporter()
        return
    reporter = TerminalReporter()
    try:
        yield reporter
    finally:
        reporter.close()


def prepare_streams() -> None:
    """Make the standard streams take any text and be there: call it once, before anything is printed.

    Characters that an encoding lacks are printed as escapes. Writing to a closed stdout is an error of the operating
    system; what goes to a closed stderr is lost.
    """
    for number in (0, 1, 2):  # the next file that is opened would get the number of a closed stream
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or _ClosedStream()
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115  until the process ends
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class _ClosedStream(io.StringIO):
    def write(self, text: str, /) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "standard output")


def give_up_output() -> bool:
    """Print nothing more to stdout, after an error of writing there.

    Returns:
        Whether stdout is a pipe that nobody reads any more.
    """
    try:
        number = sys.stdout.fileno()
        closed = bool(poll_events(number) & select.POLLERR)
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    except (OSError, ValueError, AttributeError):  # no file behind it, or a system without poll
        return False
    return closed


def poll_events(number: int) -> int:
    """Return the events of a file descriptor, as select.poll has them."""
    poll = select.poll()
    poll.register(number, select.POLLERR)
    return sum(event for _, event in poll.poll(0))


def find_width() -> int | None:
    """Find the columns of the terminal, or those that COLUMNS states; None for a pipe or a file."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return shutil.get_terminal_size().columns
    return None


def find_ellipsis() -> str:
    """Find what stands for text that is left out, in the encoding of stdout."""
    return "…" if (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf") else "..."


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence], notes: Sequence[str] = ()) -> None:
    """Print a table to stdout, and notes below it; the first column is text, the others are aligned to the right.

    Cells are printed as they are: [bold] in a record's name is no markup, control characters are escaped.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [[make_printable(str(cell)) for cell in row] for row in rows]
    made = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for number, column in enumerate(columns):
        # Where it is narrow, sentences are folded, not names and numbers: these are as wide as their longest word.
        words = [word for text in (column, *(row[number] for row in cells)) for word in text.split()]
        widest = max(map(len, words), default=0)
        made.add_column(Text(make_printable(column)), justify="left" if number == 0 else "right", overflow="fold",
                        min_width=min(widest, LONGEST_WORD))  # fmt: skip
    for row in cells:
        made.add_row(*map(Text, row))
    styled = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    shown = Console(width=find_width() or UNLIMITED_WIDTH, color_system="auto" if styled else None)
    with shown.capture() as captured:  # rich would end the process at a closed pipe
        shown.print(Text(make_printable(title), style="italic"))
        shown.print(made)
        shown.print()
    print(captured.get(), end="")
    for note in notes:
        print(make_printable(note))


def print_section(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows to stdout as "first: second" below a title, from the third column on with the column's name; lines are
    wrapped at the width of the terminal."""
    width = find_width() or UNLIMITED_WIDTH
    print(make_printable(title))
    for row in rows:
        named = [f"{column} {cell}" for column, cell in zip(columns[2:], row[2:], strict=True)]
        text = make_printable(": ".join([row[0], ", ".join([*row[1:2], *named])]) if row[1:] else row[0])
        wrapped = textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
        print("\n".join(wrapped))
    print()


def print_csv(rows: Iterable[Sequence]) -> None:
    """Print rows as comma-separated values to stdout; control characters in texts are escaped."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerows([make_printable(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)


def print_json(value, indent: int | None = 2) -> None:
    """Print one JSON object to stdout; characters that are not printable are escaped, which JSON leaves open.

    Args:
        value: Plain data.
        indent: Blanks before what is one level deeper; None: all in one line.
    """
    text = json.dumps(value, indent=indent, ensure_ascii=find_ellipsis() != "…")
    print("\n".join(_escape_json(line) for line in text.split("\n")))


def _escape_json(line: str) -> str:
    return line if line.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def split_names(text: str | None) -> list[str] | None:
    """Return the names in "I,II,…"; None where there is no text."""
    return [name.strip() for name in text.split(",")] if text else None
