"""SCP-ECG files, also such whose checksums are right behind the damage."""

import binascii
import struct

from small_files import COUNTS, scp

from fuzz.mutation import mutate
from fuzz.record_target import RecordTarget


class ScpTarget(RecordTarget):
    name, file = "scp", "r.scp"

    def prepare(self, folder):
        return [scp(), scp(COUNTS[:2], starts=[1, 101])]

    def damage(self, content, random):
        damaged = bytearray(mutate(content, random))
        return bytes(damaged) if random.random() < 0.2 else repair_checksums(damaged)


def repair_checksums(content: bytearray) -> bytes:
    """The content with the length and the checksums of the record and of its sections made right."""
    if len(content) < 142:
        return bytes(content)
    content[2:6] = struct.pack("<I", len(content))
    places = [(6, 136)] + [struct.unpack_from("<II", content, 24 + 10 * i)[::-1] for i in range(1, 12)]
    for place, length in [(6, 136), *((at - 1, length) for at, length in places[1:])]:
        if place > 0 and length >= 16 and place + length <= len(content):
            crc = binascii.crc_hqx(content[place + 2 : place + length], 0xFFFF)
            content[place : place + 2] = struct.pack("<H", crc)
    content[:2] = struct.pack("<H", binascii.crc_hqx(content[2:], 0xFFFF))
    return bytes(content)


TARGET = ScpTarget()
