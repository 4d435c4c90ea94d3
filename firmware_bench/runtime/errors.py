"""Errors that a user can act on: one line, no traceback, a fixed exit status."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(Exception):
    """Wrong usage or unreadable input. The message says what is wrong, where, and what to do. Exit status 2."""

    exit_status = 2


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
