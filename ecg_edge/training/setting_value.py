"""The value of a setting as the command line states it: text of a known type."""

import ast
import types
import typing
from typing import Literal

from firmware_bench.runtime.errors import InputError, unknown_name


def parse_setting(text: str, kind, name: str):
    """Parse `text` as a value of `kind`: int, float, bool, str, tuple, a Literal, or one of these or None.

    Raises:
        InputError: it is none; `name` is the setting's name in the message.
    """
    options = typing.get_args(kind)
    if isinstance(kind, types.UnionType):
        if text.lower() == "none":
            return None
        return parse_setting(text, next(option for option in options if option is not type(None)), name)
    if typing.get_origin(kind) is Literal:
        if text not in options:
            raise unknown_name(f"value of {name}", text, options)
        return text
    try:
        if kind is str:
            return text
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        if kind is tuple:
            value = ast.literal_eval(text)
            return tuple(value) if isinstance(value, tuple | list) else (value,)
        return kind(text)
    except (ValueError, KeyError, SyntaxError):
        raise InputError(f"{name} is of type {kind.__name__}, {text!r} is not") from None
