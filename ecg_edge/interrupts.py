"""Ctrl-C ends a command within seconds, with one line and status 130, wherever the libraries are at that moment.

KeyboardInterrupt alone does not: raised while a library starts threads, compiles or runs a callback, it is swallowed,
or comes out as another exception, or a thread keeps the process from ending. All files are written atomically, so a
process may end at any moment.
"""

import contextlib
import os
import select
import signal
import sys
import threading
from types import FrameType

from firmware_bench.runtime.errors import make_printable

GRACE_S = 5.0  # until an interrupted command that does not end is ended
STATUS = 130

advice = ""  # how to continue what runs now
received = False
_stderr = 2
_ending = threading.Lock()


def handle() -> None:
    """Handle Ctrl-C from now on until the process ends, unless it was started to ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        return
    global _stderr
    with contextlib.suppress(OSError):  # a process without stderr
        _stderr = os.dup(2)  # descriptor 2 leads elsewhere while Keras is imported
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    # The operating system's handler writes to it at once, also while no Python code runs in the main thread.
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reading,), daemon=True).start()
    signal.signal(signal.SIGINT, _interrupt)


def ignore() -> None:
    """Ignore Ctrl-C from now on: the work is done, and the libraries are being taken down."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def end_if_received() -> None:
    """End the process where Ctrl-C was pressed: whatever a library raises after that comes from it."""
    if received:
        end()


def end() -> None:
    """End the process with one line and without waiting for any thread."""
    _ending.acquire()  # the first one ends the process
    clear = "\r\033[2K\033[?25h" if os.isatty(_stderr) else ""  # a progress bar hides the cursor
    line = f"{clear}error: {make_printable('; '.join(filter(None, ['interrupted', advice])))}\n"
    try:
        os.write(_stderr, line.encode(errors="backslashreplace"))
    finally:
        os._exit(STATUS)


def _interrupt(number: int, frame: FrameType | None) -> None:
    global received
    received = True
    # What an interrupt left half made cannot always be taken down; Python would report that.
    sys.unraisablehook = lambda _: None
    threading.excepthook = lambda _: None
    raise KeyboardInterrupt


def _watch(descriptor: int) -> None:
    """End the process at the second Ctrl-C, or a while after the first one."""
    while signal.SIGINT not in os.read(descriptor, 1):
        pass
    while select.select([descriptor], [], [], GRACE_S)[0] and signal.SIGINT not in os.read(descriptor, 1):
        pass
    end()
