"""A sensor's counts as they come from a serial port or standard input, in pieces of any length.

The first byte of a content chooses the format, the second one the number of leads, the third the length of a piece.
"""

import re

import numpy as np

from ecg_edge.api.count_stream import FORMATS, LONGEST_LINE, CountStream
from ecg_edge.reporter import Reporter
from firmware_bench.front_end.plan import MISSING
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.metadata import ModelMetadata
from fuzz.fuzzing import FuzzTarget

NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
LONGEST_MESSAGE = 200  # characters


class Messages(Reporter):
    def __init__(self):
        self.lines = []

    def message(self, text):
        self.lines.append(text)


class CountStreamTarget(FuzzTarget):
    name = "count_stream"

    def prepare(self, folder):
        counts = np.random.default_rng(0).integers(-2000, 2000, (80, 2))
        rows = [[str(value) for value in row] for row in counts]
        csv = "I,II\r\n" + "".join(",".join(row) + "\r\n" for row in rows) + "NaN,\n,-32768\n40000,-1.5e1\n"
        text = "I II\n" + "".join(" ".join(row) + "\n" for row in rows) + "NaN -32768\n 7\t8 \n9 10"
        binary = counts.astype("<i2").tobytes()
        return [bytes([form, 1, 7]) + content for form, content in enumerate((binary, csv.encode(), text.encode()))]

    def attempt(self, content, folder):
        form, leads, length = (*content[:3], 0, 0, 0)[:3]
        form, leads, content = list(FORMATS)[form % len(FORMATS)], leads % 4 + 1, content[3:]
        expected = read_binary(content, leads) if form == "int16" else read_lines(content, leads, form)
        for size in (length % 64 + 1, len(content) + 1):
            pieces = [content[i : i + size] for i in range(0, len(content), size)]
            messages = Messages()
            metadata = ModelMetadata(fs=250.0, leads=tuple(f"lead {n + 1}" for n in range(leads)))
            signal = CountStream(pieces, Sensor(250.0, (200.0,)), form).open(metadata, messages)
            counts = np.concatenate(list(signal.blocks))
            if counts.dtype != np.int16 or counts.tolist() != expected:
                return f"{form} in pieces of {size} bytes was read as other counts than there are"
            if len(messages.lines) > 2 or not all(
                line.isprintable() and len(line) <= LONGEST_MESSAGE for line in messages.lines
            ):
                return f"{messages.lines!r} was reported"
        return None


def read_binary(content: bytes, leads: int) -> list[list[int]]:
    """The samples of a stream of 16-bit integers, read one by one."""
    values = [int.from_bytes(content[i : i + 2], "little", signed=True) for i in range(0, len(content) - 1, 2)]
    return [values[i : i + leads] for i in range(0, len(values) - leads + 1, leads)]


def read_lines(content: bytes, leads: int, form: str) -> list[list[int]]:
    """The samples of lines."""
    *lines, last = content.split(b"\n")
    lines += [last] if last.strip() else []
    samples = []
    for number, line in enumerate(lines):
        fields = [field.strip() for field in (line.split(b",") if form == "csv" else line.split())]
        if number == 0 and line.strip(b", \r\t") and not any(is_number(field) for field in fields):
            continue
        sound = (
            len(fields) == leads
            and len(line) <= LONGEST_LINE
            and all(not field or is_number(field) for field in fields)
        )
        samples.append([read_count(field) for field in fields] if sound else [MISSING] * leads)
    return samples


def is_number(field: bytes) -> bool:
    """Whether a field states a count, finite or NaN."""
    return field.lower().lstrip(b"+-") == b"nan" or (NUMBER.fullmatch(field) is not None and abs(float(field)) < np.inf)


def read_count(field: bytes) -> int:
    """The count of a field."""
    if not field or not NUMBER.fullmatch(field) or round(float(field)) == MISSING:
        return MISSING
    return min(max(round(float(field)), -32767), 32767)


TARGET = CountStreamTarget()
