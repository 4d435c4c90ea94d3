"""The child process that converts.

    python -P export/convert/converter_child.py

The job arrives on stdin and the result leaves on stdout: see export.convert.conversion_job. The settings name the
module of export.convert, "method", whose function `convert` does the work. The process ends with its parent.
"""

import os
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

LENGTH_BYTES = 8
OS_ERROR_STATUS = 2


def main(requests: BinaryIO, channel: BinaryIO) -> None:
    """Converts the model that `requests` brings by the method that its settings name."""
    data = requests.read(int.from_bytes(requests.read(LENGTH_BYTES)))
    threading.Thread(target=_end_at_end_of, args=(requests.fileno(),), daemon=True).start()
    from export.convert.conversion_job import unpack_job
    from firmware_bench.runtime.files import describe_os_error

    job = unpack_job(data, channel)
    del data
    try:
        import_module(f"export.convert.{job.settings['method']}").convert(job)
    except OSError as error:
        print(describe_os_error(error), file=sys.stderr)
        sys.exit(OS_ERROR_STATUS)


def _end_with_parent() -> None:
    """Have Linux end this process with its parent, also while the converter lets no other thread run."""
    if sys.platform == "linux":
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _end_at_end_of(requests: int) -> None:
    """End this process once the parent, which keeps the pipe open, is gone."""
    os.read(requests, 1)  # not by the buffered file, whose lock Python would want at its own end
    os._exit(1)


if __name__ == "__main__":
    _end_with_parent()
    sys.path.insert(0, str(Path(__file__).parents[2]))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # the converter writes to stdout, too
    main(sys.stdin.buffer, answers)
