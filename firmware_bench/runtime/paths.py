"""Where ecg-edge keeps things, and names of files that come from elsewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path


def cache_folder() -> Path:
    """Return where ecg-edge keeps what it can make again: $ECG_EDGE_CACHE, or ecg-edge in the user's cache folder."""
    folder = os.environ.get("ECG_EDGE_CACHE")
    return Path(folder) if folder else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ecg-edge"


def make_file_name(text: str, otherwise: str) -> str:
    """Make a part of a file's name of a text from a device or a file.

    Args:
        text: Any text.
        otherwise: The name where nothing of the text is left.

    Returns:
        Letters and digits of ASCII, "-", "_" and ".", at most 64; the first is a letter or a digit.
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).lstrip("._-")[:64] or otherwise
