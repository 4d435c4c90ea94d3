"""A reader of TensorFlow Lite files (FlatBuffers) that needs no FlatBuffer library.

Fields are numbered as in TensorFlow Lite's schema.fbs.
"""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path
from typing import Any

from firmware_bench.runtime.errors import ModelError

SUBGRAPHS, BUFFERS, METADATA = 2, 4, 6  # fields of the table Model
MAX_FILE_BYTES = 1 << 29
DAMAGED = "the file is damaged: it points beyond its end"


class FlatBufferTable:
    """A table of a FlatBuffer. A field that is absent reads as 0, None or empty.

    Args:
        data: The whole file.
        position: Where the table begins in it.
    """

    def __init__(self, data: bytes, position: int):
        self.data, self.position = data, position
        self.vtable = position - self.unpack("<i", position)

    @classmethod
    def root(cls, data: bytes) -> FlatBufferTable:
        """Return the root table of a FlatBuffer."""
        return cls(data, struct.unpack_from("<I", data)[0])

    def unpack(self, form: str, position: int) -> Any:
        """Return the number at a position. Raises ModelError where it lies beyond the end."""
        if not 0 <= position <= len(self.data) - struct.calcsize(form):
            raise ModelError(DAMAGED)
        return struct.unpack_from(form, self.data, position)[0]

    def _field(self, number):
        slot = 4 + 2 * number
        offset = self.unpack("<H", self.vtable + slot) if slot < self.unpack("<H", self.vtable) else 0
        return self.position + offset if offset else None

    def integer(self, number: int) -> int:
        """Return a uint32 field."""
        field = self._field(number)
        return 0 if field is None else self.unpack("<I", field)

    def number(self, number: int, form: str, default: int = 0) -> Any:
        """Return a field that is a number of the form `form`, as struct takes it."""
        field = self._field(number)
        return default if field is None else self.unpack(form, field)

    def numbers(self, number: int, form: str, limit: int) -> tuple:
        """Return a field that is a vector of at most `limit` numbers, each of the form `form`, as struct takes it."""
        span = self.span(number, struct.calcsize(f"<{form}"))
        if len(span) > limit:
            raise ModelError(f"the file is damaged: a list has {len(span)} entries")
        return struct.unpack_from(f"<{len(span)}{form}", self.data, span.start)

    def table(self, number: int) -> FlatBufferTable | None:
        """Return a field that is a table."""
        field = self._field(number)
        return None if field is None else FlatBufferTable(self.data, field + self.unpack("<I", field))

    def span(self, number: int, size: int = 1) -> range:
        """Return the positions of the elements, of `size` bytes each, of a field that is a vector or a string."""
        field = self._field(number)
        if field is None:
            return range(0)
        start = field + self.unpack("<I", field)
        stop = start + 4 + size * self.unpack("<I", start)
        if stop > len(self.data):
            raise ModelError(DAMAGED)
        return range(start + 4, stop, size)

    def bytes(self, number: int) -> bytes:
        """Return a field that is a string or a vector of bytes."""
        span = self.span(number)
        return self.data[span.start : span.stop]

    def tables(self, number: int, limit: int = 1 << 20) -> list[FlatBufferTable]:
        """Return a field that is a vector of at most `limit` tables."""
        span = self.span(number, 4)
        if len(span) > limit:
            raise ModelError(f"the file is damaged: a list has {len(span)} entries")
        return [FlatBufferTable(self.data, place + self.unpack("<I", place)) for place in span]


def read_model_file(path: str | os.PathLike) -> bytes:
    """Return the bytes of a model file.

    Raises:
        ModelError: The file cannot be read, is no regular file, or has more than MAX_FILE_BYTES.
    """
    try:
        about = os.stat(path)
        if stat.S_ISREG(about.st_mode) and about.st_size > MAX_FILE_BYTES:
            raise ModelError(f"{os.fspath(path)}: {about.st_size:,} bytes are no model: at most {MAX_FILE_BYTES:,}")
        if not stat.S_ISREG(about.st_mode) and not stat.S_ISDIR(about.st_mode):
            raise ModelError(f"{os.fspath(path)}: it is a device or a pipe: name a .tflite file")
        return Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"{os.fspath(path)}: {error.strerror}") from None
