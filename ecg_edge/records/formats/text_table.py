"""Tables of numbers in text: which character separates cells, which is the decimal sign, where the numbers begin."""

import dataclasses
import re
from collections.abc import Iterator

import numpy as np

from ecg_edge.records.record_error import RecordError, describe_error

NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
MISSING = ("", "nan", "na", "n/a", "null", "none", "-")
CLOCK = re.compile(r"\[?(?:\d{4}-\d\d-\d\d[T ])?(?:(\d+):)?(\d+):(\d+(?:[.,]\d+)?)(?:Z|[+-]\d\d:?\d\d| [\d/]+)?\]?")
PIECE = 2**22  # characters that are parsed at once
LARGEST_HEAD = 2**20  # characters in which the layout shows
LOOKED_AT = 50  # lines from which the layout is told


class NoTableError(ValueError):
    """Text without lines of numbers."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a table of text is written.

    Attributes:
        delimiter: Between cells; None for any white space.
        comma: Whether a comma is the decimal sign.
        skip: Lines before the numbers.
        header: The rows of text before the numbers, nearest last.
        columns: Cells of a line.
    """

    delimiter: str | None
    comma: bool
    skip: int
    header: tuple[tuple[str, ...], ...]
    columns: int


def decode_text(content: bytes) -> str:
    """Decode text: UTF-8, or UTF-16 by its byte order mark, else Latin-1. Raises NoTableError: it is no text."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    if b"\0" in content:
        raise NoTableError("it is no text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        cut = error.start >= len(content) - 3  # a file's first bytes may end within a character
        return content[: error.start].decode("utf-8-sig") if cut else content.decode("latin-1")


def find_layout(text: str, leads: int = 0) -> Layout:
    """Find out how a table is written.

    Args:
        text: The table, or its beginning in whole lines.
        leads: How many columns besides a time the user has named, 0 where none.

    Returns:
        Its layout.

    Raises:
        NoTableError: There is no table of numbers.
        ValueError: There is one, and the meaning of its commas or of its first lines cannot be told.
    """
    lines = [line.strip() for line in text[:LARGEST_HEAD].splitlines()[: LOOKED_AT + 20]]
    first = next((i for i, line in enumerate(lines) if line and _is_numeric(line)), None)
    if first is None:
        raise NoTableError("it holds no lines of numbers")
    rows = [line for line in lines[first : first + LOOKED_AT] if line]
    head = [line.lstrip("#% ") for line in lines[:first] if line.lstrip("#% ")]
    delimiter, comma = _find_delimiter(rows, head, leads)
    counts = {len(split_cells(row, delimiter)) for row in rows}
    if len(counts) > 1:
        raise ValueError(f"its lines have {' or '.join(map(str, sorted(counts)))} cells")
    header = tuple(tuple(split_cells(line, delimiter)) for line in head)
    if any(len(cells) != min(counts) for cells in header):
        raise ValueError(f"its {len(head)} first lines are no names of its {min(counts)} columns")
    return Layout(delimiter, comma, first, header, min(counts))


def split_cells(line: str, delimiter: str | None) -> list[str]:
    """The cells of a line without quotation marks."""
    return [cell.strip().strip("\"'").strip() for cell in line.split(delimiter)]


def parse_numbers(path: str, text: str, layout: Layout) -> tuple[np.ndarray, np.ndarray | None]:
    """Parse the numbers of a table.

    Args:
        path: The file, for messages.
        text: The whole table.
        layout: How it is written.

    Returns:
        float64 (lines, columns), NaN where a cell is empty or says that there is no value; and the times in s,
        float64 (lines,), where the first column is written as a clock (its numbers are NaN then), else None.

    Raises:
        RecordError: A cell is no number, or a line has another number of cells. The line names it.
    """
    numbers, seconds, done = [], [], layout.skip
    for lines in _split_lines(text, layout.skip):
        clock = _parse_clocks(path, lines, layout, done) if done == layout.skip or seconds else None
        if clock is not None:
            seconds.append(clock)
            lines = ["nan" + "".join(line.partition(layout.delimiter or " ")[1:]) for line in lines]
        numbers.append(_parse_lines(path, lines, layout, done))
        done += len(lines)
    if not seconds:
        return np.concatenate(numbers), None
    times = np.concatenate(seconds)
    return np.concatenate(numbers), times + 86400.0 * np.cumsum(np.diff(times, prepend=times[:1]) < -43200)  # midnights


def _split_lines(text: str, skip: int) -> Iterator[list[str]]:
    """The lines of a text behind the first `skip`, some thousand at once: a day of ECG has millions."""
    text, at = text.rstrip(), 0
    while at < len(text):
        end = text.find("\n", at + PIECE)
        lines = text[at : len(text) if end < 0 else end].splitlines()
        yield lines[skip:]
        at, skip = len(text) if end < 0 else end + 1, 0


def _parse_lines(path: str, lines: list[str], layout: Layout, done: int) -> np.ndarray:
    """Parse lines of numbers, float64 (lines, columns); `done` lines are before them. Raises RecordError."""
    try:
        return _load(lines, layout)
    except ValueError:
        pass
    try:
        return _load([_spell_missing(line, layout) for line in lines], layout)
    except ValueError as error:
        text = re.sub(r"row (\d+)", lambda found: f"line {int(found[1]) + 1 + done}", describe_error(error))
        raise RecordError(f"{path} is no table of numbers: {text.partition(';')[0]}") from None


def _is_numeric(line: str) -> bool:
    """Whether a line holds numbers, beside a time of day and missing values, by any way to write them."""
    cells = re.split(r"[;\t]|\s+(?![\d/]+\])", line) if re.search(r"[;\t ]", line) else line.split(",")
    cells = [
        part.strip().strip("\"'") for cell in cells for part in ([cell] if NUMBER.fullmatch(cell) else cell.split(","))
    ]
    numbers = [cell for cell in cells if NUMBER.fullmatch(cell)]
    others = [cell for cell in cells if not NUMBER.fullmatch(cell) and cell.lower() not in MISSING]
    return bool(numbers) and all(CLOCK.fullmatch(cell) or re.fullmatch(r"\[?[\d/:.TZ-]+\]?", cell) for cell in others)


def _find_delimiter(rows: list[str], head: list[str], leads: int) -> tuple[str | None, bool]:
    """The delimiter, and whether a comma is the decimal sign. Raises ValueError where that cannot be told."""
    for delimiter in (";", "\t"):
        if any(delimiter in row for row in rows):
            values = [cell for row in rows for cell in split_cells(row, delimiter) if not CLOCK.fullmatch(cell)]
            comma = any("," in cell for cell in values)
            if comma and any("." in cell for cell in values):
                raise ValueError("it has commas and points in its numbers: write them without separators of thousands")
            return delimiter, comma
    if not any("," in row for row in rows):
        return None, False
    if any(re.search(r"\d,?\s+[\d+-]", row.replace(", ", ",")) for row in rows):
        if any("." in row for row in rows):
            raise ValueError("it has commas, points and spaces: one of them has to separate the cells")
        return None, True
    if any("." in row for row in rows):
        return ",", False
    counts = {row.count(",") + 1 for row in rows}
    named = {line.count(",") + 1 for line in head}
    if head and counts == named:
        return ",", False
    if head and named == {1} and counts <= {1, 2} and leads < 2:
        return ";", True  # one column, numbers with decimal commas
    if not head and len(counts) == 1 and leads > 1 and counts <= {leads, leads + 1}:
        return ",", False
    raise ValueError(
        "whether its commas separate cells or are decimal signs cannot be told: write decimal points, or semicolons "
        "between cells"
    )


def _parse_clocks(path: str, lines: list[str], layout: Layout, done: int) -> np.ndarray | None:
    """The times of day, in s, of a first column written as h:m:s or as date and time; None where it is none."""
    seconds = np.empty(len(lines))
    for i, line in enumerate(lines):
        found = CLOCK.fullmatch(split_cells(line, layout.delimiter)[0])
        if not found:
            if done == layout.skip and i == 0:
                return None
            raise RecordError(f"{path} is no table of numbers: line {i + 1 + done} has no time")
        hours, minutes, rest = found.groups()
        seconds[i] = int(hours or 0) * 3600 + int(minutes) * 60 + float(rest.replace(",", "."))
    return seconds


def _load(lines: list[str], layout: Layout) -> np.ndarray:
    """Parse lines of numbers. Raises ValueError."""
    if layout.comma:
        lines = [line.replace(",", ".") for line in lines]
    table = np.loadtxt(lines, np.float64, comments=None, delimiter=layout.delimiter, quotechar='"', ndmin=2)
    if table.shape[1] != layout.columns:
        raise ValueError(f"its lines have {table.shape[1]} cells, its beginning has {layout.columns}")
    return table


def _spell_missing(line: str, layout: Layout) -> str:
    """A line whose missing values are written "nan" and whose cells have no quotation marks."""
    cells = ["nan" if cell.lower() in MISSING else cell for cell in split_cells(line, layout.delimiter)]
    return (layout.delimiter or " ").join(cells)
