"""Errors that a user can act on: one line, no traceback, a fixed exit status."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def make_printable(text: str) -> str:
    """Make text from a file, a network or a device safe to print on one line of a terminal.

    Args:
        text: Any text.

    Returns:
        The text with line breaks and tabs as spaces, and every other character that is not printable (escape codes,
        characters that turn the direction of writing, undecodable bytes of file names) written as in Python.
    """
    if text.isprintable():
        return text
    spaced = text.translate({ord(character): " " for character in "\n\r\t"})
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in spaced)


class InputError(Exception):
    """Wrong usage or unreadable input. The message says what is wrong, where, and what to do. Exit status 2.

    Args:
        message: One line. It may quote text of a file: what is not printable is escaped.
    """

    exit_status = 2

    def __init__(self, message: str):
        super().__init__(make_printable(str(message)))


class ModelError(InputError):
    """A model file, or a TensorFlow Lite runtime, that cannot be used. Exit status 2."""


class AcceptanceError(Exception):
    """An acceptance check failed: parity, file-size budget, accuracy. Exit status 1."""

    exit_status = 1


def unknown_name(kind: str, name: str, choices: Iterable[str]) -> InputError:
    """Make the error for a name that does not exist.

    Args:
        kind: What the name is meant to be, for example "lead".
        name: The name that was given.
        choices: The names that exist.

    Returns:
        The error, not raised. Its message lists the closest of `choices`, or all of them where none is close.
    """
    choices = sorted(choices)
    lower = {choice.lower(): choice for choice in choices}
    close = [lower[match] for match in difflib.get_close_matches(str(name).lower(), lower, n=3)]
    if close:
        return InputError(f"no {kind} {name!r}: did you mean {' or '.join(close)}?")
    return InputError(f"no {kind} {name!r}: there is {', '.join(choices) or 'none'}")
