"""The other end of a connection to a device: runs what it is told and leaves nothing behind.

Its text is handed to the device's own python3 (3.9 or later; standard library alone) by remote_device.py. It makes a private
folder, reports it in one line of JSON, and then reads lines: a JSON list is a command to run in the folder, an empty
line a heartbeat. Every line that a command prints comes back as {"line": …}, its end as {"status": …}.

When the connection closes, or stays silent for too long, whatever runs is killed and the folder removed.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time


def tell(**message):
    os.write(1, (json.dumps(message) + "\n").encode())


def cache():
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ecg-edge")


def lines(chunk, rest):
    """What has come of lines: the whole ones, and the beginning of the next."""
    *whole, rest[:] = (bytes(rest) + chunk).split(b"\n")
    return [line.decode(errors="replace") for line in whole]


def keep(folder, silence):
    """Serves until the connection closes, or says nothing for `silence` seconds."""
    running, output, heard = None, None, time.monotonic()
    orders, said = bytearray(), bytearray()
    try:
        while True:
            ready, _, _ = select.select([0, *([output] if output else [])], [], [], 1)
            if 0 in ready:
                chunk, heard = os.read(0, 65536), time.monotonic()
                if not chunk:
                    return
                for order in filter(None, lines(chunk, orders)):
                    running = subprocess.Popen(
                        json.loads(order), cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip
                    output = running.stdout.fileno()
            elif time.monotonic() - heard > silence:
                return
            if output in ready:
                chunk = os.read(output, 65536)
                for line in lines(chunk or b"\n", said):
                    tell(line=line)
                if not chunk:
                    tell(status=running.wait())
                    running.stdout.close()
                    running = output = None
    finally:
        if running:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def main(silence):
    if sys.version_info < (3, 9):  # noqa: UP036 - nobody knows what is there
        tell(error="Python 3.9 or later is needed there, python3 is " + sys.version.split()[0])
        return
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        os.makedirs(cache(), mode=0o700, exist_ok=True)
        folder = tempfile.mkdtemp(prefix="bench-", dir=cache())
    except OSError as error:
        tell(error="cannot make a folder there: " + str(error))
        return
    try:
        tell(folder=folder, python=sys.executable, version=sys.version.split()[0], free=shutil.disk_usage(folder).free)
        keep(folder, silence)
    except BrokenPipeError:
        pass  # nobody listens any more
    finally:
        while os.path.exists(folder):  # what was just killed may have been writing still
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(float(sys.argv[1]))
