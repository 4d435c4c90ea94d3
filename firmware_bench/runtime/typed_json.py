"""JSON from a file or a device, decoded as dataclasses: every field of the type that its annotation says."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from typing import Any


def shorten(value: Any) -> str:
    """Return a value as JSON of at most 40 characters, for error messages."""
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."


def decode_json(kind: Any, value: Any, place: str = "") -> Any:
    """Return `value`, out of JSON, as the type `kind`.

    Args:
        kind: A dataclass, float, int, bool, str, Any, Literal, Optional, tuple[…, ...] or dict[str, …]. Fields of an
            object that the dataclass does not have are left out.
        value: What json.loads returned.
        place: Where it stands, for the message.

    Returns:
        A value of that type. Numbers are finite, integers of at most 2^53.

    Raises:
        ValueError: It is of another type, or a dataclass refuses a field.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin is typing.Union or origin is getattr(types, "UnionType", None):  # Optional
        return None if value is None else decode_json(arguments[0], value, place)
    if origin is tuple:
        values = _expect(value, list, place, "a list")
        return tuple(decode_json(arguments[0], each, f"{place}[{number}]") for number, each in enumerate(values))
    if origin is dict:
        pairs = _expect(value, dict, place, "an object").items()
        return {name: decode_json(arguments[1], each, f"{place}.{name}") for name, each in pairs}
    if origin is typing.Literal:
        if value not in arguments or isinstance(value, bool):
            raise ValueError(f"{place} is {shorten(value)}, not {' or '.join(map(str, arguments))}")
        return value
    if kind is bool:
        if not isinstance(value, bool):
            raise ValueError(f"{place} is {shorten(value)}, not true or false")
        return value
    if kind is float:
        number = _expect(value, (int, float), place, "a number")
        if not -1e300 < number < 1e300:
            raise ValueError(f"{place} is {shorten(number)}, not a finite number")
        return float(number)
    if kind is int:
        number = _expect(value, int, place, "an integer")
        if not -(2**53) <= number <= 2**53:
            raise ValueError(f"{place} is {shorten(number)}, not an integer of at most 2^53")
        return number
    if kind is str:
        return _expect(value, str, place, "a string")
    return _decode_dataclass(kind, _expect(value, dict, place or "it", "an object"), place)


def _decode_dataclass(kind, value, place):
    if hasattr(kind, "from_json"):
        value = kind.from_json(value)
    kinds, known, prefix = typing.get_type_hints(kind), {}, f"{place}." if place else ""
    for part in dataclasses.fields(kind):
        if part.name in value:
            known[part.name] = decode_json(kinds[part.name], value[part.name], prefix + part.name)
        elif default_of(kind, part.name) is dataclasses.MISSING:
            raise ValueError(f"{prefix}{part.name} is missing")
    try:
        return kind(**known)
    except ValueError as error:
        raise ValueError(prefix + str(error)) from None


def _expect(value, kind, place, expected):
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"{place} is {shorten(value)}, not {expected}")
    return value


def default_of(kind: Any, name: str) -> Any:
    """Return the default of the field `name` of a dataclass, MISSING where it has none."""
    (part,) = (part for part in dataclasses.fields(kind) if part.name == name)
    return part.default if part.default_factory is dataclasses.MISSING else part.default_factory()
