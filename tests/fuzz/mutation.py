"""Damage bytes as transfers, editors and attackers do."""

import random

HOSTILE_TEXTS = (
    b"nan", b"inf", b"-1", b"0", b"1e309", b"99999999999999999999", b"4294967295", b"-2147483648", b"1/0", b"1,5",
    b"../../etc/passwd", b"/dev/zero", b"\x1b[31m", b"[bold]", b"[/b]", b"\r\n", b"\x00", b"\xff\xfe", b"%s%n", b"{}",
    "µ".encode(), "µ".encode("latin-1"), b"$(id)", b"; id", b'"', b"'",
)  # fmt: skip
BYTES_OF_NOTE = (0x00, 0x01, 0x7F, 0x80, 0xFF, 0x0A, 0x20, 0x2D)


def mutate(data: bytes, random: random.Random) -> bytes:
    """Damage `data` in one to four places.

    Args:
        data: The content of a sound file.
        random: Decides what is damaged and how.

    Returns:
        The damaged content; now and then it equals `data`.
    """
    damaged = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        random.choice(MUTATIONS)(damaged, random)
    return bytes(damaged)


def _place(data: bytearray, random: random.Random) -> int:
    """A position in `data`; as often in its first 256 bytes, where headers are, as anywhere."""
    return random.randrange(min(len(data), random.choice((256, max(1, len(data))))) or 1)


def _flip_bit(data, random):
    if data:
        data[_place(data, random)] ^= 1 << random.randrange(8)


def _set_byte(data, random):
    if data:
        data[_place(data, random)] = random.choice((*BYTES_OF_NOTE, random.randrange(256)))


def _cut_end(data, random):
    del data[_place(data, random) :]


def _remove(data, random):
    start = _place(data, random)
    del data[start : start + random.choice((1, 2, 4, 16, 256))]


def _repeat(data, random):
    start = _place(data, random)
    piece = data[start : start + random.choice((1, 2, 4, 16, 256))]
    data[start:start] = piece * random.choice((1, 2, 100))


def _insert_text(data, random):
    start = _place(data, random)
    data[start:start] = random.choice(HOSTILE_TEXTS)


def _replace_word(data, random):
    """Replace a word of text by a hostile one; in binary data some bytes."""
    start = _place(data, random)
    stop = start
    while stop < len(data) and stop < start + 32 and not chr(data[stop]).isspace() and data[stop] not in b',;:"':
        stop += 1
    data[start:stop] = random.choice(HOSTILE_TEXTS)


def _set_word(data, random):
    """Overwrite four bytes by a number at which sizes and offsets overflow."""
    if len(data) >= 4:
        start = random.randrange(len(data) - 3)
        number = random.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(data), random.randrange(2**32)))
        data[start : start + 4] = number.to_bytes(4, "little")


MUTATIONS = (_flip_bit, _set_byte, _cut_end, _remove, _repeat, _insert_text, _replace_word, _set_word)
