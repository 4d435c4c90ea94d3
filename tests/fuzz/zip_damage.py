"""Damage a zip archive: its bytes, or the content of a part, packed again with a sum that matches."""

import io
import random
import zipfile

from fuzz.mutation import mutate


def damage_archive(content: bytes, dice: random.Random) -> bytes:
    """Damage an archive as a transfer does, or, as often, as an attacker does."""
    if dice.random() < 0.5:
        return mutate(content, dice)
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(packed, "w") as damaged:
        chosen = dice.choice(archive.namelist())
        for name in archive.namelist():
            text = archive.read(name)
            damaged.writestr(name, mutate(text, dice) if name == chosen else text)
    return packed.getvalue()
