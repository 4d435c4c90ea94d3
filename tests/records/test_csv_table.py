"""CSV files as spreadsheets of all countries write them, and hostile ones."""

import pytest

from ecg_edge.records.csv_table import LARGEST_FILE, read_csv_header, read_csv_table
from firmware_bench.runtime.errors import InputError

ROWS = (("record", "label", "patient"), ("a", "Müller; AF", "1"), ("b", "N", "2"))


def read(path, data):
    file = path / "labels.csv"
    file.write_bytes(data)
    return read_csv_table(file, {"record", "label", "patient"}.__contains__)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_encodings_and_line_ends_of_spreadsheets(tmp_path, separator, encoding, end):
    text = end.join(separator.join(f'"{cell}"' if ";" in cell else cell for cell in row) for row in ROWS) + end
    table = read(tmp_path, text.encode(encoding))
    assert (table.header, *(row.cells for row in table.rows)) == ROWS
    assert [row.line for row in table.rows] == [2, 3]
    assert table.encoding == encoding.removesuffix("-sig")
    assert read_csv_header(table.file, {"record", "label"}.__contains__) == ROWS[0]


def test_the_separator_that_excel_states_is_used_and_lines_are_counted_from_the_file(tmp_path):
    table = read(tmp_path, b"sep=;\r\nrecord;label, primary\r\nx;N\r\n")
    assert table.header == ("record", "label, primary") and table.rows[0].line == 3


def test_quoted_separators_line_breaks_and_spaces(tmp_path):
    table = read(tmp_path, b'record, label ,note\nx, "AF, fast","two\nlines"\ny,"say ""AF""",\n')
    assert [(row.line, row.cells) for row in table.rows] == [
        (2, ("x", "AF, fast", "two\nlines")),
        (4, ("y", 'say "AF"', "")),
    ]


def test_composed_and_decomposed_characters_are_the_same(tmp_path):
    assert read(tmp_path, "record\nu\u0308\n".encode()).rows[0].cells == ("\u00fc",)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("record,label\nx,Müller\ny,M".encode() + b"\xff,N\n", "line 3: damaged"),
        (b"record,label\nx,\x81\x8d\n", "line 2: damaged, or neither UTF-8 nor Windows-1252"),
        (b"\xff\xfer\0e\0c", "line 1: damaged"),
        (b"record,label\n" + b"x" * 2**21, "line 2: a row is longer than 1,048,576 characters"),
        (b'record,label\n"' + b"a\n" * 2**20, "line 2: a quotation mark is not closed"),
        (b"record,label" + b"," * 10**6, "has 1000002 columns"),
        (b"," * 2**21, "line 1: a row is longer than"),
        (b"record,label\n" + b"x,N\n" * (LARGEST_FILE // 4), "is larger than 64 MB"),
    ],
    ids=["damaged", "undefined", "half", "long", "open", "columns", "more columns", "large"],
)
def test_hostile_files_are_refused(tmp_path, data, why):
    with pytest.raises(InputError, match=why):
        read(tmp_path, data)


def test_the_header_alone_of_what_is_no_table(tmp_path):
    for data in (b"", b"\0\1", b"," * 2**21, b'"' + b"a\n" * 10**5):
        (tmp_path / "x.csv").write_bytes(data)
        assert len(read_csv_header(tmp_path / "x.csv", {"record"}.__contains__)) <= 1000
    assert read_csv_header(tmp_path / "absent.csv", {"record"}.__contains__) == ()
