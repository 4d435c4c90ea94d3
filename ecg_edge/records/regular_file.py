"""Open only what is a file: a name in a folder may be a FIFO, a device or a socket, on which reading never ends."""

import stat
from io import BufferedReader
from pathlib import Path

from ecg_edge.records.record_error import RecordError, describe_error


def open_regular_file(path: Path | str) -> BufferedReader:
    """Open a file for reading.

    Args:
        path: The file.

    Returns:
        The open file.

    Raises:
        RecordError: It is missing, no regular file, or may not be read.
    """
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            raise RecordError(f"{path} is no regular file")
        return open(path, "rb")
    except FileNotFoundError:
        raise RecordError(f"{path} is missing") from None
    except (OSError, ValueError) as error:
        raise RecordError(f"{path} cannot be read: {describe_error(error)}") from None


def read_regular_file(path: Path | str, maximum: int) -> bytes:
    """Read a whole file.

    Args:
        path: The file.
        maximum: The most bytes it may have.

    Returns:
        Its content.

    Raises:
        RecordError: It is missing, no regular file, larger than `maximum`, or may not be read.
    """
    with open_regular_file(path) as file:
        try:
            content = file.read(maximum + 1)
        except OSError as error:
            raise RecordError(f"{path} cannot be read: {describe_error(error)}") from None
    if len(content) > maximum:
        raise RecordError(f"{path} has more than {maximum} bytes: it is not what its name says")
    return content
