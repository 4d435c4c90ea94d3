"""Damage JSON: a value by another, or the text anywhere."""

import json
import random

from device_reports import places, replaced

from fuzz.mutation import mutate

HOSTILE_VALUES = (
    None, True, False, -1, 0, 1, 2, 0.5, 1e308, -1e308, 10**400, 2**70, float("nan"), float("inf"), "", "x", "\x1b[31m",
    "a\nb", "../../x", "[bold]", "\u202e", "x" * 10**5, [], {}, [[]], [0.0], [1e308] * 3, {"value": "x"}, {"a": {}},
    KeyError,
)  # fmt: skip


def damage_json(content: bytes, dice: random.Random) -> bytes:
    """Replace one or two values of a JSON document by hostile ones; one time in four damage its text instead."""
    if dice.random() < 0.25:
        return mutate(content, dice)
    value = json.loads(content)
    for _ in range(dice.choice((1, 1, 2))):
        place = dice.choice(list(places(value)))
        new = dice.choice(HOSTILE_VALUES)
        value = replaced(value, place, None if new is KeyError and not place else new)
    return json.dumps(value).encode()
