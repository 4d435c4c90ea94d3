"""A CSV file as people and spreadsheets write it: any usual separator and encoding, every row with its line.

The content is untrusted: sizes are limited before anything is built from them.
"""

import codecs
import csv
import dataclasses
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

from firmware_bench.runtime.errors import InputError

LARGEST_FILE = 64 * 2**20  # bytes
LONGEST_ROW = 2**20  # characters
MOST_COLUMNS = 1000
HEADER_BYTES = 2**16  # that are read to see what a file is
SEPARATORS = ",;\t|"  # Excel's by country, its "Unicode text", and the pipe of databases
ENCODING_OF_MARK = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[,;\t|]*\s*', re.IGNORECASE)  # Excel's own first line


@dataclasses.dataclass(frozen=True)
class CsvRow:
    """A row: the line in which it begins, counted from 1, and its cells without spaces around them."""

    line: int
    cells: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class CsvTable:
    """A CSV file.

    Attributes:
        file: The file.
        header: The names of its columns.
        rows: Its other rows; those whose cells are all blank are left out.
        encoding: "utf-8", "utf-16" or "cp1252".
    """

    file: Path
    header: tuple[str, ...]
    rows: tuple[CsvRow, ...]
    encoding: str


def read_csv_table(file: Path, is_known: Callable[[str], bool]) -> CsvTable:
    """Read a CSV file whose first row names the columns.

    Args:
        file: The file. UTF-8, or UTF-16 with a byte order mark; else Windows-1252, which Excel writes.
        is_known: Whether a name of a column is one that the reader understands. The separator is the one with which
            the first row has most such names.

    Returns:
        The table. Its rows may have more or fewer cells than the header.

    Raises:
        InputError: The file cannot be read, is no text, empty or too large, or a quotation mark is not closed.
    """
    try:
        with open(file, "rb") as opened:
            data = opened.read(LARGEST_FILE + 1)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from None
    if len(data) > LARGEST_FILE:
        raise InputError(f"{file} is larger than {LARGEST_FILE // 2**20} MB: no table of labels")
    text, encoding = _decode(data, file)
    separator, skipped = _find_separator(text, file, is_known)
    rows = _parse(text, separator, file, skipped)
    header = next(rows, None)
    if header is None:
        raise InputError(f"{file} is empty: its first line must name the columns")
    if len(header.cells) > MOST_COLUMNS:
        raise InputError(f"{file} has {len(header.cells)} columns: no table of labels has more than {MOST_COLUMNS}")
    return CsvTable(file, header.cells, tuple(row for row in rows if any(row.cells)), encoding)


def read_csv_header(file: Path, is_known: Callable[[str], bool]) -> tuple[str, ...]:
    """Read the names of a CSV file's columns alone; () where its beginning is no such text."""
    try:
        with open(file, "rb") as opened:
            data = opened.read(HEADER_BYTES)
        if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            data = data[: data.rfind(b"\n") + 1 or None]  # not in the middle of a character
        text, _ = _decode(data, file)
        separator, skipped = _find_separator(text, file, is_known)
        header = next(_parse(text, separator, file, skipped), None)
    except (OSError, InputError):
        return ()
    return header.cells[:MOST_COLUMNS] if header else ()


def _decode(data: bytes, file: Path) -> tuple[str, str]:
    """The text, its characters composed (ü is one), and its encoding."""
    mark = next((mark for mark in ENCODING_OF_MARK if data.startswith(mark)), None)
    encoding = ENCODING_OF_MARK[mark] if mark else "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        # Windows-1252 text hardly ever holds a whole UTF-8 character; one that does is UTF-8 with a damaged byte.
        is_damaged = mark or not data.decode("utf-8", "ignore").isascii()
        try:
            text, encoding = ("", encoding) if is_damaged else (data.decode("cp1252"), "cp1252")
        except UnicodeDecodeError:
            is_damaged = True
        if is_damaged:
            raise InputError(f"{file}, line {line}: damaged, or neither UTF-8 nor Windows-1252 text") from None
    if "\0" in text:
        raise InputError(f"{file} is no text: it holds NUL bytes")
    return unicodedata.normalize("NFC", text), encoding.removesuffix("-sig")


def _find_separator(text: str, file: Path, is_known: Callable[[str], bool]) -> tuple[str, int]:
    """The separator of the cells, and how many lines there are before the header."""
    first = LINE.match(text)
    if first and (stated := SEPARATOR_LINE.fullmatch(first[0])):
        return stated[1], 1

    def rate(separator: str) -> tuple[int, int]:
        try:
            cells = next(_parse(text, separator, file), CsvRow(1, ())).cells
        except InputError:  # a quotation mark that only another separator explains
            return -1, 0
        return sum(map(is_known, cells)), len(cells)

    return max(SEPARATORS, key=rate), 0


def _parse(text: str, separator: str, file: Path, skipped: int = 0) -> Iterator[CsvRow]:
    """The rows of `text`, without its first `skipped` lines."""
    row_length = 0

    def limit_lines() -> Iterator[str]:
        nonlocal row_length
        for number, line in enumerate(LINE.finditer(text)):
            row_length += line.end() - line.start()
            if row_length > LONGEST_ROW:
                raise csv.Error(f"a row is longer than {LONGEST_ROW:,} characters")
            if number >= skipped:
                yield line[0]

    reader = csv.reader(limit_lines(), delimiter=separator, strict=True, skipinitialspace=True)
    while True:
        line = reader.line_num + skipped + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = str(error)
            if "expected after" in reason or "unexpected end" in reason or "field larger" in reason:
                reason = "a quotation mark is not closed, or stands within a cell"
            raise InputError(f"{file}, line {line}: {reason}") from None
        row_length = 0
        yield CsvRow(line, tuple(cell.strip() for cell in cells))
