"""What a process writes to stderr, of which only the end is of interest."""

from __future__ import annotations

import os
import select
import threading

ERROR_BYTES = 65536  # that are kept


class ErrorTail:
    """The end of what a process writes to stderr, however much that is: it is read as it comes and kept nowhere else.

    Closing it closes the pipe, so that a process that outlives ssh and still writes is ended by the system.
    """

    def __init__(self, stream):
        self._stream, self._kept, self._stopped = stream, bytearray(), threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        with self._stream:
            while True:
                ready = select.select([self._stream], [], [], 0.1)[0]
                piece = os.read(self._stream.fileno(), 65536) if ready else b""
                self._kept = (self._kept + piece)[-ERROR_BYTES:]
                # What was written before the end is read to the end, unless it has none.
                if (ready and not piece) or (self._stopped.is_set() and (not ready or len(self._kept) == ERROR_BYTES)):
                    return

    def close(self) -> None:
        """Stop reading."""
        self._stopped.set()
        self._thread.join()

    def text(self) -> str:
        """The end of what was read until it was closed."""
        return self._kept.decode(errors="replace")
