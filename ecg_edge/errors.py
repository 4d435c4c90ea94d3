"""What may go wrong for a reason the user can mend: one line, no traceback, a fixed exit status."""

import difflib
from collections.abc import Iterable


class InputError(Exception):
    """Wrong usage or unreadable input. The message says what is wrong, where, and the way out. Exit status 2."""

    exit_status = 2


class GateError(Exception):
    """The work was done and its result is not good enough: parity, budget, accuracy. Exit status 1."""

    exit_status = 1


def unknown(kind: str, name: str, choices: Iterable[str]) -> InputError:
    """The error for a name that does not exist: lists the closest of `choices`, or all where none is close."""
    choices = sorted(choices)
    lower = {choice.lower(): choice for choice in choices}
    close = [lower[match] for match in difflib.get_close_matches(name.lower(), lower, n=3)]
    if close:
        return InputError(f"no {kind} {name!r}: did you mean {' or '.join(close)}?")
    return InputError(f"no {kind} {name!r}: there is {', '.join(choices) or 'none'}")
