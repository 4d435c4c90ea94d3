"""The error for a recording that cannot be read, and the text of other libraries' errors."""

import re

from firmware_bench.runtime.errors import InputError


class RecordError(InputError):
    """A recording that cannot be read. The message names the file and the cause."""


def describe_unreadable(name: str, error: Exception) -> str:
    """Say in one line that the record `name` cannot be read: a reader's own error says it all, others say little."""
    return str(error) if isinstance(error, InputError) else f"{name} cannot be read: {describe_error(error)}"


def describe_error(error: Exception) -> str:
    """Describe an exception of another library on one line, without representations of Python objects."""
    return " ".join(re.sub(r"<[^>]*>", "it", str(error)).split())[:160] or type(error).__name__
