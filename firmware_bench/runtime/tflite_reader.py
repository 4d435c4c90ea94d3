"""A reader of TensorFlow Lite files (FlatBuffers) that needs no FlatBuffer library.

Fields are numbered as in TensorFlow Lite's schema.fbs.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from firmware_bench.runtime.errors import ModelError

SUBGRAPHS, BUFFERS, METADATA = 2, 4, 6  # fields of the table Model
DAMAGED = "the file is damaged: it points beyond its end"


class FlatBufferTable:
    """A table of a FlatBuffer. A field that is absent reads as 0, None or empty.

    Args:
        data: The whole file.
        position: Where the table begins in it.
    """

    def __init__(self, data: bytes, position: int):
        self.data, self.position = data, position
        self.vtable = position - self._unpack("<i", position)

    @classmethod
    def root(cls, data: bytes) -> FlatBufferTable:
        """Return the root table of a FlatBuffer."""
        return cls(data, struct.unpack_from("<I", data)[0])

    def _unpack(self, form, position):
        if not 0 <= position <= len(self.data) - struct.calcsize(form):
            raise ModelError(DAMAGED)
        return struct.unpack_from(form, self.data, position)[0]

    def _field(self, number):
        slot = 4 + 2 * number
        offset = self._unpack("<H", self.vtable + slot) if slot < self._unpack("<H", self.vtable) else 0
        return self.position + offset if offset else None

    def integer(self, number: int) -> int:
        """Return a uint32 field."""
        field = self._field(number)
        return 0 if field is None else self._unpack("<I", field)

    def table(self, number: int) -> FlatBufferTable | None:
        """Return a field that is a table."""
        field = self._field(number)
        return None if field is None else FlatBufferTable(self.data, field + self._unpack("<I", field))

    def span(self, number: int, size: int = 1) -> range:
        """Return the positions of the elements, of `size` bytes each, of a field that is a vector or a string."""
        field = self._field(number)
        if field is None:
            return range(0)
        start = field + self._unpack("<I", field)
        stop = start + 4 + size * self._unpack("<I", start)
        if stop > len(self.data):
            raise ModelError(DAMAGED)
        return range(start + 4, stop, size)

    def bytes(self, number: int) -> bytes:
        """Return a field that is a string or a vector of bytes."""
        span = self.span(number)
        return self.data[span.start : span.stop]

    def tables(self, number: int) -> list[FlatBufferTable]:
        """Return a field that is a vector of tables."""
        return [FlatBufferTable(self.data, place + self._unpack("<I", place)) for place in self.span(number, 4)]


def read_model_table(data: bytes) -> FlatBufferTable:
    """Return the root table of a TensorFlow Lite file.

    Raises:
        ModelError: The bytes are not a TensorFlow Lite file, hold no graph, or a buffer lies beyond their end.
    """
    if data[4:8] != b"TFL3":
        raise ModelError("this is not a TensorFlow Lite file")
    model = FlatBufferTable.root(data)
    for buffer in model.tables(BUFFERS):
        buffer.span(0)
    if not model.tables(SUBGRAPHS):
        raise ModelError("the file is damaged: it holds no graph")
    return model


def read_model_file(path: str | os.PathLike) -> bytes:
    """Return the bytes of a model file.

    Raises:
        ModelError: The file cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"{os.fspath(path)}: {error.strerror}") from None
