"""Where text goes: results to stdout, everything else to stderr."""

import json
import os
import sys
import tempfile


def say(text: str) -> None:
    """A line to stderr."""
    print(text, file=sys.stderr, flush=True)


def progress():
    """A rich Progress on stderr with bar, count and estimate; to be used as a context manager."""
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
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def table(title: str, columns: list[str], rows: list[list]) -> None:
    """A table on stdout; the first column is text, the others are aligned to the right."""
    from rich.console import Console
    from rich.table import Table

    made = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        made.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        made.add_row(*[str(cell) for cell in row])
    # A pipe has no width of its own: leave every cell whole there.
    Console(width=None if sys.stdout.isatty() else 160).print(made)


def print_json(value) -> None:
    """One JSON object on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def import_keras() -> None:
    """Imports Keras and its backend without the backend's notes on processors and missing GPUs.

    They are written to the file descriptor before any log level is read, hence the detour through a file; should the
    import fail, they are shown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            import keras  # noqa: F401
        except BaseException:
            notes.seek(0)
            os.write(stderr, notes.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
