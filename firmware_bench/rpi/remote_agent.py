"""The program at the device's end of an ssh connection: runs commands and leaves nothing behind.

remote_device.py passes its text to the device's own python3 (3.9 or later; standard library alone). It makes a private
folder, reports it in one line of JSON, and then reads lines: a JSON list is a command to run in the folder, an empty
line a heartbeat. Every line that a command prints comes back as {"line": …}, its end as {"status": …}.

When the connection closes, or no heartbeat comes for too long, the running command is killed and the folder removed.
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


def send(**message):
    os.write(1, (json.dumps(message) + "\n").encode())


def cache_folder():
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ecg-edge")


def split_lines(chunk, rest):
    """The complete lines of `rest` and `chunk`; the beginning of the next one stays in `rest`."""
    *lines, rest[:] = (bytes(rest) + chunk).split(b"\n")
    return [line.decode(errors="replace") for line in lines]


def serve(folder, timeout):
    """Runs commands until the connection closes, or nothing is received for `timeout` seconds."""
    running = output = None  # the running command, and its output
    received = time.monotonic()
    commands, printed = bytearray(), bytearray()
    try:
        while True:
            ready, _, _ = select.select([0, *([output] if output else [])], [], [], 1)
            if 0 in ready:
                chunk, received = os.read(0, 65536), time.monotonic()
                if not chunk:
                    return
                for command in filter(None, split_lines(chunk, commands)):
                    running = subprocess.Popen(
                        json.loads(command), cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip
                    output = running.stdout
            elif time.monotonic() - received > timeout:
                return
            if running and output and output in ready:
                chunk = os.read(output.fileno(), 65536)
                for line in split_lines(chunk or b"\n", printed):
                    send(line=line)
                if not chunk:
                    send(status=running.wait())
                    output.close()
                    running = output = None
    finally:
        if running:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def main(timeout):
    if sys.version_info < (3, 9):  # noqa: UP036 - the version of the device's python3 is not known
        send(error="Python 3.9 or later is needed there, python3 is " + sys.version.split()[0])
        return
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        os.makedirs(cache_folder(), mode=0o700, exist_ok=True)
        folder = tempfile.mkdtemp(prefix="bench-", dir=cache_folder())
    except OSError as error:
        send(error="cannot make a folder there: " + str(error))
        return
    try:
        send(folder=folder, python=sys.executable, version=sys.version.split()[0], free=shutil.disk_usage(folder).free)
        serve(folder, timeout)
    except BrokenPipeError:
        pass  # the connection is closed
    finally:
        while os.path.exists(folder):  # the command that was just killed may still have been writing
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(float(sys.argv[1]))
