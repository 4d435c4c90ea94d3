"""Damage the structure of a FlatBuffer: its numbers, lengths and offsets, wherever a reader follows them."""

import random
import struct

from firmware_bench.runtime.tflite_reader import FlatBufferTable
from firmware_bench.runtime.tflite_schema import CORE, OPTION_VECTORS

HOSTILE_NUMBERS = (0, 1, 2, 3, 4, 5, 7, 8, 16, 31, 32, 64, 127, 128, 255, 256, 1000, 32767, 32768, 65535, 65536, 10**6,
                   2**24, 2**28, 2**30, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 2, 2**32 - 1)  # fmt: skip


def list_numbers(data: bytes) -> list[tuple[int, int]]:
    """(position, bytes) of every number, length, offset and entry of a vtable of a TensorFlow Lite file."""
    found: dict[int, int] = {}
    seen = set()

    def vector(start, size):
        found[start] = 4
        count = struct.unpack_from("<I", data, start)[0]
        for place in range(start + 4, start + 4 + size * min(count, 16), size):  # weights need no more
            found[place] = size

    def visit(table, kind, options=0):
        if (table.position, kind) in seen:
            return
        seen.add((table.position, kind))
        found[table.position] = 4
        length = table.unpack("<H", table.vtable)
        for place in range(table.vtable, table.vtable + length, 2):
            found[place] = 2
        fields = OPTION_VECTORS.get(options, {}) if kind == "Options" else CORE[kind]
        for number in range((length - 4) // 2):
            offset = table.unpack("<H", table.vtable + 4 + 2 * number)
            if not offset:
                continue
            place, form = table.position + offset, fields.get(number, "<i")
            found[place] = struct.calcsize(form) if isinstance(form, str) and form[0] == "<" else 4
            if isinstance(form, str) and form[0] == "<":
                continue
            if isinstance(form, list) and form[0][0] != "<":
                start = place + table.unpack("<I", place)
                vector(start, 4)
                for entry in table.tables(number):
                    visit(entry, form[0])
            elif isinstance(form, list):
                vector(place + table.unpack("<I", place), struct.calcsize(form[0]))
            elif form != "string":
                child = table.table(number)
                visit(child, form, table.number(3, "<B") if form == "Options" else 0)

    visit(FlatBufferTable.root(data), "Model")
    return sorted(found.items())


def damage_structure(data: bytes, numbers: list[tuple[int, int]], dice: random.Random) -> bytes:
    """Set one to three of the numbers of a file to hostile values, or to other numbers of the file."""
    damaged = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        place, size = dice.choice(numbers)
        old = int.from_bytes(damaged[place : place + size], "little")
        other, length = dice.choice(numbers)
        value = dice.choice(
            (
                dice.choice(HOSTILE_NUMBERS),
                old + dice.choice((-4, -2, -1, 1, 2, 4)),
                old ^ 1 << dice.randrange(8 * size),
                int.from_bytes(damaged[other : other + length], "little"),
            )
        )
        damaged[place : place + size] = (value % 256**size).to_bytes(size, "little")
    return bytes(damaged)
